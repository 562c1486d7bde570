//! Rules that passed their checks, ready to be asked about events.
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cases::is_tests,
    category::Category,
    check::check,
    document::Document,
    engine::{self, Engines, Explanation, Finding, Lists},
    error::{RuleError, RuleErrors},
    interest::Interest,
    meta::RuleMeta,
    observation::Observation,
};

macro_rules! shipped {
    ($($file:literal),* $(,)?) => {
        /// The rules that come with the sensor: one file per documented alert.
        const SHIPPED: &[(&str, &str)] =
            &[$((concat!("rules/linux/", $file), include_str!(concat!("../linux/", $file)))),*];
    };
}

shipped!(
    "dhcp-client-command-injection.yml",
    "digital-currency-mining.yml",
    "file-timestamp-modification.yml",
    "kernel-module.yml",
    "port-forwarding.yml",
    "scheduled-tasks.yml",
    "single-user-startup-script.yml",
    "ssh-authorized-keys.yml",
    "sudoers-group.yml",
);

/// Directories below a given one that are searched for rules.
const MAX_DEPTH: usize = 16;

/// A set of rules.
#[derive(Default)]
pub struct RuleSet {
    rules: Vec<Arc<RuleMeta>>,
    engines: Engines,
    interest: Interest,
    ids: HashMap<String, PathBuf>,
    lists: Lists,
}

impl RuleSet {
    /// No rules yet; the lists are what placeholders (`|expand`) of rules that follow stand for.
    #[must_use]
    pub fn with_lists(lists: Lists) -> Self {
        Self {
            lists,
            ..Self::default()
        }
    }

    /// The rules that come with the sensor.
    pub fn shipped() -> Result<Self, RuleErrors> {
        let mut set = Self::default();
        let errors = SHIPPED
            .iter()
            .flat_map(|(file, text)| set.add_text(Path::new(file), text))
            .collect();
        set.unless(errors)
    }

    /// Rules from files, and from all `*.yml` and `*.yaml` files below directories, by name.
    pub fn load(paths: &[PathBuf]) -> Result<Self, RuleErrors> {
        Self::default().and_load(paths)
    }

    /// These rules and those of [`RuleSet::load`]; an id must be unique among all of them.
    pub fn and_load(mut self, paths: &[PathBuf]) -> Result<Self, RuleErrors> {
        let mut errors = Vec::new();
        for path in paths {
            match files(path, 0, &|file| !is_tests(file)) {
                Ok(files) => errors.extend(files.iter().flat_map(|file| self.add_file(file))),
                Err((path, error)) => errors.push(unreadable(&path, &error)),
            }
        }
        self.unless(errors)
    }

    /// These rules and that of one document.
    #[cfg(test)]
    pub(crate) fn with_document(mut self, document: &Document<'_>) -> Result<Self, RuleErrors> {
        let added = self.add_document(document);
        self.unless(added.err().into_iter().collect())
    }

    /// These rules and those of a file's text; the file is named in errors.
    pub fn and_parse(mut self, file: &Path, text: &str) -> Result<Self, RuleErrors> {
        let errors = self.add_text(file, text);
        self.unless(errors)
    }

    /// The rules that match. Of rules with the same title, which are one alert, the gravest speaks.
    pub fn evaluate(&self, observation: &Observation) -> Vec<Finding> {
        gravest(self.engines.evaluate(observation))
    }

    /// The rules that match any observation of one event, each once, as [`RuleSet::evaluate`] says.
    pub fn evaluate_all(&self, observations: &[Observation]) -> Vec<Finding> {
        let all = observations.iter().flat_map(|o| self.engines.evaluate(o));
        gravest(all)
    }

    /// Every rule that matches.
    pub(crate) fn matching(&self, observation: &Observation) -> Vec<Finding> {
        self.engines.evaluate(observation)
    }

    /// The rule that is called so: its id, its alias or its title.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<RuleMeta>> {
        let same = |rule: &RuleMeta| {
            rule.id.eq_ignore_ascii_case(name)
                || rule.alias.as_deref() == Some(name)
                || rule.title == name
        };
        self.rules.iter().find(|rule| same(rule))
    }

    /// What a rule is about.
    #[must_use]
    pub fn category(&self, id: &str) -> Option<Category> {
        let nothing = Observation::new(Category::ProcessCreation);
        self.explain(id, &nothing).map(|why| why.category)
    }

    /// Why a rule, named by its id, matches an observation, or does not.
    #[must_use]
    pub fn explain(&self, id: &str, observation: &Observation) -> Option<Explanation> {
        self.engines.explain(id, observation)
    }

    /// How many rules are tried on every event of their category, because no value excludes them.
    #[must_use]
    pub fn tried_always(&self) -> usize {
        self.engines.tried_always()
    }

    /// What must be seen for every rule to work.
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// Every rule, in the order they were read.
    pub fn rules(&self) -> &[Arc<RuleMeta>] {
        &self.rules
    }

    fn unless(mut self, mut errors: Vec<RuleError>) -> Result<Self, RuleErrors> {
        if errors.is_empty() {
            match self.engines.finish() {
                Ok(()) => return Ok(self),
                Err(problem) => errors.push(RuleError {
                    file: PathBuf::new(),
                    line: 0,
                    problem: format!("the rules are too many: {problem}"),
                }),
            }
        }
        Err(RuleErrors(errors))
    }

    fn add_file(&mut self, file: &Path) -> Vec<RuleError> {
        match fs::read_to_string(file) {
            Ok(text) => self.add_text(file, &text),
            Err(error) => vec![unreadable(file, &error)],
        }
    }

    fn add_text(&mut self, file: &Path, text: &str) -> Vec<RuleError> {
        let documents = match Document::split(file, text) {
            Ok(documents) => documents,
            Err(error) => return vec![error],
        };
        if documents.is_empty() {
            let (file, problem) = (file.to_owned(), "no rule in this file".to_owned());
            return vec![RuleError {
                file,
                line: 1,
                problem,
            }];
        }
        let added = documents.iter().map(|d| self.add_document(d));
        added.filter_map(Result::err).collect()
    }

    fn add_document(&mut self, document: &Document<'_>) -> Result<(), RuleError> {
        let mut rule = document.rule()?;
        let checked = check(&rule, document)?;
        if let Some(other) = self.ids.get(&checked.id) {
            let problem = format!("id {} is also in {}", checked.id, other.display());
            return Err(document.error_at("id", problem));
        }
        let file = document.file.to_owned();
        let meta = RuleMeta::new(&rule, checked.id.clone(), checked.level, file.clone());
        let meta = Arc::new(meta);
        let at_line = |problem| document.error(problem);
        engine::expand(&mut rule.detections, &self.lists).map_err(at_line)?;
        self.interest.add(checked.category, &rule.detections);
        self.engines
            .add(checked.category, rule.detections, Arc::clone(&meta))
            .map_err(at_line)?;
        self.ids.insert(checked.id, file);
        self.rules.push(meta);
        Ok(())
    }
}

/// One finding for each title.
fn gravest(all: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for new in all {
        match findings.iter_mut().find(|f| f.rule.title == new.rule.title) {
            Some(old) if old.rule.level < new.rule.level => *old = new,
            Some(_) => {}
            None => findings.push(new),
        }
    }
    findings
}

fn unreadable(path: &Path, error: &io::Error) -> RuleError {
    RuleError {
        file: path.to_owned(),
        line: 0,
        problem: format!("cannot read it: {error}"),
    }
}

/// The text of a rule's document, as it was written.
///
/// # Errors
/// Its file can't be read any more, or the rule is not in it any more.
pub fn source(rule: &RuleMeta) -> io::Result<String> {
    let shipped = SHIPPED
        .iter()
        .find(|(file, _)| Path::new(file) == rule.file);
    let text = match shipped {
        Some((_, text)) => (*text).to_owned(),
        None => fs::read_to_string(&rule.file)?,
    };
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let found = documents.into_iter().find(|text| text.contains(&rule.id));
    found.ok_or_else(|| io::Error::other("the rule is not there any more"))
}

/// The file itself, or the files of rules below the directory that are wanted, sorted.
pub(crate) fn files(
    path: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |error| (path.to_owned(), error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if depth > MAX_DEPTH {
        return Err(failed(io::Error::other("directories nested too deep")));
    }
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        let is_rule = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if path.is_dir() {
            found.extend(files(&path, depth + 1, wanted)?);
        } else if is_rule && wanted(&path) {
            found.push(path);
        }
    }
    Ok(found)
}
