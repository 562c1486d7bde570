//! Each documented alert is raised by what it is about and by nothing else (tests/cases).
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use auklet_rules::{Category, FieldId, Kind, Level, Observation, RuleSet, Value, id};
use serde_json::Value as Json;

const TITLES: [(&str, Level); 9] = [
    ("A new user was added to the sudoers group", Level::Low),
    ("Detected Persistence Attempt", Level::Medium),
    (
        "Likely exploit of DynoRoot vulnerability in dhcp client",
        Level::High,
    ),
    (
        "Manipulation of scheduled tasks detected",
        Level::Informational,
    ),
    (
        "Potential port forwarding to external IP address",
        Level::Medium,
    ),
    (
        "Process associated with digital currency mining detected",
        Level::Medium,
    ),
    (
        "Process seen accessing the SSH authorized keys file in an unusual way",
        Level::Low,
    ),
    ("Suspicious file timestamp modification", Level::Low),
    ("Suspicious kernel module detected", Level::Medium),
];

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn names(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(here(directory)).unwrap();
    let stem = |e: fs::DirEntry| e.path().file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|e| stem(e.unwrap())).collect()
}

/// What every event has unless the case says otherwise.
fn defaults() -> Vec<(FieldId, Value)> {
    let bytes = |s: &str| Value::Bytes(s.into());
    vec![
        (id!("Terminal"), bytes("(none)")),
        (id!("UserId"), Value::Int(0)),
        (id!("LoginUid"), Value::Int(1000)),
        (id!("ParentImage"), bytes("/usr/bin/bash")),
        (
            id!("AncestorImages"),
            Value::List(vec![b"/usr/bin/bash".to_vec()]),
        ),
        (id!("Success"), Value::Bool(true)),
        (id!("ExeDeleted"), Value::Bool(false)),
    ]
}

fn value(json: &Json, kind: Kind) -> Value {
    let bytes = |j: &Json| j.as_str().unwrap().as_bytes().to_vec();
    match kind {
        Kind::Bytes => Value::Bytes(bytes(json)),
        Kind::Int => Value::Int(json.as_i64().unwrap()),
        Kind::Bool => Value::Bool(json.as_bool().unwrap()),
        Kind::List => Value::List(json.as_array().unwrap().iter().map(bytes).collect()),
    }
}

fn observation(case: &Json) -> Observation {
    let category = Category::parse(case["category"].as_str().unwrap()).unwrap();
    let mut observation = Observation::new(category);
    for (id, value) in defaults() {
        observation.set(id, value);
    }
    for (name, json) in case["fields"].as_object().unwrap() {
        let id = FieldId::find(name).unwrap_or_else(|| panic!("no field {name}"));
        let field = id.field();
        assert!(field.categories.contains(&category), "{name} in {category}");
        observation.set(id, value(json, field.kind));
    }
    observation
}

/// One file of cases: all that must raise its alert do, the others raise nothing at all.
fn check(rules: &RuleSet, name: &str) -> Vec<String> {
    let text = fs::read_to_string(here("tests/cases").join(format!("{name}.json"))).unwrap();
    let cases: Json = serde_json::from_str(&text).unwrap();
    let title = cases["title"].as_str().unwrap();
    let mut wrong = Vec::new();
    for (key, want) in [("raises", vec![title]), ("silent", vec![])] {
        let cases = cases[key].as_array().unwrap();
        assert!(cases.len() >= 4, "{name}: too few {key}");
        for case in cases {
            let findings = rules.evaluate(&observation(case));
            let got: Vec<&str> = findings.iter().map(|f| f.rule.title.as_str()).collect();
            if got != want {
                wrong.push(format!("{name} {key}: {}: {got:?}", case["about"]));
            }
            assert!(
                findings.iter().all(|f| !f.matched.is_empty()),
                "{case}: no reason"
            );
        }
    }
    wrong
}

#[test]
fn alerts_are_raised_by_what_they_are_about() {
    let rules = RuleSet::shipped().unwrap();
    let wrong: Vec<String> = names("tests/cases")
        .iter()
        .flat_map(|n| check(&rules, n))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_file_is_shipped_and_has_cases() {
    let rules = RuleSet::shipped().unwrap();
    let stem =
        |r: &auklet_rules::RuleMeta| r.file.file_stem().unwrap().to_str().unwrap().to_owned();
    let shipped: BTreeSet<String> = rules.rules().iter().map(|r| stem(r)).collect();
    assert_eq!(shipped, names("linux"));
    assert_eq!(shipped, names("tests/cases"));
}

#[test]
fn the_nine_titles_and_their_severities_are_the_documented_ones() {
    let rules = RuleSet::shipped().unwrap();
    let titles: BTreeSet<&str> = rules.rules().iter().map(|r| r.title.as_str()).collect();
    assert_eq!(titles, TITLES.iter().map(|(title, _)| *title).collect());
    for (title, level) in TITLES {
        let gravest = rules
            .rules()
            .iter()
            .filter(|r| r.title == title)
            .map(|r| r.level);
        assert_eq!(gravest.max(), Some(level), "{title}");
    }
}

#[test]
fn every_rule_says_what_it_means_and_what_to_do() {
    for rule in RuleSet::shipped().unwrap().rules() {
        assert!(!rule.description.is_empty(), "{rule:?}");
        assert!(rule.remediation.is_some(), "{rule:?}");
        assert!(!rule.falsepositives.is_empty(), "{rule:?}");
        assert!(
            !rule.tactics.is_empty() && !rule.techniques.is_empty(),
            "{rule:?}"
        );
        let id = rule.alias.as_deref().unwrap_or("VM_");
        assert!(id.starts_with("VM_"), "{rule:?}");
    }
}

/// Tags that name neither a tactic nor a technique would be dropped without a word.
#[test]
fn every_tag_is_understood() {
    for name in names("linux") {
        let text = fs::read_to_string(here("linux").join(format!("{name}.yml"))).unwrap();
        let tags = text
            .lines()
            .filter(|l| l.trim().starts_with("- attack."))
            .count();
        let rules = RuleSet::load(&[here("linux").join(format!("{name}.yml"))]).unwrap();
        let read = rules
            .rules()
            .iter()
            .map(|r| r.tactics.len() + r.techniques.len());
        assert_eq!(tags, read.sum::<usize>(), "{name}");
    }
}
