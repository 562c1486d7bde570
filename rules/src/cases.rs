//! Tests of rules: `NAME.tests.yml` beside `NAME.yml` says which events a rule of that file must match
//! and which none of them may (docs/rules.md).
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    category::Category,
    error::{RuleError, RuleErrors},
    fields::{FieldId, Kind},
    load::{files, is_rules},
    observation::{Observation, Value},
    ruleset::RuleSet,
    sigma::{
        scalar::Scalar,
        yaml::{self, Kind as Yaml, Node, Problem},
    },
};

/// What files of tests are called.
const SUFFIX: &str = ".tests.yml";

/// One event, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is, in words.
    pub about: String,
    /// Its line in the file.
    pub line: usize,
    /// Whether a rule must match it.
    pub matches: bool,
    /// Which one, by its id; any of the file's when there is none.
    pub rule: Option<String>,
    /// The event.
    pub observation: Observation,
}

/// What came of the tests of some rules.
#[derive(Debug, Default)]
pub struct Tested {
    /// Cases that went as they should.
    pub passed: usize,
    /// Those that did not, and files that can't be read.
    pub missed: Vec<RuleError>,
    /// Files of rules that have no tests.
    pub untested: Vec<PathBuf>,
}

/// Whether a file holds tests rather than rules.
pub(crate) fn is_tests(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(SUFFIX))
}

/// The file of tests beside a file of rules.
#[must_use]
pub fn tests_of(rules: &Path) -> PathBuf {
    rules.with_extension("tests.yml")
}

/// Reads the cases of one file.
///
/// # Errors
/// The file can't be read, or a case in it is none: all of them, with their lines.
pub fn cases(file: &Path) -> Result<Vec<Case>, RuleErrors> {
    let one = |line, problem| {
        let file = file.to_owned();
        RuleErrors(vec![RuleError {
            file,
            line,
            problem,
        }])
    };
    let text = fs::read_to_string(file).map_err(|e| one(0, format!("cannot read it: {e}")))?;
    parse(&text).map_err(|problems| {
        let error = |Problem { line, problem }| RuleError {
            file: file.to_owned(),
            line,
            problem,
        };
        RuleErrors(problems.into_iter().map(error).collect())
    })
}

/// Runs the tests of every file of rules at these paths.
///
/// # Errors
/// The rules do not load.
pub fn test(paths: &[PathBuf]) -> Result<Tested, RuleErrors> {
    let set = RuleSet::load(paths)?;
    let mut tested = Tested::default();
    for path in paths {
        for file in files(path, 0, &is_rules).unwrap_or_default() {
            let tests = tests_of(&file);
            if tests.exists() {
                tested.file(&set, &file, &tests);
            } else {
                tested.untested.push(file);
            }
        }
        let tests = files(path, 0, &is_tests).unwrap_or_default();
        // A path that is a file is given back, whatever it is.
        for tests in tests.iter().filter(|file| is_tests(file)) {
            tested.orphan(tests);
        }
    }
    Ok(tested)
}

impl Tested {
    fn file(&mut self, set: &RuleSet, rules: &Path, tests: &Path) {
        match cases(tests) {
            Ok(cases) => cases
                .iter()
                .for_each(|case| self.case(set, rules, tests, case)),
            Err(errors) => self.missed.extend(errors.0),
        }
    }

    fn case(&mut self, set: &RuleSet, rules: &Path, tests: &Path, case: &Case) {
        let found = set.matches(&case.observation);
        let asked = |id: &str| case.rule.as_ref().is_none_or(|rule| rule == id);
        let matching = found
            .iter()
            .filter(|f| f.rule.file == rules && asked(&f.rule.id));
        let titles: Vec<&str> = matching.map(|f| f.rule.title.as_str()).collect();
        if case.matches != titles.is_empty() {
            self.passed += 1;
            return;
        }
        let problem = if case.matches {
            format!("{}: no rule matches", case.about)
        } else {
            format!("{}: matches {}", case.about, titles.join(", "))
        };
        self.missed.push(RuleError {
            file: tests.to_owned(),
            line: case.line,
            problem,
        });
    }

    fn orphan(&mut self, tests: &Path) {
        let name = tests.to_string_lossy();
        let stem = name.strip_suffix(SUFFIX).unwrap_or_default();
        let has_rules = ["yml", "yaml"]
            .iter()
            .any(|end| Path::new(&format!("{stem}.{end}")).exists());
        if !has_rules {
            self.missed.push(RuleError {
                file: tests.to_owned(),
                line: 1,
                problem: format!("there is no {stem}.yml that these are tests of"),
            });
        }
    }
}

fn parse(text: &str) -> Result<Vec<Case>, Vec<Problem>> {
    let documents = yaml::documents(text).map_err(|problem| vec![problem])?;
    let [node] = &documents[..] else {
        return Err(vec![Problem::new(1, "a file of tests is one document")]);
    };
    let mut problems = unknown(node, &["defaults", "match", "no_match"]);
    let mut defaults = Vec::new();
    if let Some(node) = node.get("defaults") {
        match fields(node) {
            Ok(fields) => defaults = fields,
            Err(more) => problems.extend(more),
        }
    }
    let mut cases = Vec::new();
    for (key, matches) in [("match", true), ("no_match", false)] {
        let Some(list) = node.get(key) else { continue };
        let Some(list) = list.list() else {
            problems.push(Problem::new(list.line, format!("{key} is a list")));
            continue;
        };
        for node in list {
            match case(node, matches, &defaults) {
                Ok(case) => cases.push(case),
                Err(more) => problems.extend(more),
            }
        }
    }
    if problems.is_empty() {
        Ok(cases)
    } else {
        Err(problems)
    }
}

fn unknown(node: &Node, known: &[&str]) -> Vec<Problem> {
    let Some(entries) = node.map() else {
        return vec![Problem::new(
            node.line,
            format!("expected a mapping of {}", known.join(", ")),
        )];
    };
    let strange = entries.iter().filter(|e| !known.contains(&e.key.as_str()));
    let problem = |e: &yaml::Entry| {
        let problem = format!("unknown key {}; known: {}", e.key, known.join(", "));
        Problem::new(e.line, problem)
    };
    strange.map(problem).collect()
}

/// Fields and values; what the table does not have is an error.
type Fields = Vec<(FieldId, usize, Value)>;

fn case(node: &Node, matches: bool, defaults: &Fields) -> Result<Case, Vec<Problem>> {
    let mut problems = unknown(node, &["about", "rule", "category", "fields"]);
    let text = |key: &str| node.get(key).and_then(Node::str).map(str::to_owned);
    let category = text("category");
    let Some(category) = category.as_deref().and_then(Category::parse) else {
        problems.push(Problem::new(
            node.line,
            "the event has no category, or one that does not exist",
        ));
        return Err(problems);
    };
    let own = match node.get("fields").map(fields) {
        Some(Ok(own)) => own,
        Some(Err(more)) => {
            problems.extend(more);
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut observation = Observation::new(category);
    for (field, _, value) in defaults {
        if field.field().categories.contains(&category) {
            observation.set(*field, value.clone());
        }
    }
    for (field, line, value) in own {
        if !field.field().categories.contains(&category) {
            let problem = format!("unknown field {} for category {category}", field.name());
            problems.push(Problem::new(line, problem));
        }
        observation.set(field, value);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Case {
        about: text("about").unwrap_or_else(|| "an event".to_owned()),
        line: node.line,
        matches,
        rule: text("rule"),
        observation,
    })
}

fn fields(node: &Node) -> Result<Fields, Vec<Problem>> {
    let Some(entries) = node.map() else {
        return Err(vec![Problem::new(node.line, "fields are a mapping")]);
    };
    let mut fields = Fields::new();
    let mut problems = Vec::new();
    for entry in entries {
        let (line, name) = (entry.line, &entry.key);
        let Some(field) = FieldId::find(name) else {
            problems.push(Problem::new(line, format!("unknown field {name}")));
            continue;
        };
        match value(field.field().kind, &entry.value) {
            Some(value) => fields.push((field, line, value)),
            None => {
                let problem = format!(
                    "{name} is {}, not {}",
                    field.field().kind,
                    entry.value.what()
                );
                problems.push(Problem::new(line, problem));
            }
        }
    }
    if problems.is_empty() {
        Ok(fields)
    } else {
        Err(problems)
    }
}

fn value(kind: Kind, node: &Node) -> Option<Value> {
    match (kind, &node.kind) {
        (Kind::Bytes, _) => Some(Value::Bytes(bytes(node)?)),
        (Kind::List, Yaml::List(items)) => {
            Some(Value::List(items.iter().map(bytes).collect::<Option<_>>()?))
        }
        (Kind::Int, Yaml::Scalar(Scalar::Int(n), _)) => Some(Value::Int(*n)),
        (Kind::Bool, Yaml::Scalar(Scalar::Bool(b), _)) => Some(Value::Bool(*b)),
        _ => None,
    }
}

/// A string; or `{hex: …}` for bytes that are not UTF-8.
fn bytes(node: &Node) -> Option<Vec<u8>> {
    match (&node.kind, node.get("hex")) {
        (Yaml::Scalar(scalar, text), _) if *scalar != Scalar::Null => {
            Some(text.clone().into_bytes())
        }
        (_, Some(hex)) => unhex(&match &hex.kind {
            Yaml::Scalar(_, text) => text.clone(),
            _ => return None,
        }),
        _ => None,
    }
}

/// Bytes of hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
    digits.chunks(2).map(byte).collect()
}
