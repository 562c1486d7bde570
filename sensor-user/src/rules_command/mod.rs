//! `auklet rules`.

mod check;
mod explain;
mod show;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Result, anyhow};
use auklet_rules::{RuleErrors, RuleSet, Tested, test};

use crate::cli::{RulesCommand, WhichRules};

/// Does what the command line says.
///
/// # Errors
/// Rules do not load, a file can't be read, standard output can't be written.
pub fn run(command: &RulesCommand) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        RulesCommand::Check { paths } => check::check(paths).map(done),
        RulesCommand::List { rules } => show::list(&load(rules)?).map(done),
        RulesCommand::Show { rule, rules } => show::show(&load(rules)?, rule).map(done),
        RulesCommand::Explain { rule, event, rules } => {
            explain::explain(&load(rules)?, rule, event).map(done)
        }
        RulesCommand::Test { paths } => run_tests(paths),
    }
}

/// The shipped rules, and those of `--rules`.
fn load(which: &WhichRules) -> Result<RuleSet> {
    let shipped = if which.no_shipped_rules {
        Ok(RuleSet::default())
    } else {
        RuleSet::shipped()
    };
    let set = shipped.and_then(|set| set.and_load(&which.rules));
    set.map_err(one_message)
}

/// Every file's tests; a miss is a line, and the exit code 1.
fn run_tests(paths: &[PathBuf]) -> Result<ExitCode> {
    let Tested {
        passed,
        missed,
        untested,
    } = test(paths).map_err(one_message)?;
    let mut out = io::stdout().lock();
    for miss in &missed {
        writeln!(out, "{miss}")?;
    }
    for file in &untested {
        writeln!(out, "{}: no tests beside it", file.display())?;
    }
    let (missed, untested) = (missed.len(), untested.len());
    writeln!(
        out,
        "{passed} passed, {missed} failed, {untested} files without tests"
    )?;
    let failed = missed > 0;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// All errors of a rule set as one error, a line each.
pub fn one_message(errors: RuleErrors) -> anyhow::Error {
    let lines: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\n"))
}
