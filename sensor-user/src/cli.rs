//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    alerting::AlertArgs, audit_log::LogArgs, load::Attach, replay::ReplayArgs,
    run::socket::SocketArgs, status_command::StatusArgs,
};

/// A Linux sensor: auditd's records and alerts from eBPF.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch this machine: print alerts, and records if asked.
    Run(RunArgs),
    /// Read audit logs that auditd wrote: print alerts, and records if asked.
    Replay(ReplayArgs),
    /// Ask the running sensor what it received, lost and wrote.
    Status(StatusArgs),
    /// Say what this kernel offers and what the sensor would do on it.
    Doctor,
    /// Rules: check, list, show, explain and test them.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Read rule files or directories, alert rules or audit rules (*.rules); every error with file and line.
    Check {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// One line for each rule.
    List {
        #[command(flatten)]
        rules: WhichRules,
    },
    /// What a rule is about, and how it is written.
    Show {
        /// Its id, its alias or its title.
        rule: String,
        #[command(flatten)]
        rules: WhichRules,
    },
    /// Why a rule matches an event, or does not, selection by selection.
    Explain {
        /// Its id, its alias or its title.
        rule: String,
        /// A line that --events prints, or {"category": …, "fields": {…}}; - is standard input.
        event: PathBuf,
        #[command(flatten)]
        rules: WhichRules,
    },
    /// Run the NAME.tests.yml beside each NAME.yml; exit code 1 if an event is missed, or matched that must
    /// not be.
    Test {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

#[derive(Args, Clone, Debug)]
pub struct WhichRules {
    /// Rule file or directory, beside the shipped rules; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Use only the rules given with --rules.
    #[arg(long)]
    pub no_shipped_rules: bool,
}

#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// How hooks attach.
    #[arg(long, default_value = "auto", value_parser = parse_attach)]
    pub attach: AttachChoice,
    /// Print the records that auditd would have written (of opens: those that --opens reports).
    #[arg(long)]
    pub records: bool,
    /// Append the records to FILE (mode 0600).
    #[arg(long, value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub socket: SocketArgs,
    /// Print every event as a JSON object, one a line.
    #[arg(long)]
    pub events: bool,
    /// Print alerts as JSON objects, one a line, instead of blocks of text.
    #[arg(long)]
    pub json: bool,
    /// Rule file or directory, beside the shipped rules; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Use only the rules given with --rules.
    #[arg(long)]
    pub no_shipped_rules: bool,
    #[command(flatten)]
    pub alerts: AlertArgs,
    /// Which opens are reported, in records and events, too.
    #[arg(long, value_enum, default_value_t = Opens::Wanted)]
    pub opens: Opens,
    /// auditctl rules that say what is recorded: a file, or a directory merged as augenrules does.
    /// Without them, every call of the four families is, and every message.
    #[arg(long, value_name = "PATH")]
    pub audit_rules: Option<PathBuf>,
    /// Let the kernel side send every call that an audit rule names, and decide here alone.
    #[arg(long, hide = true)]
    pub no_kernel_filter: bool,
    /// Size of the ring buffer: a power of two, at least a page.
    #[arg(long, default_value_t = 8 << 20, value_parser = parse_ring)]
    pub ring_bytes: u32,
    /// Most bytes of arguments kept of one exec.
    #[arg(long, default_value_t = 256 << 10, value_parser = clap::value_parser!(u32).range(4096..=1 << 20))]
    pub argv_bytes: u32,
    /// System calls that may be under way at once; each takes 37 KiB of kernel memory.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub slots: u32,
    /// Ended processes remembered as ancestors.
    #[arg(long, default_value_t = 8192)]
    pub keep_ended: usize,
    /// Keep what is known of watched files in DIRECTORY (mode 0600), to tell at the next start what changed
    /// while the sensor did not run.
    #[arg(long, value_name = "DIRECTORY")]
    pub state: Option<PathBuf>,
}

/// `--opens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Opens {
    /// What the rules ask for.
    Wanted,
    /// Those that write, create or truncate.
    Writes,
    /// Every one.
    All,
    /// None at all.
    None,
}

/// `--attach`; `None` is auto.
#[derive(Clone, Copy, Debug)]
pub struct AttachChoice(pub Option<Attach>);

fn parse_attach(text: &str) -> Result<AttachChoice, String> {
    if text == "auto" {
        Ok(AttachChoice(None))
    } else {
        text.parse().map(|a| AttachChoice(Some(a)))
    }
}

fn parse_ring(text: &str) -> Result<u32, String> {
    let bytes: u32 = text
        .parse()
        .map_err(|_nan| "not a number of bytes".to_owned())?;
    if bytes.is_power_of_two() && bytes >= 4096 {
        Ok(bytes)
    } else {
        Err("must be a power of two and at least 4096".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_values_are_refused() {
        assert!(Cli::try_parse_from(["auklet", "run", "--attach", "magic"]).is_err());
        assert!(Cli::try_parse_from(["auklet", "run", "--ring-bytes", "1000"]).is_err());
        assert!(Cli::try_parse_from(["auklet", "run", "--argv-bytes", "1"]).is_err());
    }
}
