//! From files to a rule set: what is read in which order, and what changes what.
//!
//! Shipped rules come first, then the paths that were given, in their order. Nothing changes a rule of
//! another file but by its id and on purpose: an override, a filter, `auklet.replaces`. Everything wrong
//! is found in one go.
mod build;
mod filters;
mod part;
mod sources;

use std::collections::HashMap;

pub(crate) use self::sources::{Origin, files, is_rules};
use self::{
    part::{Part, What, what},
    sources::{Source, sources},
};
use crate::{
    correlation::keys::Word,
    document::Document,
    engine::Lists,
    error::{RuleError, RuleErrors},
    ruleset::RuleSet,
    sigma::yaml::Problem,
    tuning::overrides::Override,
};

/// Reads everything and puts it together.
pub(crate) fn load(origin: Origin) -> Result<RuleSet, RuleErrors> {
    let mut errors = Vec::new();
    let mut lists = origin.lists.clone();
    let sources = sources(&origin, &mut lists, &mut errors);
    let mut loader = Loader {
        parts: Vec::new(),
        sources: &sources,
        lists,
        errors,
    };
    loader.read();
    // What is not understood would only make more errors out of what refers to it.
    if loader.errors.is_empty() {
        loader.change();
    }
    loader.build(origin)
}

/// Puts documents together that are read already.
#[cfg(test)]
pub(crate) fn load_nodes(
    origin: Origin,
    file: &std::path::Path,
    nodes: Vec<crate::sigma::yaml::Node>,
) -> Result<RuleSet, RuleErrors> {
    let sources = [Source {
        file: file.to_owned(),
        text: String::new(),
        shipped: false,
        version: String::new(),
    }];
    let mut loader = Loader {
        parts: Vec::new(),
        sources: &sources,
        lists: origin.lists.clone(),
        errors: Vec::new(),
    };
    for node in nodes {
        let file = &sources[0].file;
        loader.document(0, Document { file, node });
    }
    if loader.errors.is_empty() {
        loader.change();
    }
    loader.build(origin)
}

struct Loader<'s> {
    parts: Vec<Part<'s>>,
    sources: &'s [Source],
    lists: Lists,
    errors: Vec<RuleError>,
}

impl<'s> Loader<'s> {
    fn read(&mut self) {
        for (at, source) in self.sources.iter().enumerate() {
            let documents = match Document::split(&source.file, &source.text) {
                Ok(documents) => documents,
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            if documents.is_empty() {
                self.errors.push(RuleError {
                    file: source.file.clone(),
                    line: 1,
                    problem: "no rule in this file".to_owned(),
                });
            }
            for document in documents {
                self.document(at, document);
            }
        }
    }

    fn document(&mut self, source: usize, document: Document<'s>) {
        match what(&document) {
            Ok(what) => self.parts.push(Part {
                source,
                document,
                what,
                disabled: false,
                level: None,
                silent: false,
            }),
            Err(error) => self.errors.push(error),
        }
    }

    fn shipped(&self, part: usize) -> bool {
        self.sources[self.parts[part].source].shipped
    }

    fn error(&mut self, part: usize, line: usize, problem: impl Into<String>) {
        let error = self.parts[part].document.error(Problem::new(line, problem));
        self.errors.push(error);
    }

    /// Applies overrides and replacements, then sees to it that ids are unique.
    fn change(&mut self) {
        for at in 0..self.parts.len() {
            if let What::Override(change) = &self.parts[at].what {
                self.apply(at, &change.clone());
            } else if let Some(id) = self.parts[at].what.replaces() {
                self.replace(at, &id);
            }
        }
        let mut ids: HashMap<String, usize> = HashMap::new();
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            let Some(id) = part.what.id().filter(|_| !part.disabled) else {
                continue;
            };
            if let Some(other) = ids.insert(id.text.to_lowercase(), at) {
                let other = self.parts[other].document.file.display();
                let problem = format!("id {} is also in {other}", id.text);
                let line = self.parts[at].document.line_of("id");
                self.error(at, line, problem);
            }
        }
    }

    fn apply(&mut self, at: usize, change: &Override) {
        for word in &change.rules {
            let found = self.by_id(&word.text, at);
            for target in &found {
                let part = &mut self.parts[*target];
                part.disabled |= change.disabled;
                part.level = change.level.or(part.level);
            }
            if found.is_empty() {
                self.error(at, word.line, format!("no rule has the id {}", word.text));
            }
        }
    }

    fn replace(&mut self, at: usize, id: &str) {
        let found = self.by_id(id, at);
        let line = self.parts[at].document.line_of("replaces");
        if found.is_empty() {
            self.error(
                at,
                line,
                format!("replaces {id}: no other rule has that id"),
            );
        }
        for target in found {
            self.parts[target].disabled = true;
        }
    }

    /// Rules and correlations of that id, but for one.
    fn by_id(&self, id: &str, but: usize) -> Vec<usize> {
        let has = |at: &usize| {
            let what = &self.parts[*at].what;
            let same = |word: Word| word.text.eq_ignore_ascii_case(id);
            *at != but && what.is_rule() && what.id().is_some_and(same)
        };
        (0..self.parts.len()).filter(has).collect()
    }

    /// What a correlation or a filter names: by id, else by a name of the same file, else by a name
    /// that only one rule has.
    fn find(&mut self, from: usize, word: &Word) -> Option<usize> {
        let mut found = self.by_id(&word.text, from);
        if found.is_empty() {
            let named = |at: &usize| {
                let what = &self.parts[*at].what;
                *at != from && what.name().is_some_and(|name| name.text == word.text)
            };
            found = (0..self.parts.len()).filter(named).collect();
            let here = self.parts[from].source;
            if found.iter().any(|at| self.parts[*at].source == here) {
                found.retain(|at| self.parts[*at].source == here);
            }
        }
        let enabled: Vec<usize> = found
            .iter()
            .copied()
            .filter(|at| !self.parts[*at].disabled)
            .collect();
        let name = &word.text;
        match (&enabled[..], &found[..]) {
            ([one], _) => return Some(*one),
            ([], []) => self.error(
                from,
                word.line,
                format!("no rule has the id or name {name}"),
            ),
            ([], _) => self.error(
                from,
                word.line,
                format!("{name} is overridden, and is needed here"),
            ),
            ([first, second, ..], _) => {
                let file = |at: &usize| self.parts[*at].document.file.display().to_string();
                let (first, second) = (file(first), file(second));
                let problem =
                    format!("{name} is the name of rules in {first} and {second}: use an id");
                self.error(from, word.line, problem);
            }
        }
        None
    }
}
