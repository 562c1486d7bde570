//! The end-to-end driver. It runs as root beside `auklet`, mostly in a guest: does things, and
//! compares what the sensor says with what it knows about itself.

mod accounts;
mod act;
mod bench;
mod cases;
mod demo;
mod harness;
mod json;
mod parity;
mod preempt;
mod scenarios;
mod sensor;
mod soundness;
mod tiny;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Auklet's end-to-end driver")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Every case under every attach plan.
    Test(harness::Selection),
    /// One real attack for each of the nine alerts.
    Demo,
    /// auditd's records and Auklet's of the same workload.
    Parity(parity::Selection),
    /// The rule sets that auditd ships, in the kernel's audit and in Auklet.
    Rulesets(parity::rulesets::Selection),
    /// What sshd, su, sudo and the shadow tools tell audit: by auditd, and by another.
    Accounts {
        /// Who records the acts the second time.
        #[arg(long, default_value = "auditd")]
        against: accounts::Recorder,
        /// How Auklet attaches.
        #[arg(long, default_value = "fentry")]
        plan: String,
    },
    /// The kernel's filter lets everything through that random rules want.
    Soundness(soundness::Selection),
    /// What recording costs, in instructions of a guest that counts them (`cargo xtask bench vm`).
    Bench(bench::Selection),
    /// Attacks and innocents, each named on the serial line (`cargo xtask scenarios`).
    Scenarios(scenarios::Selection),
    /// Does what `act` says and ends; the sensor watches.
    #[command(hide = true)]
    Act {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Test(selection) => harness::run(&selection),
        Verb::Demo => demo::demo(),
        Verb::Parity(selection) => parity::parity(&selection),
        Verb::Rulesets(selection) => parity::rulesets::rulesets(&selection),
        Verb::Accounts { against, plan } => accounts::accounts(against, &plan),
        Verb::Soundness(selection) => soundness::soundness(&selection),
        Verb::Bench(selection) => bench::bench(&selection),
        Verb::Scenarios(selection) => scenarios::scenarios(&selection),
        Verb::Act { words } => act::act(&words),
    }
}
