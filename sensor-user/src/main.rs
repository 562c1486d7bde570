//! The `auklet` command.

use std::process::ExitCode;

use auklet::{
    cli::{Cli, Command, RulesCommand},
    doctor, rules_command, run,
};
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = env_logger::Env::new().filter_or("AUKLET_LOG", "info");
    env_logger::Builder::from_env(level)
        .format_target(false)
        .init();
    let result = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Doctor => doctor::doctor(),
        Command::Rules {
            command: RulesCommand::Check { paths },
        } => rules_command::check(&paths),
        Command::Rules {
            command: RulesCommand::List,
        } => rules_command::list(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auklet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
