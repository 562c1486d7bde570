//! `auklet rules`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::{Result, anyhow};
use auklet_rules::{RuleErrors, RuleSet};

/// Reads rule files and says what is wrong with them.
///
/// # Errors
/// Lists every error with file and line.
pub fn check(paths: &[PathBuf]) -> Result<()> {
    let set = RuleSet::load(paths).map_err(one_message)?;
    writeln!(io::stdout(), "{} rules, no errors", set.rules().len())?;
    Ok(())
}

/// One line for each shipped rule.
///
/// # Errors
/// Standard output can't be written.
pub fn list() -> Result<()> {
    let set = RuleSet::shipped().map_err(one_message)?;
    let mut out = io::stdout().lock();
    for rule in set.rules() {
        let alias = rule.alias.as_deref().unwrap_or("-");
        writeln!(
            out,
            "{}  {:<13} {alias:<36} {}",
            rule.id,
            rule.level.name(),
            rule.title
        )?;
    }
    Ok(())
}

/// All errors of a rule set as one error, a line each.
pub fn one_message(errors: RuleErrors) -> anyhow::Error {
    let lines: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\n"))
}
