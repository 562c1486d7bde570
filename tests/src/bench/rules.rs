//! The sets of audit rules that are measured.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::ops::WATCHED;

/// A set of rules; each after `Watches3` has those three watches, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Set {
    /// Loaded, but empty.
    None,
    /// Three watches of files.
    Watches3,
    /// Thirty.
    Watches30,
    /// The STIG set that audit-userspace ships.
    Stig,
    /// Every execve.
    Execs,
    /// Every execve, every openat.
    Opens,
    /// No audit rules: the alerts that come with Auklet.
    Alerts,
}

/// Writes the set as a file for auditctl and Auklet.
pub(super) fn write(set: Set) -> Result<PathBuf> {
    let file = Path::new("/etc/audit/bench.rules").to_owned();
    let mut text = String::new();
    let watches = match set {
        Set::None | Set::Alerts => 0,
        Set::Watches30 => 30,
        Set::Watches3 | Set::Stig | Set::Execs | Set::Opens => 3,
    };
    for n in 0..watches {
        let path = format!("{WATCHED}{n}");
        fs::write(&path, "watched\n")?;
        writeln!(text, "-w {path} -p wa -k watched")?;
    }
    if matches!(set, Set::Execs | Set::Opens) {
        text.push_str("-a always,exit -F arch=b64 -S execve -k execs\n");
    }
    if set == Set::Opens {
        text.push_str("-a always,exit -F arch=b64 -S openat -k opens\n");
    }
    if set == Set::Stig {
        text.push_str(&stig()?);
    }
    fs::write(&file, text)?;
    Ok(file)
}

/// Lines about paths that this guest lacks are left out: auditctl refuses them.
fn stig() -> Result<String> {
    let text =
        fs::read_to_string(Path::new(crate::parity::rulesets::SHIPPED).join("30-stig.rules"))?;
    let there = |line: &&str| {
        let named = |field: &str| {
            let (_, rest) = line.split_once(field)?;
            Some(rest.split_whitespace().next()?.to_owned())
        };
        let path = named("-w ")
            .or_else(|| named("path="))
            .or_else(|| named("dir="));
        path.is_none_or(|path| Path::new(&path).exists())
    };
    Ok(text
        .lines()
        .filter(there)
        .fold(String::new(), |all, line| all + line + "\n"))
}
