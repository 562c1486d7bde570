//! What auditd.conf(5) lets one set of a log, by its names.

use std::str::FromStr;

use clap::ValueEnum;

/// `log_format`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// The records as the kernel would have sent them.
    #[default]
    Raw,
    /// And what their numbers mean on this machine.
    Enriched,
}

/// `max_log_file_action`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SizeAction {
    Ignore,
    /// Say so, once, in the sensor's own log.
    Syslog,
    /// Write no more until told (SIGUSR2).
    Suspend,
    /// Begin a new file, keep num_logs of them.
    #[default]
    Rotate,
    /// Begin a new file, keep all.
    #[value(name = "keep_logs")]
    KeepLogs,
}

/// `flush`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FlushMode {
    /// The kernel writes when it likes.
    #[default]
    None,
    /// fdatasync after each freq records.
    Incremental,
    /// The same in a thread of its own.
    #[value(name = "incremental_async")]
    IncrementalAsync,
    /// Each write waits for its data: O_DSYNC.
    Data,
    /// And for the file's metadata: O_SYNC.
    Sync,
}

impl FlushMode {
    /// What open(2) is told.
    pub(super) fn open_flags(self) -> i32 {
        match self {
            Self::Data => libc::O_DSYNC,
            Self::Sync => libc::O_SYNC,
            Self::None | Self::Incremental | Self::IncrementalAsync => 0,
        }
    }
}

/// `disk_full_action`, `disk_error_action`, `space_left_action`, `admin_space_left_action`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Go on; what can't be written is counted.
    Ignore,
    /// The same, and say so in the sensor's own log.
    Syslog,
    /// Begin a new file; the oldest goes.
    Rotate,
    /// Write no more, until there is room or SIGUSR2.
    Suspend,
    /// The sensor ends with an error.
    #[default]
    Stop,
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let why = match text.to_ascii_lowercase().as_str() {
            "ignore" => return Ok(Self::Ignore),
            "syslog" => return Ok(Self::Syslog),
            "rotate" => return Ok(Self::Rotate),
            "suspend" => return Ok(Self::Suspend),
            "stop" => return Ok(Self::Stop),
            "exec" => {
                "exec is not offered: a running sensor may start no program as root; \
                 use stop and let the service manager act (OnFailure=)"
            }
            "single" | "halt" => {
                "single and halt are not offered: the sensor does not keep the right to change \
                 the run level; use stop and let the service manager act (OnFailure=, FailureAction=)"
            }
            "email" => "email is not offered: the sensor starts no mailer; use syslog",
            _ => "not one of ignore, syslog, rotate, suspend, stop",
        };
        Err(why.to_owned())
    }
}

/// `space_left` with its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceLimit {
    /// Less free space than this many bytes calls for the action.
    pub bytes: u64,
    pub action: Action,
}

/// Settings of one log. The defaults are a log that only grows and a sensor that ends when it can't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub log_format: LogFormat,
    /// `max_log_file`, in bytes.
    pub max_log_file: u64,
    pub max_log_file_action: SizeAction,
    /// Files, the current one included; fewer than 2: no rotation.
    pub num_logs: u16,
    pub flush: FlushMode,
    /// Records between two flushes of [`FlushMode::Incremental`].
    pub freq: u32,
    pub space_left: Option<SpaceLimit>,
    pub admin_space_left: Option<SpaceLimit>,
    pub disk_full_action: Action,
    pub disk_error_action: Action,
    /// What stands after `node=`; checked by [`super::node`].
    pub node: Option<Vec<u8>>,
}

/// auditd.conf counts in megabytes of 2^20.
pub const MIB: u64 = 1 << 20;

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            log_format: LogFormat::default(),
            max_log_file: 8 * MIB,
            max_log_file_action: SizeAction::default(),
            num_logs: 0,
            flush: FlushMode::default(),
            freq: 50,
            space_left: None,
            admin_space_left: None,
            disk_full_action: Action::default(),
            disk_error_action: Action::default(),
            node: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_offered_says_why() {
        for (text, expect) in [
            ("exec", "may start no program"),
            ("HALT", "run level"),
            ("single", "OnFailure="),
            ("email", "use syslog"),
            ("explode", "not one of"),
        ] {
            let error = text.parse::<Action>().expect_err(text);
            assert!(error.contains(expect), "{error}");
        }
        assert_eq!("Suspend".parse(), Ok(Action::Suspend));
    }
}
