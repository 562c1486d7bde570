//! `cargo xtask`: sets up, builds, runs and tests Auklet.

mod apt;
mod bench;
mod build;
mod cache;
mod command;
mod demo;
mod doctor;
mod fuzz;
mod run;
mod scenarios;
mod setup;
mod test;
#[cfg(test)]
mod tidy;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Sets up, builds, runs and tests Auklet")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what building and testing need: rust-src, bpf-linker, QEMU, kernels, the guest.
    Setup {
        /// Look for newer kernels, too.
        #[arg(long)]
        refresh: bool,
    },
    /// Build the eBPF object and the binaries that embed it.
    Build,
    /// Build, then run the sensor on this machine (in the newest guest without root or BTF).
    Run {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Boot the newest kernel, play one attack for each of the nine alerts, show what is raised.
    Demo,
    /// A shell, or a command, in a guest with the binaries in it.
    Vm(vm::VmArgs),
    /// The real auditd's records and Auklet's of the same workload in the same guest, compared.
    Parity(vm::ParityArgs),
    /// Everything that must pass.
    Test(test::TestArgs),
    /// What recording costs: instructions in guests.
    Bench(bench::BenchArgs),
    /// Attacks that must be caught, innocents that must stay silent, each in a fresh machine.
    Scenarios(scenarios::ScenarioArgs),
    /// The fuzz targets, each for a while.
    Fuzz(fuzz::FuzzArgs),
    /// Versions, what is cached, what this kernel offers.
    Doctor,
}

fn main() -> ExitCode {
    match run_verb(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_verb(verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Setup { refresh } => setup::setup(refresh).map(|()| ExitCode::SUCCESS),
        Verb::Build => setup::for_build()
            .and_then(|()| build::build())
            .map(|_| ExitCode::SUCCESS),
        Verb::Run { args } => run::run(&args),
        Verb::Demo => demo::demo(),
        Verb::Vm(args) => vm::vm(&args),
        Verb::Parity(args) => vm::parity(&args),
        Verb::Test(args) => test::test(&args),
        Verb::Bench(args) => bench::bench(&args),
        Verb::Scenarios(args) => scenarios::scenarios(&args),
        Verb::Fuzz(args) => fuzz::fuzz(&args).map(|()| ExitCode::SUCCESS),
        Verb::Doctor => doctor::doctor().map(|()| ExitCode::SUCCESS),
    }
}
