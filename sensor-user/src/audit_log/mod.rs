//! `--audit-log` and `--json-log`: events in a file, whole ones only, with what auditd.conf(5)
//! offers of sizes, rotation, flushing and full disks (docs/log.md).

mod append;
mod args;
mod file;
mod flush;
mod gather;
mod json_log;
mod node;
mod rotate;
mod settings;
mod state;
mod store;
mod tail;

use std::{
    io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::{
    args::LogArgs,
    json_log::JsonLog,
    node::NameFormat,
    settings::{Action, FlushMode, LogFormat, LogSettings, MIB, SizeAction, SpaceLimit},
    state::{LogState, Reason},
    tail::{Last, Stamp},
};
use self::{
    file::LogFile,
    gather::Gathered,
    state::{Outcome, Suspension},
    store::Disk,
};
use crate::{enrich::Users, records::enrich};

/// Why the log can't be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditLogError {
    #[error("open audit log {path}: {source}")]
    Open { path: String, source: io::Error },
    #[error("open audit log {path}: not a regular file")]
    NotAFile { path: String },
    #[error("open audit log {path}: a symbolic link, name the file itself")]
    Link { path: String },
    #[error(
        "write audit log {path}: {source}; the {kept} events before stay whole, this one is lost"
    )]
    Write {
        path: String,
        source: io::Error,
        kept: u64,
    },
    #[error("flush audit log {path}: {source}")]
    Flush { path: String, source: io::Error },
    #[error("audit log {path}: {free} bytes are left on its disk, less than asked for")]
    Space { path: String, free: u64 },
}

/// An open log of records; it always ends with a whole event.
#[derive(Debug)]
pub struct AuditLog {
    file: LogFile<Disk>,
    last: Option<Last>,
    /// Numbers for events, and for records about the log itself.
    pub stamp: Stamp,
    /// Before each line: nothing, or `node=NAME `.
    prefix: Vec<u8>,
    users: Option<Users>,
    gathered: Gathered,
}

impl AuditLog {
    /// A log that only grows.
    ///
    /// # Errors
    /// It can't be opened, or it is a link, a device, a pipe.
    pub fn open(path: &Path) -> Result<Self, AuditLogError> {
        Self::open_with(path, LogSettings::default())
    }

    /// Opens to append, creates with mode 0600; rotates at once a file that is too large.
    ///
    /// # Errors
    /// It can't be opened, or it is a link, a device, a pipe.
    pub fn open_with(path: &Path, settings: LogSettings) -> Result<Self, AuditLogError> {
        let node = settings.node.as_deref();
        let prefix = node.map_or(Vec::new(), |node| [b"node=", node, b" "].concat());
        let users = (settings.log_format == LogFormat::Enriched).then(Users::default);
        let disk = Disk::open(path, settings.flush)?;
        let last = Last::read(path).map_err(|source| open_error(path, source))?;
        Ok(Self {
            file: open_file(path, disk, settings)?,
            last,
            stamp: Stamp::after(last),
            prefix,
            users,
            gathered: Gathered::default(),
        })
    }

    /// The time and serial that the log ended with when it was opened; `None`: it had no record.
    /// [`Last::next_serial`] is the serial to begin with; [`AuditLog::stamp`] does that and more.
    #[must_use]
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Appends the records of one event, lines without node= and interpretation. What the settings
    /// let pass (a full disk, a suspended log) is counted, not an error.
    ///
    /// # Errors
    /// The disk is full, or fails, and the settings say stop.
    pub fn write_event(&mut self, records: &[u8]) -> Result<(), AuditLogError> {
        self.take_event(records)?;
        self.write_taken()
    }

    /// The same, but the event may wait, with others, for [`AuditLog::write_taken`].
    ///
    /// # Errors
    /// As [`AuditLog::write_event`], of events taken before, too.
    pub fn take_event(&mut self, records: &[u8]) -> Result<(), AuditLogError> {
        let (prefix, users) = (&self.prefix, self.users.as_mut());
        let is_full = self.gathered.add(|out| {
            if prefix.is_empty() && users.is_none() {
                out.extend_from_slice(records);
            } else {
                enrich::lines(records, prefix, users, out);
            }
        });
        if is_full { self.write_taken() } else { Ok(()) }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// As [`AuditLog::write_event`].
    pub fn write_taken(&mut self) -> Result<(), AuditLogError> {
        if self.gathered.count() == 0 {
            return Ok(());
        }
        let outcome = self.file.write_all(&self.gathered);
        self.gathered.clear();
        self.tell_suspension(outcome?);
        Ok(())
    }

    /// Every few seconds: looks at the free space, resumes if there is some again.
    ///
    /// # Errors
    /// Space is low, and the settings say stop.
    pub fn look(&mut self) -> Result<(), AuditLogError> {
        if self.file.has_room_again() {
            self.resume();
        }
        let was_suspended = self.file.is_suspended();
        let outcome = self.file.look()?;
        if !was_suspended {
            self.tell_suspension(outcome);
        }
        Ok(())
    }

    /// Writes again after a suspension, and says how many events are missing: SIGUSR2.
    pub fn resume(&mut self) {
        if let Some(Suspension { reason, missed }) = self.file.resume() {
            let body = format!(
                "op=resume-logging reason={} missed={missed} {} res=success",
                reason.name(),
                sensor()
            );
            self.note("DAEMON_RESUME", &body);
        }
    }

    /// For `auklet status`.
    #[must_use]
    pub fn state(&self) -> LogState {
        self.file.state()
    }

    fn tell_suspension(&mut self, outcome: Outcome) {
        if let Outcome::Suspended(reason) = outcome {
            let body = format!(
                "op=suspend-logging reason={} {} res=failed",
                reason.name(),
                sensor()
            );
            self.note("DAEMON_ERR", &body);
        }
    }

    /// A record of the log's own, in the manner of auditd's DAEMON_* (src/auditd.c).
    fn note(&mut self, kind: &str, body: &str) {
        let now = now_ns();
        let (time_ns, serial) = self.stamp.next(now, || now);
        let ms = time_ns / 1_000_000;
        let prefix = String::from_utf8_lossy(&self.prefix);
        let line = format!(
            "{prefix}type={kind} msg=audit({}.{:03}:{serial}): {body}\n",
            ms / 1000,
            ms % 1000
        );
        self.file.note(line.as_bytes());
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        if let Err(error) = self.write_taken() {
            log::error!("{error}");
        }
        if let Err(error) = self.file.finish() {
            log::error!("flush the audit log: {error}");
        }
    }
}

fn open_file(
    path: &Path,
    disk: Disk,
    settings: LogSettings,
) -> Result<LogFile<Disk>, AuditLogError> {
    if settings.max_log_file_action == SizeAction::Rotate && settings.num_logs > 1 {
        rotate::remove_excess(path, settings.num_logs);
    }
    let file = LogFile::new(path.to_owned(), disk, settings);
    let mut file = file.map_err(|source| open_error(path, source))?;
    file.check_size();
    Ok(file)
}

fn open_error(path: &Path, source: io::Error) -> AuditLogError {
    let path = path.display().to_string();
    AuditLogError::Open { path, source }
}

/// The time of day.
pub(crate) fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// Who speaks, as in auditd's DAEMON_START: `auid=… pid=… uid=… ses=…`.
pub(crate) fn sensor() -> String {
    let id = |file: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.trim().parse().unwrap_or(u32::MAX)
    };
    let (auid, ses) = (id("/proc/self/loginuid"), id("/proc/self/sessionid"));
    let uid = rustix::process::getuid().as_raw();
    format!("auid={auid} pid={} uid={uid} ses={ses}", std::process::id())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_on_disk;
