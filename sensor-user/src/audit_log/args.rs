//! The command line's view of [`LogSettings`]: auditd.conf's keywords as flags.

use std::path::PathBuf;

use clap::Args;

use super::{
    node::{self, NameFormat},
    settings::{Action, FlushMode, LogFormat, LogSettings, MIB, SizeAction, SpaceLimit},
};

/// How `--audit-log` and `--json-log` are written, as in auditd.conf(5); docs/log.md tells where it
/// differs.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Append every event to FILE as a JSON object, one a line (mode 0600).
    #[arg(long, value_name = "FILE")]
    pub json_log: Option<PathBuf>,
    /// Records as auditd writes them, or with what their numbers mean on this machine.
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    pub log_format: LogFormat,
    /// Size of a log that calls for --max-log-file-action, MiB.
    #[arg(long, value_name = "MB", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_log_file: u32,
    /// What to do then.
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    pub max_log_file_action: SizeAction,
    /// Files to keep when rotating, the current one included; 0 or 1: no rotation.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=999))]
    pub num_logs: u16,
    /// When what is written is brought to the disk.
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    pub flush: FlushMode,
    /// Records between two flushes of --flush incremental and incremental_async.
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub freq: u32,
    /// Less free space than this, MiB, calls for --space-left-action.
    #[arg(long, value_name = "MB")]
    pub space_left: Option<u32>,
    /// ignore, syslog, rotate, suspend or stop.
    #[arg(long, value_name = "ACTION", default_value = "syslog")]
    pub space_left_action: Action,
    /// The last warning: less than --space-left.
    #[arg(long, value_name = "MB")]
    pub admin_space_left: Option<u32>,
    /// ignore, syslog, rotate, suspend or stop.
    #[arg(long, value_name = "ACTION", default_value = "suspend")]
    pub admin_space_left_action: Action,
    /// ignore, syslog, rotate, suspend or stop (the sensor ends with an error).
    #[arg(long, value_name = "ACTION", default_value = "stop")]
    pub disk_full_action: Action,
    /// ignore, syslog, suspend or stop (the sensor ends with an error).
    #[arg(long, value_name = "ACTION", default_value = "stop", value_parser = parse_error_action)]
    pub disk_error_action: Action,
    /// What stands after node= on each record.
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    pub name_format: NameFormat,
    /// The name, with --name-format user (which it stands for).
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,
}

impl LogArgs {
    /// What they come to.
    ///
    /// # Errors
    /// They contradict each other, or there is no such node name.
    pub fn settings(&self) -> Result<LogSettings, String> {
        let limit = |mib: Option<u32>, action| {
            mib.map(|mib| SpaceLimit {
                bytes: u64::from(mib) * MIB,
                action,
            })
        };
        if let (Some(space), Some(admin)) = (self.space_left, self.admin_space_left)
            && admin >= space
        {
            return Err(format!(
                "--admin-space-left {admin} must be less than --space-left {space}"
            ));
        }
        Ok(LogSettings {
            log_format: self.log_format,
            max_log_file: u64::from(self.max_log_file) * MIB,
            max_log_file_action: self.max_log_file_action,
            num_logs: self.num_logs,
            flush: self.flush,
            freq: self.freq,
            space_left: limit(self.space_left, self.space_left_action),
            admin_space_left: limit(self.admin_space_left, self.admin_space_left_action),
            disk_full_action: self.disk_full_action,
            disk_error_action: self.disk_error_action,
            node: node::name(self.name_format, self.node_name.as_deref())?,
        })
    }
}

fn parse_error_action(text: &str) -> Result<Action, String> {
    match text.parse()? {
        Action::Rotate => Err("a disk that fails is not mended by a new file".to_owned()),
        action => Ok(action),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        log: LogArgs,
    }

    fn settings(line: &str) -> Result<LogSettings, String> {
        let words = std::iter::once("auklet").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        cli.log.settings()
    }

    #[test]
    fn the_defaults_are_the_settings_defaults() {
        assert_eq!(settings(""), Ok(LogSettings::default()));
    }

    #[test]
    fn auditds_words_are_understood() {
        let all = settings(
            "--log-format ENRICHED --max-log-file 2 --num-logs 5 --max-log-file-action keep_logs \
             --flush incremental_async --freq 7 --space-left 75 --space-left-action rotate \
             --admin-space-left 50 --disk-full-action SUSPEND --disk-error-action syslog \
             --node-name db1",
        )
        .expect("valid");
        let expect = LogSettings {
            log_format: LogFormat::Enriched,
            max_log_file: 2 << 20,
            max_log_file_action: SizeAction::KeepLogs,
            num_logs: 5,
            flush: FlushMode::IncrementalAsync,
            freq: 7,
            space_left: Some(SpaceLimit {
                bytes: 75 << 20,
                action: Action::Rotate,
            }),
            admin_space_left: Some(SpaceLimit {
                bytes: 50 << 20,
                action: Action::Suspend,
            }),
            disk_full_action: Action::Suspend,
            disk_error_action: Action::Syslog,
            node: Some(b"db1".to_vec()),
        };
        assert_eq!(all, expect);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for (line, why) in [
            ("--num-logs 1000", "999"),
            ("--max-log-file 0", "1..="),
            ("--freq 0", "freq"),
            ("--disk-full-action exec", "may start no program"),
            ("--admin-space-left-action halt", "run level"),
            ("--disk-error-action rotate", "not mended"),
            ("--space-left 10 --admin-space-left 10", "must be less"),
            ("--name-format user", "needs --node-name"),
            ("--node-name a=b", "letters"),
            ("--flush often", "incremental_async"),
        ] {
            let error = settings(line).expect_err(line);
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
