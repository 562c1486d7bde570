//! `auklet rules check`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use auklet_rules::RuleSet;

use super::one_message;
use crate::{
    kernel::Kernel,
    policy::{self, Policy},
};

/// Reads rule files and says what is wrong with them: alert rules, and, in files and directories of
/// `.rules`, audit rules, which are explained, too.
///
/// # Errors
/// Lists every error with file and line.
pub(super) fn check(paths: &[PathBuf]) -> Result<()> {
    let (audit, alert): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.iter().cloned().partition(|path| is_audit(path));
    let mut errors = Vec::new();
    for path in &audit {
        match Policy::load(path, &policy::System, Kernel::running().version) {
            Ok(policy) => explain(&policy)?,
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !alert.is_empty() {
        match RuleSet::load(&alert) {
            Ok(set) => writeln!(io::stdout(), "{} rules, no errors", set.rules().len())?,
            Err(error) => errors.push(one_message(error).to_string()),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(anyhow!("{}", errors.join("\n")))
    }
}

/// Whether a path holds audit rules: by its name, or by those in it.
fn is_audit(path: &Path) -> bool {
    let named = |path: &Path| path.extension().is_some_and(|e| e == "rules");
    if !path.is_dir() {
        return named(path);
    }
    let mut entries = path.read_dir().into_iter().flatten().flatten();
    entries.any(|entry| named(&entry.path()))
}

/// What each line of an audit policy does, its settings, and what is to be said besides.
fn explain(policy: &Policy) -> Result<()> {
    let mut out = io::stdout().lock();
    for sentence in policy.explain() {
        writeln!(out, "{sentence}")?;
    }
    for setting in policy.settings().explain() {
        writeln!(out, "{setting}")?;
    }
    for note in policy.notes() {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out, "{} audit rules, no errors", policy.rules().len())?;
    Ok(())
}
