//! `cargo xtask bench`: what recording costs, in figures that anyone can repeat.

mod stored;
mod table;

use std::{
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::{Args, Subcommand};

use self::table::{Figures, Key};
use crate::{
    build::{self, Built},
    setup::{self, kernels::Kernel},
    vm::{Clock, Guest, boot, kernels},
};

#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Guest instructions of each operation: with nothing, with auditd, with Auklet.
    Vm(VmBench),
}

#[derive(Args)]
struct VmBench {
    /// 5.10, 6.1, 6.12, 7.x, newest, or all.
    #[arg(default_value = "6.12")]
    kernels: Vec<String>,
    /// These rules only: none, watches3, watches30, stig, execs, opens, alerts; may be repeated.
    #[arg(long)]
    rules: Vec<String>,
    /// This operation only; may be repeated.
    #[arg(long)]
    op: Vec<String>,
    /// How Auklet attaches.
    #[arg(long, default_value = "auto")]
    plan: String,
    /// Guests at once; the counts do not depend on it.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    at_once: u8,
    /// Without auditd: its figures are those that were kept.
    #[arg(long)]
    no_auditd: bool,
    /// Keep the figures in docs/performance/figures.tsv.
    #[arg(long)]
    store: bool,
    /// Take the binaries that are there.
    #[arg(long)]
    no_build: bool,
}

/// Rules, and whether auditd has such, too.
const RULES: [(&str, bool); 7] = [
    ("none", true),
    ("watches3", true),
    ("watches30", true),
    ("stig", true),
    ("execs", true),
    ("opens", true),
    ("alerts", false),
];

pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let What::Vm(args) = &args.what;
    let built = if args.no_build {
        build::built()?
    } else {
        setup::setup(false)?;
        build::build()?
    };
    let mut failed = false;
    for kernel in kernels(&args.kernels)? {
        let (figures, problems) = measured(&kernel, args, &built);
        table::print(&kernel, &stored::completed(kernel.series, &figures)?);
        for problem in &problems {
            println!("FAILED {problem}");
        }
        failed |= !problems.is_empty();
        stored::compare(kernel.series, &figures, args.store && problems.is_empty())?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// Every recorder under every set of rules, each in a guest of its own.
fn measured(kernel: &Kernel, args: &VmBench, built: &Built) -> (Figures, Vec<String>) {
    let wanted = |name: &str| args.rules.is_empty() || args.rules.iter().any(|r| r == name);
    let mut jobs = vec![("nothing", "none")];
    for (rules, audit) in RULES.iter().filter(|(name, _)| wanted(name)) {
        jobs.extend((*audit && !args.no_auditd).then_some(("auditd", *rules)));
        jobs.push(("auklet", *rules));
    }
    let jobs = Mutex::new(jobs.into_iter());
    let done = Mutex::new((Figures::new(), Vec::new()));
    thread::scope(|scope| {
        for _ in 0..args.at_once {
            scope.spawn(|| {
                while let Some((recorder, rules)) = next(&jobs) {
                    let result = one(kernel, args, built, (recorder, rules));
                    let Ok(mut done) = done.lock() else { return };
                    match result {
                        Ok(figures) => done.0.extend(figures),
                        Err(error) => done.1.push(format!("{recorder}, {rules}: {error:#}")),
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default()
}

fn next<'a, T: Iterator<Item = (&'a str, &'a str)>>(jobs: &Mutex<T>) -> Option<(&'a str, &'a str)> {
    jobs.lock().ok()?.next()
}

fn one(
    kernel: &Kernel,
    args: &VmBench,
    built: &Built,
    (recorder, rules): (&str, &str),
) -> Result<Figures> {
    // Tasks that began before audit was on have no context, and are not audited.
    let append = if recorder == "auditd" { "audit=1" } else { "" };
    let mut command = format!("auklet-guest bench --recorder {recorder} --rules {rules}");
    command.push_str(&format!(" --plan {}", args.plan));
    for op in &args.op {
        command.push_str(&format!(" --op {op}"));
    }
    let guest = Guest {
        kernel,
        root: setup::rootfs::Root::Base,
        built,
        command: Some(&command),
        timeout: Duration::from_secs(1800),
        append,
        clock: Clock::Instructions,
    };
    let start = Instant::now();
    let mut figures = Figures::new();
    let mut text = String::new();
    let outcome = boot(&guest, |line| {
        if let Some((op, instructions)) = table::figure(line) {
            let key = Key::new(recorder, rules, op);
            figures.insert(key, instructions);
        } else if line.starts_with("share ") {
            println!("{line}");
        }
        text.push_str(line);
        text.push('\n');
    })?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "bench {}: {recorder}, {rules}: {seconds:.0} s",
        kernel.series
    );
    anyhow::ensure!(outcome.code == 0, "the guest's command failed:\n{text}");
    Ok(figures)
}
