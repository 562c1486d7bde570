//! `cargo xtask test`: everything that must pass, and one line that says how much of it did.

use std::{
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::{
    build::{self, Built},
    cache,
    command::{command, is_root, loud},
    setup,
    setup::kernels::{Kernel, NEWEST},
    vm::{Clock, Guest, boot, kernels},
};

#[derive(Args)]
pub(crate) struct TestArgs {
    /// Guests of these kernels only: 5.10, 6.1, 6.12, 7.x.
    #[arg(long = "kernel")]
    kernels: Vec<String>,
    /// One part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// rustfmt and clippy.
    Lint,
    /// Tests on the host.
    Unit,
    /// The sensor on this machine's own kernel.
    Native,
    /// The sensor on the guests' kernels.
    Guest,
}

/// What a part did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// What each kernel's guests run.
const DRIVES: [&str; 4] = ["test", "parity", "accounts --against auklet", "soundness"];

/// Guests at once: two cores' worth.
const AT_ONCE: usize = 2;

pub(crate) fn test(args: &TestArgs) -> Result<ExitCode> {
    let start = Instant::now();
    let wanted = |part| args.only.is_none_or(|only| only == part);
    setup::setup(false)?;
    let mut rows: Vec<(String, Tally)> = Vec::new();
    if wanted(Part::Lint) {
        rows.push(("rustfmt, clippy".to_owned(), lint()));
    }
    if wanted(Part::Unit) {
        rows.push(("host tests".to_owned(), unit()?));
    }
    if wanted(Part::Native) || wanted(Part::Guest) {
        let built = build::build()?;
        if wanted(Part::Native) {
            rows.push(("this machine's kernel".to_owned(), native(&built)?));
        }
        if wanted(Part::Guest) {
            rows.extend(guests(args, &built)?);
        }
    }
    Ok(report(&rows, start))
}

fn report(rows: &[(String, Tally)], start: Instant) -> ExitCode {
    println!(
        "\n{:<28} {:>7} {:>7} {:>8}",
        "part", "passed", "failed", "skipped"
    );
    let mut sum = Tally::default();
    for (name, tally) in rows {
        println!(
            "{name:<28} {:>7} {:>7} {:>8}",
            tally.passed, tally.failed, tally.skipped
        );
        sum.passed += tally.passed;
        sum.failed += tally.failed;
        sum.skipped += tally.skipped;
    }
    println!("\n{:.0} s", start.elapsed().as_secs_f64());
    println!(
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    );
    if sum.failed == 0 && sum.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One check each.
fn lint() -> Tally {
    let clippy = [
        "cargo",
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    let checks: [&[&str]; 2] = [&["cargo", "fmt", "--all", "--check"], &clippy];
    let mut tally = Tally::default();
    for check in checks {
        match loud(command(check).current_dir(cache::checkout())) {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                println!("FAILED {error:#}");
                tally.failed += 1;
            }
        }
    }
    tally
}

/// `cargo test`, counted from its closing lines.
fn unit() -> Result<Tally> {
    let mut cargo = command(&["cargo", "test", "--workspace", "--no-fail-fast"]);
    cargo
        .current_dir(cache::checkout())
        .stdout(std::process::Stdio::piped());
    let output = cargo.output().context("start cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut tally = Tally::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        let count = |what| count_before(line, what).unwrap_or(0);
        tally.passed += count("passed");
        tally.failed += count("failed");
        tally.skipped += count("ignored");
    }
    if !output.status.success() {
        println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
        tally.failed = tally.failed.max(1);
        println!("repeat: cargo test --workspace");
    }
    Ok(tally)
}

/// The tracepoint plan on whatever kernel this is.
fn native(built: &Built) -> Result<Tally> {
    let btf = std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    if !is_root() || !btf {
        println!(
            "skipped native: needs root and a kernel with BTF (root {}, BTF {btf})",
            is_root()
        );
        return Ok(Tally {
            skipped: 1,
            ..Tally::default()
        });
    }
    let mut driver = command(&[built.guest.as_os_str()]);
    driver
        .args(["test", "--native"])
        .env("AUKLET_BIN", &built.auklet);
    let output = driver.output().context("start auklet-guest")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Ok(tally_of(
        &text,
        output.status.success(),
        "cargo xtask test --only native",
    ))
}

fn guests(args: &TestArgs, built: &Built) -> Result<Vec<(String, Tally)>> {
    let names = if args.kernels.is_empty() {
        vec!["all".to_owned()]
    } else {
        args.kernels.clone()
    };
    let mut jobs: Vec<(Kernel, &str)> = Vec::new();
    for drive in DRIVES {
        jobs.extend(kernels(&names)?.into_iter().map(|kernel| (kernel, drive)));
    }
    if args.kernels.is_empty() {
        jobs.push((Kernel::named(NEWEST)?, "demo"));
    }
    let jobs = Mutex::new(jobs.into_iter());
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kernel, drive)) = next(&jobs) {
                    let (tally, figures) = guest(&kernel, drive, built);
                    if let Ok(mut rows) = rows.lock() {
                        let name = format!("guest {} {}", kernel.series, verb(drive));
                        rows.push((name, tally, figures));
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, _, figures) in &rows {
        for figure in figures {
            println!("{name}: {figure}");
        }
    }
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

/// A drive without its options.
fn verb(drive: &str) -> &str {
    drive.split(' ').next().unwrap_or(drive)
}

/// The lines that say how much of auditd's log is equal: `parity fentry: events 9/9, records …`.
fn figures(text: &str) -> Vec<String> {
    let is_figure = |line: &&str| {
        let told = [
            "parity ",
            "accounts: ",
            "tools: ",
            "replay: ",
            "rules ",
            "soundness ",
        ];
        let figure = line.contains('/') || line.contains(" rounds, ");
        told.iter().any(|start| line.starts_with(start)) && figure
    };
    text.lines().filter(is_figure).map(str::to_owned).collect()
}

fn next<'a>(jobs: &Mutex<impl Iterator<Item = (Kernel, &'a str)>>) -> Option<(Kernel, &'a str)> {
    jobs.lock().ok()?.next()
}

/// One guest; its lines come with the kernel's name before them.
fn guest(kernel: &Kernel, drive: &str, built: &Built) -> (Tally, Vec<String>) {
    let verb = verb(drive);
    let command = format!("auklet-guest {drive}");
    let timeout = Duration::from_secs(1500);
    let guest = Guest {
        kernel,
        built,
        command: Some(&command),
        timeout,
        clock: Clock::Time,
    };
    let mut text = String::new();
    let outcome = boot(&guest, |line| {
        println!("[{} {verb}] {line}", kernel.series);
        text.push_str(line);
        text.push('\n');
    });
    let repeat = format!("cargo xtask vm {} -- {command}", kernel.series);
    let tally = match outcome {
        Ok(outcome) => {
            println!("[{} {verb}] {:.0} s", kernel.series, outcome.seconds);
            tally_of(&text, outcome.code == 0, &repeat)
        }
        Err(error) => {
            println!(
                "FAILED [{} {verb}] {error:#}\nrepeat: {repeat}",
                kernel.series
            );
            Tally {
                failed: 1,
                ..Tally::default()
            }
        }
    };
    (tally, figures(&text))
}

/// From the driver's closing line. A driver that failed without saying so counts as one failure.
fn tally_of(text: &str, success: bool, repeat: &str) -> Tally {
    let last = text
        .lines()
        .rev()
        .find(|line| line.contains(" passed, "))
        .unwrap_or_default();
    let count = |what| count_before(last, what).unwrap_or(0);
    let mut tally = Tally {
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("skipped"),
    };
    if !success || (tally.passed == 0 && tally.failed == 0) {
        tally.failed = tally.failed.max(1);
    }
    if tally.failed > 0 {
        println!("repeat: {repeat}");
    }
    tally
}

/// The number before a word.
fn count_before(line: &str, word: &str) -> Option<u32> {
    let words: Vec<&str> = line
        .split([' ', ',', ';'])
        .filter(|w| !w.is_empty())
        .collect();
    let at = words.iter().position(|w| *w == word)?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let line = "test result: ok. 36 passed; 1 failed; 2 ignored; 0 measured";
        assert_eq!(count_before(line, "passed"), Some(36));
        assert_eq!(count_before(line, "ignored"), Some(2));
        let tally = tally_of("ok a\n12 passed, 0 failed, 3 skipped\n", true, "x");
        assert_eq!(
            tally,
            Tally {
                passed: 12,
                failed: 0,
                skipped: 3
            }
        );
    }

    #[test]
    fn figures_are_told_again() {
        let text = "not compared: pid: each run has its own\naccounts: records 149/149\n\
                    parity fentry: events 9/9, records 9/9, fields 9/9, listed 0\n\
                    accounts: auditd.conf: missing\n1 passed, 0 failed\n";
        let expect = [
            "accounts: records 149/149",
            "parity fentry: events 9/9, records 9/9, fields 9/9, listed 0",
        ];
        assert_eq!(figures(text), expect);
        assert_eq!(
            DRIVES.map(verb),
            ["test", "parity", "accounts", "soundness"]
        );
    }

    #[test]
    fn silence_is_a_failure() {
        assert_eq!(tally_of("", true, "x").failed, 1);
        assert_eq!(tally_of("3 passed, 0 failed\n", false, "x").failed, 1);
    }
}
