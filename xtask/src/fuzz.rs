//! `cargo xtask fuzz`: the fuzz targets, each for a while.

use std::{fs, path::Path};

use anyhow::Result;
use clap::Args;

use crate::{
    apt, cache,
    command::{command, loud, quiet},
};

const CARGO_FUZZ: &str = "0.13.1";
/// fuzz/Cargo.toml has them, too.
const TARGETS: [&str; 6] = [
    "record",
    "btf",
    "rules",
    "evaluate",
    "audit_rules",
    "audit_log",
];

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// These only: record, btf, rules, evaluate, audit_rules, audit_log.
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// Seconds for each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

pub(crate) fn fuzz(args: &FuzzArgs) -> Result<()> {
    apt::install(&["g++"])?;
    let root = cache::dir()?.join(format!("tools/cargo-fuzz-{CARGO_FUZZ}"));
    let tool = root.join("bin/cargo-fuzz");
    cache::step(&format!("cargo-fuzz {CARGO_FUZZ}"), tool.exists(), || {
        let mut install = command(&["cargo", "install", "cargo-fuzz", "--locked"]);
        install.args(["--version", CARGO_FUZZ]);
        install
            .arg("--root")
            .arg(&root)
            .current_dir(cache::checkout());
        quiet(install.env_remove("RUSTFLAGS"))
    })?;
    let all = TARGETS.map(str::to_owned);
    let targets = if args.targets.is_empty() {
        &all[..]
    } else {
        &args.targets
    };
    targets
        .iter()
        .try_for_each(|target| run(&tool, target, args.seconds))
}

fn run(tool: &Path, target: &str, seconds: u32) -> Result<()> {
    println!("fuzz: {target} for {seconds} s");
    let mut fuzz = command(&[tool.as_os_str()]);
    fuzz.args(["run", target]);
    // What was found before is where it goes on.
    let corpus = cache::checkout().join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    fuzz.arg(corpus);
    // What `cargo test` replays.
    let seeds = cache::checkout().join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        fuzz.arg(seeds);
    }
    if target == "rules" {
        fuzz.arg("../rules/linux");
    }
    if target == "audit_log" {
        fuzz.arg("../tests/data/replay");
    }
    fuzz.args([
        "--",
        &format!("-max_total_time={seconds}"),
        "-print_final_stats=1",
    ]);
    // The sanitizer's flags are unstable; the pinned compiler takes them with this.
    loud(
        fuzz.env("RUSTC_BOOTSTRAP", "1")
            .current_dir(cache::checkout().join("fuzz")),
    )
}
