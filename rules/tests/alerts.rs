//! Each documented alert is raised by what it is about and by nothing else (rules/linux/*.tests.yml).
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use auklet_rules::{Level, RuleSet, cases, test, tests_of};

/// Title, and the gravest level that it can have.
const TITLES: [(&str, Level); 10] = [
    ("A new user was added to the sudoers group", Level::Medium),
    ("Detected Persistence Attempt", Level::High),
    (
        "Likely exploit of DynoRoot vulnerability in dhcp client",
        Level::High,
    ),
    ("Manipulation of scheduled tasks detected", Level::High),
    ("New SSH key added", Level::Low),
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
        Level::Medium,
    ),
    ("Suspicious file timestamp modification", Level::Low),
    ("Suspicious kernel module detected", Level::Medium),
];

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Names of the files in rules/linux that end so, without the end.
fn names(end: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(here("linux")).unwrap();
    let stem = |e: fs::DirEntry| {
        let name = e.file_name().into_string().unwrap();
        name.strip_suffix(end).map(str::to_owned)
    };
    let names = entries.filter_map(|e| stem(e.unwrap()));
    names.filter(|name| !name.ends_with(".tests")).collect()
}

/// One file of cases: all that must raise its alert do, and no other; the others raise nothing at all.
fn check(rules: &RuleSet, name: &str) -> Vec<String> {
    let file = here("linux").join(format!("{name}.yml"));
    let title = RuleSet::load(std::slice::from_ref(&file)).unwrap().rules()[0]
        .title
        .clone();
    let cases = cases(&tests_of(&file)).unwrap();
    for matches in [true, false] {
        let count = cases.iter().filter(|c| c.matches == matches).count();
        assert!(count >= 4, "{name}: too few that match: {matches}");
    }
    let mut wrong = Vec::new();
    for case in cases {
        let findings = rules.evaluate(&case.observation);
        let got: Vec<&str> = findings.iter().map(|f| f.rule.title.as_str()).collect();
        let want = if case.matches {
            vec![title.as_str()]
        } else {
            vec![]
        };
        if got != want {
            wrong.push(format!("{name}:{}: {}: {got:?}", case.line, case.about));
        }
        assert!(
            findings.iter().all(|f| !f.matched.is_empty()),
            "{}: no reason",
            case.about
        );
    }
    wrong
}

#[test]
fn alerts_are_raised_by_what_they_are_about() {
    let rules = RuleSet::shipped().unwrap();
    let wrong: Vec<String> = names(".tests.yml")
        .iter()
        .flat_map(|n| check(&rules, n))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What `auklet rules test` does, over the same files.
#[test]
fn the_shipped_tests_pass_as_a_directory() {
    let tested = test(&[here("linux")]).unwrap();
    assert!(tested.missed.is_empty(), "{:?}", tested.missed);
    assert!(tested.untested.is_empty(), "{:?}", tested.untested);
    assert!(tested.passed >= 100, "{}", tested.passed);
}

#[test]
fn every_rule_file_is_shipped_and_has_cases() {
    let rules = RuleSet::shipped().unwrap();
    let stem =
        |r: &auklet_rules::RuleMeta| r.file.file_stem().unwrap().to_str().unwrap().to_owned();
    let shipped: BTreeSet<String> = rules.rules().iter().map(|r| stem(r)).collect();
    assert_eq!(shipped, names(".yml"));
    assert_eq!(shipped, names(".tests.yml"));
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
    for name in names(".yml") {
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
