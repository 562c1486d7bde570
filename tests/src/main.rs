//! The end-to-end driver. It runs as root beside `auklet`, mostly in a guest: does things, and
//! compares what the sensor says with what it knows about itself.

mod act;
mod cases;
mod demo;
mod harness;
mod json;
mod sensor;

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
    Test {
        /// This plan only; may be repeated.
        #[arg(long)]
        plan: Vec<String>,
        /// On the developer's own machine: the tracepoint plan, nothing outside a temporary directory.
        #[arg(long)]
        native: bool,
        /// Cases whose name contains this.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// One real attack for each of the nine alerts.
    Demo,
    /// Does what `act` says and ends; the sensor watches.
    #[command(hide = true)]
    Act {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Test { plan, native, only } => harness::run(&plan, native, &only),
        Verb::Demo => demo::demo(),
        Verb::Act { words } => act::act(&words),
    }
}
