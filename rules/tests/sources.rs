//! Which log sources rules may ask for, and what the sensor must see for each.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeSet, fs};

use auklet_rules::{AuditInterest, Category, Interest, RuleSet, id};

/// A rule with this log source and these selections.
fn load(source: &str, detection: &str) -> Result<RuleSet, String> {
    let text = format!(
        "title: T\nid: 6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11\nlogsource:\n    product: linux\n    {source}\n\
         detection:\n{detection}\nlevel: low\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("r.yml");
    fs::write(&file, text).unwrap();
    RuleSet::load(&[file]).map_err(|errors| {
        let prefix = format!("{}/", directory.path().display());
        errors.to_string().replace(&prefix, "")
    })
}

const ANY: &str = "    s:\n        ProcessId: 1\n    condition: s";

#[track_caller]
fn refused(source: &str, detection: &str, want: &str) {
    let problem = load(source, detection).err().unwrap();
    assert!(problem.starts_with(want), "{problem}");
}

#[test]
fn every_category_that_something_fills_is_taken() {
    for category in Category::ALL {
        let loaded = load(&format!("category: {category}"), ANY);
        match (category, category.unfilled()) {
            (Category::Auditd, _) => {
                assert!(loaded.err().unwrap().contains("write service: auditd"));
            }
            (_, Some(why)) => assert!(loaded.err().unwrap().contains(why), "{category}"),
            _ => {
                let interest = loaded.unwrap().interest().clone();
                assert_eq!(interest.categories, BTreeSet::from([category]));
                assert!(interest.names(id!("ProcessId")) && !interest.names(id!("ContainerId")));
            }
        }
    }
}

#[test]
fn what_nothing_here_can_answer_is_refused_with_what_to_do() {
    refused(
        "service: sshd",
        ANY,
        "r.yml:5: service sshd: the sensor reads no service's log; use category authentication",
    );
    refused(
        "service: foo",
        ANY,
        "r.yml:5: service foo: the sensor reads no service's log; the only service is auditd",
    );
    refused("definition: x", ANY, "r.yml:3: no logsource category");
    refused(
        "category: network_connection",
        "    s:\n        DestinationHostname: x\n    condition: s",
        "r.yml:8: unknown field DestinationHostname for category network_connection: names are looked up before",
    );
    refused(
        "category: process_creation",
        "    s:\n        TargetFilename: x\n    condition: s",
        "r.yml:8: unknown field TargetFilename for category process_creation; it is one of file_event, ",
    );
    refused(
        "service: auditd",
        "    s:\n        Image: x\n    condition: s",
        "r.yml:8: unknown field Image for category auditd",
    );
}

/// Records are asked one by one.
#[test]
fn a_rule_that_needs_two_records_at_once_is_refused() {
    refused(
        "service: auditd",
        "    p:\n        type: PROCTITLE\n    s:\n        type: SYSCALL\n        comm: pkexec\n    condition: p and s",
        "r.yml:12: the rule needs two types of records at once",
    );
    let either = "    p:\n        type: execve\n    s:\n        type: [EXECVE, PATH]\n    condition: p and s";
    assert!(load("service: auditd", either).is_ok());
}

#[track_caller]
fn audit(detection: &str, calls: &[&str], paths: bool) {
    let set = load("service: auditd", detection).unwrap();
    let Interest {
        categories, audit, ..
    } = set.interest();
    assert_eq!(*categories, BTreeSet::from([Category::Auditd]));
    let calls = calls.iter().map(|c| c.as_bytes().to_vec()).collect();
    assert_eq!(*audit, AuditInterest { calls, paths }, "{detection}");
}

#[test]
fn rules_of_auditd_say_which_calls_they_need() {
    audit(
        "    s:\n        type: SYSCALL\n        SYSCALL: Socket\n        a0: 26\n    condition: s",
        &["socket"],
        false,
    );
    audit(
        "    s:\n        syscall: [135, 133]\n    condition: s",
        &["133", "135"],
        false,
    );
    audit(
        "    s:\n        type: EXECVE\n        a0: cp\n    condition: s",
        &[],
        false,
    );
    audit(
        "    s:\n        type: PATH\n        name: /etc/x\n    condition: s",
        &[],
        true,
    );
    audit("    s:\n        key: k\n    condition: s", &[], true);
    audit(
        "    s:\n        SYSCALL: a\n    k:\n        key: k\n    condition: s or k",
        &[],
        true,
    );
    audit(
        "    s:\n        SYSCALL|startswith: a\n    condition: s",
        &[],
        true,
    );
}
