//! `cargo xtask test`: everything that must pass, and one line that says how much of it did.

mod guests;
mod tally;

use std::{process::ExitCode, time::Instant};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::{
    build::{self, Built},
    cache,
    command::{command, is_root, loud},
    setup,
};
use tally::{Tally, count_before, report, tally_of};

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
            rows.extend(guests::guests(&args.kernels, &built)?);
        }
    }
    Ok(report(&rows, start))
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
