//! The `auklet` command.

use std::process::ExitCode;

use auklet::{
    cli::{Cli, Command},
    doctor, replay, rules_command, run, status_command,
};
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = env_logger::Env::new().filter_or("AUKLET_LOG", "info");
    env_logger::Builder::from_env(level)
        .format_target(false)
        .init();
    let is_run = matches!(cli.command, Command::Run(_));
    let result = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => match replay::run(&args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Doctor => doctor::doctor(),
        Command::Status(args) => status_command::status(&args),
        Command::Rules { command } => match rules_command::run(&command) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // `auklet rules list | head`: the reader has seen enough.
        Err(error) if !is_run && is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auklet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
