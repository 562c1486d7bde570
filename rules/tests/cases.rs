//! Tests of rules: a miss is found, and what is wrong with a file of tests is said with its line.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::fs;

use auklet_rules::{Tested, cases, test};

const RULE: &str = "\
title: T
id: 6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11
logsource:
    product: linux
    category: file_event
detection:
    file:
        TargetFilename|endswith: /shadow
    condition: file
level: low
";

fn tested(tests: &str) -> (Tested, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("r.yml"), RULE).unwrap();
    fs::write(directory.path().join("r.tests.yml"), tests).unwrap();
    let tested = test(&[directory.path().to_owned()]).unwrap();
    let prefix = format!("{}/", directory.path().display());
    let missed = tested
        .missed
        .iter()
        .map(|e| e.to_string().replace(&prefix, ""));
    let missed = missed.collect();
    (tested, missed)
}

#[test]
fn hits_and_misses_are_told_apart() {
    let (tested, missed) = tested(
        "defaults: {UserId: 0}
match:
    - {about: it, category: file_event, fields: {TargetFilename: /etc/shadow}}
    - {about: a, category: file_event, fields: {TargetFilename: /etc/passwd}}
    - {about: bytes, category: file_event, fields: {TargetFilename: {hex: ff2f736861646f77}}}
    - {about: other, rule: 6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e12, category: file_event, fields: {TargetFilename: /etc/shadow}}
no_match:
    - {about: b, category: file_event, fields: {TargetFilename: /x/shadow}}
    - {about: c, category: file_delete, fields: {TargetFilename: /x/shadow}}
",
    );
    assert_eq!(tested.passed, 3);
    let expect = [
        "r.tests.yml:4: a: no rule matches",
        "r.tests.yml:6: other: no rule matches",
        "r.tests.yml:8: b: matches T",
    ];
    assert_eq!(missed, expect);
}

#[test]
fn what_is_wrong_with_tests_is_said() {
    let (_, missed) = tested(
        "match:
    - {about: x, category: files, fields: {}}
    - {about: x, category: file_event, fields: {Nope: 1}}
    - {about: x, category: file_event, fields: {UserId: root}}
    - {about: x, category: file_event, fields: {Script: x}}
    - {about: x, category: file_event, field: {}}
nomatch: []
",
    );
    let expect = [
        "r.tests.yml:7: unknown key nomatch",
        "r.tests.yml:2: the event has no category",
        "r.tests.yml:3: unknown field Nope",
        "r.tests.yml:4: UserId is a number, not a string",
        "r.tests.yml:5: unknown field Script for category file_event",
        "r.tests.yml:6: unknown key field",
    ];
    assert_eq!(missed.len(), expect.len(), "{missed:?}");
    for (got, want) in missed.iter().zip(expect) {
        assert!(got.starts_with(want), "{got}");
    }
}

#[test]
fn files_without_a_partner_are_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("r.yml"), RULE).unwrap();
    fs::write(directory.path().join("s.tests.yml"), "match: []").unwrap();
    let tested = test(&[directory.path().to_owned()]).unwrap();
    assert_eq!(tested.untested, [directory.path().join("r.yml")]);
    assert_eq!(tested.missed.len(), 1);
    assert!(cases(&directory.path().join("none.tests.yml")).is_err());
    let alone = test(&[directory.path().join("r.yml")]).unwrap();
    assert!(alone.missed.is_empty() && alone.untested.len() == 1);
}
