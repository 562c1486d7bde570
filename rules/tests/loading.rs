//! A rule that cannot work is refused, with the file, the line, and the reason.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use auklet_rules::{Category, FileNames, Observation, RuleSet, Value, id};

const GOOD: &str = "\
title: T
id: 6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11
logsource:
    product: linux
    category: file_access
detection:
    file:
        TargetFilename|cased|endswith: /etc/shadow
    condition: file
level: low
";

/// The errors that a rule file of this text gives, without the directory.
fn errors(text: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("r.yml");
    fs::write(&file, text).unwrap();
    let Err(errors) = RuleSet::load(&[file]) else {
        return Vec::new();
    };
    let prefix = format!("{}/", directory.path().display());
    errors
        .to_string()
        .lines()
        .map(|l| l.replace(&prefix, ""))
        .collect()
}

#[track_caller]
fn check(old: &str, new: &str, want: &str) {
    assert!(GOOD.contains(old));
    let got = errors(&GOOD.replace(old, new));
    assert!(got.len() == 1 && got[0].starts_with(want), "{got:?}");
}

#[test]
fn a_good_rule_loads() {
    assert_eq!(errors(GOOD), Vec::<String>::new());
}

#[test]
fn missing_metadata_is_refused() {
    check("title: T\n", "", "r.yml:1: ");
    check("title: T", "title: ''", "r.yml:1: the title is empty");
    check("id: 6f", "id: x", "r.yml:2: the id is not a UUID");
    check("level: low\n", "", "r.yml:1: no level");
    check("level: low", "level: severe", "r.yml:10: invalid level");
    check(
        "    category: file_access\n",
        "",
        "r.yml:3: no logsource category",
    );
}

#[test]
fn what_the_sensor_does_not_give_is_refused() {
    check(
        "TargetFilename",
        "TargetFile",
        "r.yml:8: unknown field TargetFile for category file_access",
    );
    check(
        "TargetFilename",
        "ModuleName",
        "r.yml:8: unknown field ModuleName",
    );
    check(
        "file_access",
        "dns_query",
        "r.yml:5: unknown category dns_query; known: process_creation",
    );
    check(
        "product: linux",
        "product: windows",
        "r.yml:4: product windows",
    );
    check("product: linux", "service: sshd", "r.yml:4: service sshd");
    check(
        "level: low",
        "level: low\nfalsepositive: none",
        "r.yml:11: unknown key falsepositive",
    );
    check(
        "level: low",
        "level: low\nauklet:\n    alais: x",
        "r.yml:12: auklet.alais",
    );
}

#[test]
fn bad_rules_are_refused_at_their_line() {
    check(
        "condition: file",
        "condition: fil",
        "r.yml:9: bad condition: no selection fil",
    );
    check(
        "condition: file",
        "condition: file and and",
        "r.yml:9: bad condition: expected ",
    );
    check("logsource:", "logsource: [", "r.yml:");
    check("|endswith", "|endwith", "r.yml:8: ");
    let text = format!("{GOOD}---\n{GOOD}");
    let got = errors(&text);
    assert!(
        got.len() == 1 && got[0].starts_with("r.yml:13: id 6f1d"),
        "{got:?}"
    );
    assert_eq!(errors("# nothing\n"), ["r.yml:1: no rule in this file"]);
}

#[test]
fn bad_yaml_names_the_line() {
    let text = format!("{GOOD}---\ntitle: x\n  bad: [\n");
    let got = errors(&text);
    assert!(
        got.len() == 1 && got[0].starts_with("r.yml:13: bad YAML: "),
        "{got:?}"
    );
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let missing = PathBuf::from("/nonexistent/r.yml");
    let errors = RuleSet::load(&[missing]).err().unwrap();
    assert!(
        errors
            .to_string()
            .starts_with("/nonexistent/r.yml:0: cannot read it: "),
        "{errors}"
    );
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yml"), [b't', 0xff]).unwrap();
    fs::write(directory.path().join("b.yaml"), "title: [").unwrap();
    fs::write(directory.path().join("c.txt"), "not a rule").unwrap();
    let errors = RuleSet::load(&[directory.path().to_owned()]).err().unwrap();
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[track_caller]
fn check_reads(selection: &str, condition: &str, want: FileNames) {
    let rule = GOOD
        .replace(
            "        TargetFilename|cased|endswith: /etc/shadow\n",
            selection,
        )
        .replace("condition: file", &format!("condition: {condition}"));
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("r.yml"), rule).unwrap();
    let rules = RuleSet::load(&[directory.path().to_owned()]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rules.interest().reads, want, "{selection}");
}

#[test]
fn interest_names_files_only_when_a_match_must_have_the_name() {
    let only =
        |names: &[&str]| FileNames::Only(names.iter().map(|n| n.as_bytes().to_vec()).collect());
    check_reads(
        "        TargetFilename|cased|endswith: /etc/shadow\n",
        "file",
        only(&["shadow"]),
    );
    check_reads(
        "        TargetFilename|cased: [/a/b, '/home/*/.c']\n",
        "file",
        only(&["b", ".c"]),
    );
    check_reads(
        "        TargetFilename|cased: /a/b\n        UserId: 0\n",
        "file",
        only(&["b"]),
    );
    check_reads(
        "        TargetFilename|cased: /a/b\n    o:\n        UserId: 0\n",
        "file and not o",
        only(&["b"]),
    );
    check_reads(
        "        TargetFilename|cased: /a/b\n    o:\n        UserId: 0\n",
        "file or o",
        FileNames::All,
    );
    check_reads(
        "        TargetFilename|cased: /a/b\n",
        "1 of file*",
        only(&["b"]),
    );
    check_reads(
        "        TargetFilename|cased: /a/b\n",
        "not file",
        FileNames::All,
    );
    // Not the whole name, not this case only, not the path that was resolved, not a literal.
    check_reads(
        "        TargetFilename|cased|endswith: shadow\n",
        "file",
        FileNames::All,
    );
    check_reads(
        "        TargetFilename|endswith: /shadow\n",
        "file",
        FileNames::All,
    );
    check_reads(
        "        TargetName|cased: /etc/shadow\n",
        "file",
        FileNames::All,
    );
    check_reads(
        "        TargetFilename|cased: /etc/*\n",
        "file",
        FileNames::All,
    );
    check_reads(
        "        TargetFilename|cased|contains: /shadow\n",
        "file",
        FileNames::All,
    );
    check_reads(
        "        TargetFilename|re: /shadow$\n",
        "file",
        FileNames::All,
    );
}

#[test]
fn the_shipped_rules_read_two_names() {
    let rules = RuleSet::shipped().unwrap();
    let names = ["authorized_keys", "authorized_keys2"].map(|n| n.as_bytes().to_vec());
    assert_eq!(
        rules.interest().reads,
        FileNames::Only(BTreeSet::from(names))
    );
    let categories = [
        Category::ProcessCreation,
        Category::FileEvent,
        Category::FileAccess,
        Category::FileTimestamp,
        Category::KernelModuleLoad,
        Category::AuthorizedKeysChange,
        Category::ScheduledTaskChange,
        Category::StartupChange,
        Category::AccountChange,
    ];
    assert_eq!(rules.interest().categories, BTreeSet::from(categories));
}

#[test]
fn bytes_that_are_not_utf8_match_the_same_way_every_time() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("r.yml"), GOOD).unwrap();
    let rules = RuleSet::load(&[directory.path().to_owned()]).unwrap();
    let matches = |path: &[u8]| {
        let mut observation = Observation::new(Category::FileAccess);
        observation.set(id!("TargetFilename"), Value::Bytes(path.to_vec()));
        rules.evaluate(&observation).len()
    };
    assert_eq!(matches(b"/mnt/\xff/etc/shadow"), 1);
    assert_eq!(matches(b"/etc/shad\xffow"), 0);
    assert_eq!(matches(b"/etc/SHADOW"), 0);
}
