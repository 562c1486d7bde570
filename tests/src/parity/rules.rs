//! The audit rules of the workload, tests/data/parity.rules, and what auditd made of them.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, bail};

use super::{AUID, log::Event, tool, workload};

/// A rule or two for each family, with the family's name as its key.
const RULES: &str = include_str!("../../data/parity.rules");
/// The key of the rule for the workload's last act.
const END: &str = "end";

/// The list of io_uring's operations, as auditctl calls it.
const OPERATIONS: &str = "always,io_uring ";

/// Where both daemons find the rules of calls.
pub(super) const FILE: &str = "/run/parity.rules";

/// auditd's rules become those of the families.
pub(super) fn load(families: &[String]) -> Result<()> {
    let rules = rules(families);
    let (operations, calls): (Vec<&str>, Vec<&str>) =
        rules.lines().partition(|line| line.contains(OPERATIONS));
    fs::write(FILE, calls.join("\n") + "\n")?;
    tool("auditctl", &["-R", FILE])?;
    // After auditctl, which has no such list; Auklet has.
    if !operations.is_empty() && operations_rule() {
        fs::write(FILE, rules)?;
    }
    Ok(())
}

/// One `-a` to a line.
fn rules(families: &[String]) -> String {
    let wanted = |line: &&str| {
        let key = line.rsplit_once(" -k ").map(|(_, key)| key);
        key.is_some_and(|key| key == END || families.iter().any(|family| family == key))
    };
    RULES
        .lines()
        .filter(wanted)
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The rule of io_uring's operations: struct audit_rule_data of linux/audit.h, in an AUDIT_ADD_RULE. Not
/// taken before 5.16, where the kernel records no operation.
fn operations_rule() -> bool {
    const ADD_RULE: u16 = 1011;
    const URING_EXIT: u32 = 7;
    const ALWAYS: u32 = 2;
    const KEY: &[u8] = b"uring";
    // Fields with values and operators: loginuid =, sgid !=, filter key =.
    let fields = [
        (9, AUID, 0x4000_0000),
        (7, workload::UNSEEN, 0x3000_0000),
        (210, 5, 0x4000_0000),
    ];
    let column = |cell: fn(&(u32, u32, u32)) -> u32| {
        let mut column = [0_u32; 64];
        for (place, field) in column.iter_mut().zip(&fields) {
            *place = cell(field);
        }
        column
    };
    let mut words = vec![URING_EXIT, ALWAYS, 3];
    words.extend([u32::MAX; 64]); // every operation
    words.extend(column(|field| field.0));
    words.extend(column(|field| field.1));
    words.extend(column(|field| field.2));
    words.push(5); // the length of what follows: the key
    let mut body: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
    body.extend(KEY);
    let taken = workload::tell_audit(ADD_RULE, &body);
    if !taken {
        println!("auditd: this kernel has no rules for io_uring's operations");
    }
    taken
}

/// Prints the events and records of each key. False if a family has none.
pub(super) fn count(events: &[Event], families: &[String]) -> Result<bool> {
    let mut keys: BTreeMap<String, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for event in events {
        let is_call = |kind: &str| matches!(kind, "SYSCALL" | "URINGOP");
        let Some(call) = event.iter().find(|record| is_call(&record.kind)) else {
            continue;
        };
        let key = call.get("key").context("a call without a key field")?;
        let (count, kinds) = keys.entry(key.trim_matches('"').to_owned()).or_default();
        *count += 1;
        for record in event {
            *kinds.entry(&record.kind).or_default() += 1;
        }
    }
    for (key, (count, kinds)) in &keys {
        let kinds = kinds.iter().map(|(kind, count)| format!(" {kind} {count}"));
        println!("auditd {key}: {count} events:{}", kinds.collect::<String>());
    }
    let missing = families.iter().find(|family| !keys.contains_key(*family));
    if let Some(missing) = missing {
        bail!("auditd has no event of {missing}");
    }
    Ok(!keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_rules() {
        for family in workload::names() {
            let rules = rules(&[family.to_owned()]);
            let keys = rules.matches(&format!(" -k {family}\n")).count();
            let lists = 2 + usize::from(family == "uring");
            assert_eq!(keys, lists, "{family}: {rules}");
            assert_eq!(rules.lines().count(), lists + 1, "{family}: {rules}");
        }
        let end = format!("-F a3={} -F auid={AUID}", super::super::END_MODE);
        assert!(RULES.contains(&end));
    }
}
