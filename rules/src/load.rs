//! From files to a rule set: what is read in which order, and what changes what.
//!
//! Shipped rules come first, then the paths that were given, in their order. Nothing changes a rule of
//! another file but by its id and on purpose: an override, a filter, `auklet.replaces`. Everything wrong
//! is found in one go.
use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use crate::{
    check::{self, Checked},
    correlation::{
        link::{Graph, Leaf, Linked, Target},
        spec::{Spec, Word},
    },
    document::Document,
    engine::{self, Engines, Lists},
    error::{RuleError, RuleErrors},
    meta::{About, Level, RuleMeta},
    ruleset::{Parts, RuleSet},
    sigma::{rule::Rule, yaml::Problem},
    tuning::{exception::Exception, lists, overrides::Override},
};

/// Directories below a given one that are searched for rules.
const MAX_DEPTH: usize = 16;

/// Where a rule set comes from, to be read again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) shipped: &'static [(&'static str, &'static str)],
    pub(crate) paths: Vec<PathBuf>,
    /// Lists beside those of the directories.
    pub(crate) lists: Lists,
}

/// A file of rules.
struct Source {
    file: PathBuf,
    text: String,
    shipped: bool,
    /// SHA-256, in hexadecimal.
    version: String,
}

/// What a document is.
enum What {
    Rule(Box<Rule>, Checked),
    Correlation(Box<Spec>),
    Exception(Box<Exception>),
    Override(Override),
}

/// A document and what it is.
struct Part<'s> {
    source: usize,
    document: Document<'s>,
    what: What,
    /// Overridden or replaced.
    disabled: bool,
    level: Option<Level>,
    /// Feeds a correlation and raises nothing itself.
    silent: bool,
}

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
                match what(&document) {
                    Ok(what) => self.parts.push(Part {
                        source: at,
                        document,
                        what,
                        disabled: false,
                        level: None,
                        silent: false,
                    }),
                    Err(error) => self.errors.push(error),
                }
            }
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
                self.error(at, id.line, problem);
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
            self.error(at, line, format!("replaces {id}: no other rule has that id"));
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
        let enabled: Vec<usize> =
            found.iter().copied().filter(|at| !self.parts[*at].disabled).collect();
        let name = &word.text;
        match (&enabled[..], &found[..]) {
            ([one], _) => return Some(*one),
            ([], []) => self.error(from, word.line, format!("no rule has the id or name {name}")),
            ([], _) => self.error(from, word.line, format!("{name} is overridden, and is needed here")),
            ([first, second, ..], _) => {
                let file = |at: &usize| self.parts[*at].document.file.display().to_string();
                let (first, second) = (file(first), file(second));
                let problem = format!("{name} is the name of rules in {first} and {second}: use an id");
                self.error(from, word.line, problem);
            }
        }
        None
    }

    fn build(mut self, origin: Origin) -> Result<RuleSet, RuleErrors> {
        let exceptions = self.exceptions();
        let specs = self.specs();
        self.silence(&specs);
        let mut parts = Parts::default();
        let metas = self.rules(&exceptions, &mut parts);
        let graph = self.link(&specs, &metas, &mut parts);
        parts.lists = self.lists.names().count();
        if self.errors.is_empty() {
            return RuleSet::new(parts, graph, origin);
        }
        self.errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self.errors.dedup();
        Err(RuleErrors(self.errors))
    }

    /// By rule: the filters that apply to it.
    fn exceptions(&mut self) -> HashMap<usize, Vec<Exception>> {
        let mut all: HashMap<usize, Vec<Exception>> = HashMap::new();
        for at in 0..self.parts.len() {
            let What::Exception(exception) = &self.parts[at].what else {
                continue;
            };
            let exception = exception.as_ref().clone();
            for target in self.targets(at, &exception) {
                match self.fitting(target, &exception) {
                    Ok(fitting) => all.entry(target).or_default().push(fitting),
                    Err(Problem { line, problem }) => self.error(at, line, problem),
                }
            }
        }
        all
    }

    fn targets(&mut self, at: usize, exception: &Exception) -> Vec<usize> {
        let Some(words) = &exception.rules else {
            let category = exception.logsource.category.as_deref();
            let fits = |at: &usize| match &self.parts[*at].what {
                What::Rule(_, checked) => {
                    let same = category.is_none_or(|name| name == checked.category.name());
                    same && !self.parts[*at].disabled
                }
                _ => false,
            };
            let found: Vec<usize> = (0..self.parts.len()).filter(fits).collect();
            if found.is_empty() {
                self.error(at, exception.line, "no rule is of this filter's logsource");
            }
            return found;
        };
        let mut found = Vec::new();
        for word in words {
            // A filter of a rule that is off changes nothing, and may stay.
            let off = self.by_id(&word.text, at);
            if !off.is_empty() && off.iter().all(|at| self.parts[*at].disabled) {
                continue;
            }
            let Some(target) = self.find(at, word) else {
                continue;
            };
            match &self.parts[target].what {
                What::Rule(..) => found.push(target),
                _ => {
                    let problem = format!("{} is a correlation: filter its rules", word.text);
                    self.error(at, word.line, problem);
                }
            }
        }
        found
    }

    /// The filter with its lists' values, if it can be asked about the rule's events.
    fn fitting(&self, target: usize, exception: &Exception) -> Result<Exception, Problem> {
        let What::Rule(rule, checked) = &self.parts[target].what else {
            return Err(Problem::new(exception.line, "not a rule"));
        };
        let source = &exception.logsource;
        let other = |mine: &Option<String>, its: &Option<String>| mine.is_some() && mine != its;
        if other(&source.category, &rule.logsource.category)
            || other(&source.service, &rule.logsource.service)
        {
            let problem = format!("the rule {:?} is of another logsource", rule.title);
            return Err(Problem::new(exception.line, problem));
        }
        check::known_fields(&exception.detections, checked.category)?;
        let mut exception = exception.clone();
        engine::expand(&mut exception.detections, &self.lists)?;
        // Compiled alone, so that what is wrong with it is said of its own lines.
        let meta = Arc::new(RuleMeta::default());
        Engines::default().add(checked.category, exception.detections.clone(), meta)?;
        Ok(exception)
    }

    /// The correlations in force, with what their rules' names mean.
    fn specs(&mut self) -> Vec<(usize, Spec, Vec<usize>)> {
        let mut specs = Vec::new();
        for at in 0..self.parts.len() {
            let What::Correlation(spec) = &self.parts[at].what else {
                continue;
            };
            if self.parts[at].disabled {
                continue;
            }
            let spec = spec.as_ref().clone();
            let found: Vec<Option<usize>> =
                spec.rules.iter().map(|word| self.find(at, word)).collect();
            let found: Option<Vec<usize>> = found.into_iter().collect();
            if let Some(targets) = found {
                specs.push((at, spec, targets));
            }
        }
        specs
    }

    /// Rules that correlations name raise nothing themselves, unless the correlation says `generate`;
    /// but what was shipped is not silenced from elsewhere.
    fn silence(&mut self, specs: &[(usize, Spec, Vec<usize>)]) {
        let mut silenced = HashSet::new();
        let mut generated = HashSet::new();
        for (at, spec, targets) in specs {
            for target in targets {
                if spec.generate {
                    generated.insert(*target);
                } else if self.shipped(*at) == self.shipped(*target) {
                    silenced.insert(*target);
                }
            }
        }
        for target in silenced.difference(&generated) {
            self.parts[*target].silent = true;
        }
    }

    /// Compiles the rules in force; by part, what they say about themselves.
    fn rules(
        &mut self,
        exceptions: &HashMap<usize, Vec<Exception>>,
        into: &mut Parts,
    ) -> HashMap<usize, Arc<RuleMeta>> {
        let mut metas = HashMap::new();
        into.exceptions = self.count(|what| matches!(what, What::Exception(_)));
        into.overridden = self.parts.iter().filter(|part| part.disabled).count();
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            let What::Rule(rule, checked) = &part.what else {
                continue;
            };
            if part.disabled {
                continue;
            }
            let meta = match self.meta(at, About::of_rule(rule)) {
                Ok(meta) => Arc::new(meta),
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            let category = checked.category;
            let mut detections = rule.detections.clone();
            let expanded = engine::expand(&mut detections, &self.lists);
            let added = expanded.and_then(|()| {
                for exception in exceptions.get(&at).into_iter().flatten() {
                    exception.apply(&mut detections);
                }
                into.interest.add(category, &detections);
                into.engines.add(category, detections, Arc::clone(&meta))
            });
            if let Err(problem) = added {
                self.errors.push(self.parts[at].document.error(problem));
            }
            if self.parts[at].silent {
                into.silent.insert(meta.id.clone());
            }
            into.rules.push(Arc::clone(&meta));
            metas.insert(at, meta);
        }
        metas
    }

    fn count(&self, is: impl Fn(&What) -> bool) -> usize {
        self.parts.iter().filter(|part| is(&part.what)).count()
    }

    /// What a rule says about itself. One that raises an alert needs an id and a level.
    fn meta(&self, at: usize, about: About<'_>) -> Result<RuleMeta, RuleError> {
        let part = &self.parts[at];
        let document = &part.document;
        let source = &self.sources[part.source];
        let id = match about.id {
            Some(id) if check::is_uuid(id) => id.to_owned(),
            Some(_) => return Err(document.error_at("id", "the id is not a UUID")),
            None if part.silent => format!("{}:{}", source.file.display(), document.node.line),
            None => return Err(document.error_at("id", "no id, or not a UUID")),
        };
        let written = match about.level {
            Some(level) => Some(Level::parse(level).ok_or_else(|| {
                document.error_at("level", format!("invalid level {level}"))
            })?),
            None => None,
        };
        let level = match part.level.or(written) {
            Some(level) => level,
            None if part.silent => Level::Informational,
            None => return Err(document.error_at("level", "no level")),
        };
        let file = source.file.clone();
        Ok(RuleMeta::new(about, id, level, file, source.version.clone()))
    }

    fn link(
        &mut self,
        specs: &[(usize, Spec, Vec<usize>)],
        metas: &HashMap<usize, Arc<RuleMeta>>,
        into: &mut Parts,
    ) -> Graph {
        let mut leaves = Vec::new();
        let mut targets = HashMap::new();
        for (at, meta) in metas {
            if let What::Rule(_, checked) = &self.parts[*at].what {
                targets.insert(*at, Target::Rule(leaves.len()));
                leaves.push(Leaf {
                    id: meta.id.clone(),
                    category: checked.category,
                });
            }
        }
        for (place, (at, ..)) in specs.iter().enumerate() {
            targets.insert(*at, Target::Correlation(place));
        }
        let mut linked = Vec::new();
        for (at, spec, named) in specs {
            let meta = match self.meta(*at, About::of_correlation(spec)) {
                Ok(meta) => Arc::new(meta),
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            let found: Option<Vec<Target>> =
                named.iter().map(|part| targets.get(part).copied()).collect();
            let Some(targets) = found else { continue };
            into.correlations.push(Arc::clone(&meta));
            let loud = !self.parts[*at].silent;
            linked.push(Linked {
                spec,
                meta,
                targets,
                loud,
            });
        }
        if !self.errors.is_empty() {
            return Graph::default();
        }
        Graph::new(&linked, &leaves).unwrap_or_else(|problems| {
            for (place, Problem { line, problem }) in problems {
                self.error(specs[place].0, line, problem);
            }
            Graph::default()
        })
    }
}

impl What {
    fn id(&self) -> Option<Word> {
        match self {
            Self::Rule(rule, checked) => rule.id.clone().map(|text| Word {
                text,
                line: checked.id_line,
            }),
            Self::Correlation(spec) => spec.id.clone(),
            Self::Exception(exception) => exception.id.clone(),
            Self::Override(_) => None,
        }
    }

    fn name(&self) -> Option<Word> {
        match self {
            Self::Rule(rule, checked) => rule.name.clone().map(|text| Word {
                text,
                line: checked.id_line,
            }),
            Self::Correlation(spec) => spec.name.clone(),
            Self::Exception(_) | Self::Override(_) => None,
        }
    }

    fn replaces(&self) -> Option<String> {
        match self {
            Self::Rule(rule, _) => rule.replaces.clone(),
            Self::Correlation(spec) => spec.replaces.clone(),
            Self::Exception(_) | Self::Override(_) => None,
        }
    }

    fn is_rule(&self) -> bool {
        matches!(self, Self::Rule(..) | Self::Correlation(_))
    }
}

fn what(document: &Document<'_>) -> Result<What, RuleError> {
    let node = &document.node;
    let kinds = ["detection", "correlation", "filter", "override"];
    let has: Vec<&str> = kinds.into_iter().filter(|key| node.get(key).is_some()).collect();
    let failed = |problem| document.error(problem);
    match &has[..] {
        ["correlation"] => Spec::parse(node).map(Box::new).map(What::Correlation).map_err(failed),
        ["filter"] => Exception::parse(node).map(Box::new).map(What::Exception).map_err(failed),
        ["override"] => Override::parse(node).map(What::Override).map_err(failed),
        [_, second, ..] => {
            let problem = format!("{} and {second} in one document", has[0]);
            Err(document.error_at(second, problem))
        }
        _ => {
            let rule = Rule::parse(node).map_err(failed)?;
            let checked = check::check(&rule, document)?;
            Ok(What::Rule(Box::new(rule), checked))
        }
    }
}

fn sources(origin: &Origin, lists: &mut Lists, errors: &mut Vec<RuleError>) -> Vec<Source> {
    let source = |file: PathBuf, text: String, shipped| Source {
        version: hex(&Sha256::digest(text.as_bytes())),
        file,
        text,
        shipped,
    };
    let shipped = origin.shipped.iter();
    let mut sources: Vec<Source> = shipped
        .map(|(file, text)| source(PathBuf::from(file), (*text).to_owned(), true))
        .collect();
    let mut named: HashMap<String, PathBuf> = HashMap::new();
    for path in &origin.paths {
        let files = files(path, 0).unwrap_or_else(|(path, error)| {
            errors.push(unreadable(&path, &error));
            Vec::new()
        });
        for file in files {
            if is_list(&file) {
                list(&file, lists, &mut named, errors);
                continue;
            }
            match fs::read_to_string(&file) {
                Ok(text) => sources.push(source(file, text, false)),
                Err(error) => errors.push(unreadable(&file, &error)),
            }
        }
    }
    sources
}

fn list(
    file: &Path,
    lists: &mut Lists,
    named: &mut HashMap<String, PathBuf>,
    errors: &mut Vec<RuleError>,
) {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(other) = named.insert(name.clone(), file.to_owned()) {
        errors.push(RuleError {
            file: file.to_owned(),
            line: 1,
            problem: format!("the list {name} is also in {}", other.display()),
        });
    }
    let read = fs::read(file).map_err(|error| vec![unreadable(file, &error)]);
    match read.and_then(|bytes| lists::parse(file, &bytes)) {
        Ok(values) => lists.set(name, values),
        Err(more) => errors.extend(more),
    }
}

fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "list")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(path: &Path, error: &io::Error) -> RuleError {
    RuleError {
        file: path.to_owned(),
        line: 0,
        problem: format!("cannot read it: {error}"),
    }
}

/// The file itself, or the rules and lists below the directory, sorted.
fn files(path: &Path, depth: usize) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
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
        if is_rule || is_list(&path) || path.is_dir() {
            found.extend(files(&path, depth + 1)?);
        }
    }
    Ok(found)
}
