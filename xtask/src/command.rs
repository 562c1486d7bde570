//! Running other programs, with errors that say which one and what it printed.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// A command from its words.
pub(crate) fn command<S: AsRef<OsStr>>(words: &[S]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(
        words
            .next()
            .map_or(OsStr::new("false"), |word| word.as_ref()),
    );
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs it quietly; what it printed comes with the error.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    output(command).map(|_| ())
}

/// Runs it quietly and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().with_context(|| format!("start {shown}"))?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let last: Vec<&str> = printed.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("{shown}: {}\n{}", output.status, last.join("\n"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it with its output going where ours goes.
pub(crate) fn loud(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Whether a program is on the PATH.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path)
        .chain(sbin)
        .any(|dir| dir.join(program).is_file())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    output(&mut command(&["id", "-u"])).is_ok_and(|uid| uid.trim() == "0")
}
