//! Correlations, filters, overrides and lists as data: rule files, events with times, and what is raised
//! at each; or what is wrong with the files (tests/correlations/*.yml).
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeMap, fs, path::Path};

use auklet_rules::{
    Category, DEFAULT_CORRELATION_BYTES, Detector, FieldId, Kind, Moment, Observation, RuleSet,
    Value,
};
use serde::Deserialize;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Rules that cases may name with `with`.
    #[serde(default)]
    shared: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The section of the specification, or of docs/rules.md.
    spec: String,
    /// Shared files that come before.
    #[serde(default)]
    with: Vec<String>,
    /// Files by name.
    files: BTreeMap<String, String>,
    #[serde(default)]
    steps: Vec<Step>,
    /// What is wrong with the files; `…` at the end stands for any rest.
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Seconds.
    t: f64,
    #[serde(default = "process_creation")]
    category: String,
    /// Fields of the event; a list: several observations of it.
    event: One,
    /// Titles, with `: FOUND` where that is to be compared, too.
    #[serde(default)]
    raises: Vec<String>,
    #[serde(default)]
    node: String,
}

type Fields = BTreeMap<String, serde_json::Value>;

#[derive(Deserialize)]
#[serde(untagged)]
enum One {
    Observation(Fields),
    Several(Vec<Fields>),
}

fn process_creation() -> String {
    "process_creation".to_owned()
}

fn observation(category: &str, fields: &Fields) -> Observation {
    let category = Category::parse(category).unwrap();
    let mut observation = Observation::new(category);
    for (name, json) in fields {
        let id = FieldId::find(name).unwrap_or_else(|| panic!("no field {name}"));
        let text = |json: &serde_json::Value| json.as_str().unwrap().as_bytes().to_vec();
        let value = match id.field().kind {
            Kind::Int => Value::Int(json.as_i64().unwrap()),
            Kind::Bool => Value::Bool(json.as_bool().unwrap()),
            Kind::List => Value::List(json.as_array().unwrap().iter().map(text).collect()),
            _ => Value::Bytes(text(json)),
        };
        observation.set(id, value);
    }
    observation
}

fn write(directory: &Path, shared: &BTreeMap<String, String>, case: &Case) {
    for name in &case.with {
        fs::write(directory.join(name), &shared[name]).unwrap();
    }
    for (name, text) in &case.files {
        fs::write(directory.join(name), text).unwrap();
    }
}

/// What went otherwise than the case says.
fn run(shared: &BTreeMap<String, String>, case: &Case) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), shared, case);
    let set = match RuleSet::load(&[directory.path().to_owned()]) {
        Ok(set) => set,
        Err(errors) => {
            let prefix = format!("{}/", directory.path().display());
            let got: Vec<String> = errors
                .0
                .iter()
                .map(|e| e.to_string().replace(&prefix, ""))
                .collect();
            let fits = |(got, want): (&String, &String)| match want.strip_suffix('…') {
                Some(start) => got.starts_with(start),
                None => got == want,
            };
            let same = got.len() == case.errors.len() && got.iter().zip(&case.errors).all(fits);
            return if same {
                Vec::new()
            } else {
                vec![format!("errors {got:#?}")]
            };
        }
    };
    if !case.errors.is_empty() {
        return vec!["no errors".to_owned()];
    }
    let mut detector = Detector::new(set, DEFAULT_CORRELATION_BYTES).unwrap();
    let mut wrong = Vec::new();
    for (serial, step) in (0..).zip(&case.steps) {
        let observations = match &step.event {
            One::Observation(fields) => vec![observation(&step.category, fields)],
            One::Several(all) => all.iter().map(|f| observation(&step.category, f)).collect(),
        };
        let moment = Moment {
            time_ms: (step.t * 1000.0).round() as i64,
            serial,
            node: step.node.as_bytes(),
        };
        let raised = detector.event(&observations, &moment);
        let titles: Vec<String> = (raised
            .iter()
            .zip(step.raises.iter().map(Some).chain(std::iter::repeat(None))))
        .map(|(raised, want)| {
            let title = raised.finding.rule.title.clone();
            let found = raised.proof.as_ref().and_then(|p| p.says.as_ref());
            match found {
                Some(found) if want.is_some_and(|w| w.contains(": ")) => {
                    format!("{title}: {found}")
                }
                _ => title,
            }
        })
        .collect();
        if titles != step.raises {
            wrong.push(format!(
                "at {} s: {titles:?}, not {:?}",
                step.t, step.raises
            ));
        }
    }
    wrong
}

#[test]
fn cases() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/correlations");
    let mut failures = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let file: File = yaml_serde::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        for case in &file.cases {
            assert!(!case.spec.is_empty());
            assert!(!case.steps.is_empty() || !case.errors.is_empty());
            count += 1;
            let wrong = run(&file.shared, case);
            let name = path.file_name().unwrap().to_string_lossy();
            failures.extend(wrong.iter().map(|w| format!("{name}: {}: {w}", case.name)));
        }
    }
    println!("{count} cases");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
