//! The audit rules of the workload, tests/data/parity.rules, and what auditd made of them.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, bail};

use super::{AUID, log::Event, tool};

/// A rule or two for each family, with the family's name as its key.
const RULES: &str = include_str!("../../data/parity.rules");
/// The key of the rule for the workload's last act.
const END: &str = "end";

/// Every call of the first four families; no key, as Auklet's records have none.
const CALLS: &str = "execve,execveat,open,openat,openat2,creat,utimensat,futimesat,utimes,utime,\
                     init_module,finit_module";

/// auditd's rules become those of the families, or of the first four without keys.
pub(super) fn load(families: &[String]) -> Result<()> {
    let path = "/run/parity.rules";
    fs::write(path, rules(families))?;
    tool("auditctl", &["-R", path])
}

/// One `-a` to a line.
fn rules(families: &[String]) -> String {
    if families.is_empty() {
        let rule = |arch| format!("-a always,exit -F arch={arch} -S {CALLS} -F auid={AUID}\n");
        return ["b64", "b32"].map(rule).concat();
    }
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
    use super::{super::workload, *};

    #[test]
    fn every_family_has_its_rules() {
        for family in workload::names() {
            let rules = rules(&[family.to_owned()]);
            let keys = rules.matches(&format!(" -k {family}\n")).count();
            assert_eq!(keys, 2, "{family}: {rules}");
            assert_eq!(rules.lines().count(), 3, "{family}: {rules}");
        }
        let end = format!("-F a3={} -F auid={AUID}", super::super::END_MODE);
        assert!(RULES.contains(&end));
    }
}
