//! The rule sets that auditd ships (rules/README-rules), unchanged: what the kernel's audit records by them,
//! and what Auklet does.

mod acts;
mod calls;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

use super::{
    AUDITD_LOG, END_MODE,
    compare::{self, keyed},
    log::{self, Event},
    start_auditd, tool, until_whole,
};
use crate::sensor::Sensor;
pub(crate) use calls::call;

/// Where the guest has them (xtask/src/setup/rootfs.rs).
pub(crate) const SHIPPED: &str = "/usr/share/auklet-test/rules";
/// Where augenrules reads, and `auklet run`.
const RULES: &str = "/etc/audit/rules.d";
/// With every set; `12-cont-fail` since this guest has not every path that they name.
const COMMON: [&str; 4] = [
    "10-base-config",
    "11-loginuid",
    "12-cont-fail",
    "43-module-load",
];

/// Sets by name, and which of the shipped files they are beside the common ones.
const SETS: [(&str, &[&str]); 4] = [
    ("stig", &["30-stig"]),
    ("pci-dss", &["30-pci-dss-v31"]),
    ("ospp", &["30-ospp-v42"]),
    ("nispom", &["30-nispom"]),
];

/// What to compare.
#[derive(clap::Args)]
pub(crate) struct Selection {
    #[arg(long, default_value = "fentry")]
    plan: String,
    /// This set only; may be repeated.
    #[arg(long, value_parser = SETS.map(|(name, _)| name))]
    set: Vec<String>,
}

/// Loads each set into both and does what the sets are about; fails on any difference that is not listed.
pub(crate) fn rulesets(selection: &Selection) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    if let Err(error) = start_auditd() {
        println!("rules: {error:#}");
        return ExitCode::FAILURE;
    }
    let wanted = |name: &str| selection.set.is_empty() || selection.set.iter().any(|s| s == name);
    for (name, files) in SETS.iter().filter(|(name, _)| wanted(name)) {
        let same = one(name, files, &selection.plan).unwrap_or_else(|error| {
            println!("rules {name}: {error:#}");
            false
        });
        passed += u32::from(same);
        failed += u32::from(!same);
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

fn one(name: &str, files: &[&str], plan: &str) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let (theirs, ours) = (PathBuf::from(AUDITD_LOG), dir.path().join("audit.log"));
    tool("auditctl", &["-D"])?;
    fs::write(&theirs, "")?;
    compose(files)?;
    let (loaded, refused) = load()?;
    println!("rules {name}: {loaded} loaded, {refused} lines refused by the kernel or auditctl");
    let sensor = sensor(plan, &ours)?;
    let operations = acts::acts(&dir.path().join("work"))?;
    until_whole(&theirs)?;
    until_whole(&ours)?;
    let status = sensor.stop()?;
    tool("auditctl", &["-D"])?;
    if status["lost_total"] != 0 {
        bail!("auklet lost records: {status}");
    }
    compared(name, operations, &log::read(&theirs)?, &log::read(&ours)?)
}

/// The set's files in augenrules' directory, and a rule for the last act.
fn compose(files: &[&str]) -> Result<()> {
    for entry in fs::read_dir(RULES)? {
        fs::remove_file(entry?.path())?;
    }
    for entry in fs::read_dir(SHIPPED).with_context(|| SHIPPED.to_owned())? {
        let path = entry?.path();
        let (Some(name), Some(stem)) = (path.file_name(), path.file_stem()) else {
            continue;
        };
        let stem = stem.to_string_lossy();
        // 30-ospp-v42-1-create-failed is a part of 30-ospp-v42.
        let of_set = files
            .iter()
            .any(|file| stem == *file || stem.starts_with(&format!("{file}-")));
        if of_set || COMMON.contains(&&*stem) {
            fs::copy(&path, Path::new(RULES).join(name))?;
        }
    }
    let end = format!("-a always,exit -F arch=b64 -S openat -F a3={END_MODE} -k end\n");
    fs::write(Path::new(RULES).join("99-end.rules"), end)?;
    Ok(())
}

/// How many rules the kernel has then, and how many lines auditctl or the kernel refused.
fn load() -> Result<(usize, usize)> {
    let run = |program: &str, word: &str| -> Result<String> {
        let output = Command::new(program)
            .arg(word)
            .output()
            .context(program.to_owned())?;
        let text = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let told = run("augenrules", "--load")?;
    let refused: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("error in line"))
        .collect();
    for (line, why) in refused
        .iter()
        .zip(told.lines().filter(|line| line.starts_with("Error ")))
    {
        println!("  {line}: {why}");
    }
    let rules = run("auditctl", "-l")?;
    Ok((
        rules.lines().filter(|line| line.starts_with('-')).count(),
        refused.len(),
    ))
}

fn sensor(plan: &str, log: &Path) -> Result<Sensor> {
    let log = log.display().to_string();
    let args = [
        "--attach",
        plan,
        "--json",
        "--no-shipped-rules",
        "--opens",
        "none",
    ];
    let policy = ["--audit-rules", RULES, "--audit-log", &log];
    Sensor::start(&[&args[..], &policy[..]].concat())
}

/// Events by process, call and order; the keys of each pair; then every field.
fn compared(name: &str, operations: usize, theirs: &[Event], ours: &[Event]) -> Result<bool> {
    // What the two recorders do themselves: each leaves out its own. And this process, which is older than
    // the kernel's audit and not seen by it.
    let own = std::process::id().to_string();
    let recorders = |call: &log::Record| {
        let exe = call.get("exe").unwrap_or_default();
        if call.get("pid") == Some(&own) {
            return true;
        }
        ["/auklet\"", "/auditd\"", "/auditctl\""]
            .iter()
            .any(|end| exe.ends_with(end))
    };
    let (theirs, ours) = (
        keyed(theirs, |call| !recorders(call)),
        keyed(ours, |call| !recorders(call)),
    );
    let rule_key = |event: &Event| -> Option<String> {
        let mut values = event.iter().filter_map(|record| record.get("key"));
        values.next().map(str::to_owned)
    };
    let all = theirs
        .keys()
        .chain(ours.keys().filter(|key| !theirs.contains_key(*key)))
        .count();
    let pairs: Vec<_> = theirs
        .iter()
        .filter_map(|(key, event)| Some((event, ours.get(key)?)))
        .collect();
    let keys = pairs
        .iter()
        .filter(|(a, b)| rule_key(a) == rule_key(b))
        .count();
    let same = compare::paired(&theirs, &ours, &format!("rules {name}")).is_empty();
    println!(
        "rules {name}: operations {operations}, events {}/{all}, keys {keys}/{}",
        pairs.len(),
        pairs.len()
    );
    Ok(same && keys == pairs.len() && pairs.len() == all && all > operations / 8)
}
