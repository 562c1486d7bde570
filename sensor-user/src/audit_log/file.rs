//! A log's decisions, after auditd's src/auditd-event.c (write_to_log, check_log_file_size,
//! check_space_left, do_disk_full_action …): when it is rotated, flushed, suspended, given up.

use std::{io, path::PathBuf};

use super::{
    AuditLogError,
    append::append,
    gather::Gathered,
    rotate::Keep,
    settings::{Action, FlushMode, LogSettings, MIB, SizeAction, SpaceLimit},
    state::{LogState, Outcome, Reason, Suspension},
    store::Store,
};

/// Bytes written between two looks at the free space.
const LOOK_EVERY: u64 = 256 << 10;
/// A log suspended on a full disk goes on when there is so much room again.
const ROOM: u64 = MIB;
/// auditd tells so many write errors in a row.
const ERRORS_TOLD: u32 = 5;

/// A log in a store.
#[derive(Debug)]
pub(super) struct LogFile<S> {
    path: PathBuf,
    pub(super) store: S,
    settings: LogSettings,
    size: u64,
    events: u64,
    missed: u64,
    rotated: u64,
    suspended: Option<Suspension>,
    /// Records since the last flush.
    unflushed: u32,
    /// Bytes since the last look at the free space.
    unlooked: u64,
    /// Not to be rotated below this size: it failed just now.
    rotate_at: u64,
    /// The file was asked for its size; below this one it need not be again.
    size_known: u64,
    told_size: bool,
    told_space: [bool; 2],
    told_errors: u32,
}

impl<S: Store> LogFile<S> {
    pub(super) fn new(path: PathBuf, store: S, settings: LogSettings) -> io::Result<Self> {
        let size = store.bytes()?;
        Ok(Self {
            path,
            store,
            settings,
            size,
            events: 0,
            missed: 0,
            rotated: 0,
            suspended: None,
            unflushed: 0,
            unlooked: 0,
            rotate_at: 0,
            size_known: 0,
            told_size: false,
            told_space: [false; 2],
            told_errors: 0,
        })
    }

    /// All of `chunk`, one event's lines, or nothing.
    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<Outcome, AuditLogError> {
        if let Some(suspension) = &mut self.suspended {
            suspension.missed += 1;
            self.missed += 1;
            return Ok(Outcome::Missed);
        }
        match append(&mut self.store, chunk) {
            Ok(()) => self.wrote(chunk, 1),
            Err(error) if is_full(&error) => self.disk_full(chunk, error),
            Err(error) => {
                self.disk_error("write", error, 1)?;
                Ok(self.outcome(Outcome::Missed))
            }
        }
    }

    /// Several events at once; one by one where that fails, or where something may follow from one of them.
    pub(super) fn write_all(&mut self, gathered: &Gathered) -> Result<Outcome, AuditLogError> {
        let text = gathered.text();
        let grown = self.size + text.len() as u64;
        let alone = self.suspended.is_some() || grown >= self.settings.max_log_file;
        if !alone && append(&mut self.store, text).is_ok() {
            return self.wrote(text, gathered.count() as u64);
        }
        let mut outcome = Outcome::Written;
        for event in gathered.events() {
            let now = self.write(event)?;
            if !matches!(outcome, Outcome::Suspended(_)) {
                outcome = now;
            }
        }
        Ok(outcome)
    }

    /// A record about the log itself: into it if that is possible, and nothing follows from it.
    pub(super) fn note(&mut self, line: &[u8]) {
        if append(&mut self.store, line).is_ok() {
            self.size += line.len() as u64;
        }
    }

    /// SIGUSR2, or there is room again. What was told once is told again.
    pub(super) fn resume(&mut self) -> Option<Suspension> {
        (self.told_size, self.told_errors) = (false, 0);
        self.told_space = [false; 2];
        let over = self.suspended.take()?;
        log::warn!(
            "{}: writing again, {} events were not written",
            self.path.display(),
            over.missed
        );
        Some(over)
    }

    /// From time to time: is there room, for one that waits for it, or still?
    pub(super) fn look(&mut self) -> Result<Outcome, AuditLogError> {
        if self.suspended.is_none() {
            self.check_space()?;
        }
        Ok(self.outcome(Outcome::Written))
    }

    /// Suspended for want of room, and now there is some.
    pub(super) fn has_room_again(&self) -> bool {
        let limit = |limit: Option<SpaceLimit>| limit.map_or(ROOM, |limit| limit.bytes);
        let needed = match self.suspended.map(|suspension| suspension.reason) {
            Some(Reason::DiskFull) => ROOM,
            Some(Reason::SpaceLeft) => limit(self.settings.space_left),
            Some(Reason::AdminSpaceLeft) => limit(self.settings.admin_space_left),
            Some(Reason::DiskError | Reason::MaxLogFile) | None => return false,
        };
        self.store.free().is_ok_and(|free| free >= needed)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.is_some()
    }

    pub(super) fn state(&self) -> LogState {
        LogState {
            path: self.path.display().to_string(),
            size: self.store.bytes().unwrap_or(self.size),
            events: self.events,
            missed: self.missed,
            rotated: self.rotated,
            suspended: self.suspended.map(|suspension| suspension.reason),
        }
    }

    /// Brings what is written to the disk, if the settings care.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let waits = self.settings.flush != FlushMode::None && self.unflushed > 0;
        self.unflushed = 0;
        if waits {
            self.store.flush_data(false)
        } else {
            Ok(())
        }
    }

    /// Looks at the size at once: the log may be too large when it is opened.
    pub(super) fn check_size(&mut self) {
        let limit = self.settings.max_log_file.max(self.rotate_at);
        let is_ignored = self.settings.max_log_file_action == SizeAction::Ignore;
        if is_ignored || self.size < limit.max(self.size_known) {
            return;
        }
        // Something else may have cut it meanwhile.
        self.size = self.store.bytes().unwrap_or(self.size);
        if self.size < limit {
            self.told_size = false;
            return;
        }
        match self.settings.max_log_file_action {
            SizeAction::Ignore => {}
            SizeAction::Syslog if self.told_size => self.size_known = self.size + LOOK_EVERY,
            SizeAction::Syslog => {
                log::error!("{}: larger than max_log_file", self.path.display());
                self.told_size = true;
            }
            SizeAction::Suspend => self.suspend(Reason::MaxLogFile, 0),
            SizeAction::Rotate if self.settings.num_logs < 2 => {
                self.size_known = self.size + LOOK_EVERY;
            }
            SizeAction::Rotate | SizeAction::KeepLogs => self.rotate(),
        }
    }

    fn wrote(&mut self, chunk: &[u8], events: u64) -> Result<Outcome, AuditLogError> {
        self.events += events;
        self.size += chunk.len() as u64;
        self.unlooked += chunk.len() as u64;
        self.told_errors = 0;
        if self.settings.flush != FlushMode::None {
            let records = chunk.iter().filter(|b| **b == b'\n').count();
            let records = u32::try_from(records).unwrap_or(u32::MAX);
            self.unflushed = self.unflushed.saturating_add(records);
            self.flush_when_due()?;
        }
        self.check_size();
        if self.unlooked >= LOOK_EVERY {
            self.check_space()?;
        }
        Ok(self.outcome(Outcome::Written))
    }

    fn outcome(&self, otherwise: Outcome) -> Outcome {
        let reason = self.suspended.map(|suspension| suspension.reason);
        reason.map_or(otherwise, Outcome::Suspended)
    }

    fn flush_when_due(&mut self) -> Result<(), AuditLogError> {
        let background = match self.settings.flush {
            FlushMode::Incremental => false,
            FlushMode::IncrementalAsync => true,
            FlushMode::None | FlushMode::Data | FlushMode::Sync => return Ok(()),
        };
        if self.unflushed < self.settings.freq {
            return Ok(());
        }
        self.unflushed = 0;
        match self.store.flush_data(background) {
            Ok(()) => Ok(()),
            Err(error) => self.disk_error("flush", error, 0),
        }
    }

    fn disk_full(&mut self, chunk: &[u8], error: io::Error) -> Result<Outcome, AuditLogError> {
        match self.settings.disk_full_action {
            Action::Stop => return Err(self.failed("write", error)),
            Action::Suspend => self.suspend(Reason::DiskFull, 1),
            Action::Rotate if self.can_rotate() => {
                self.tell("write", &error);
                self.rotate();
                if append(&mut self.store, chunk).is_ok() {
                    return self.wrote(chunk, 1);
                }
                self.missed += 1;
            }
            Action::Ignore | Action::Syslog | Action::Rotate => {
                self.tell("write", &error);
                self.missed += 1;
            }
        }
        Ok(self.outcome(Outcome::Missed))
    }

    fn disk_error(
        &mut self,
        what: &str,
        error: io::Error,
        missed: u64,
    ) -> Result<(), AuditLogError> {
        match self.settings.disk_error_action {
            Action::Stop => return Err(self.failed(what, error)),
            Action::Suspend => {
                self.tell(what, &error);
                self.suspend(Reason::DiskError, missed);
                return Ok(());
            }
            Action::Ignore => {}
            Action::Syslog | Action::Rotate => self.tell(what, &error),
        }
        self.missed += missed;
        Ok(())
    }

    fn check_space(&mut self) -> Result<(), AuditLogError> {
        self.unlooked = 0;
        let free = match self.store.free() {
            Ok(free) => free,
            Err(error) => {
                log::debug!("{}: free space: {error}", self.path.display());
                return Ok(());
            }
        };
        let limits = [
            (self.settings.space_left, Reason::SpaceLeft),
            (self.settings.admin_space_left, Reason::AdminSpaceLeft),
        ];
        for (n, (limit, reason)) in limits.into_iter().enumerate() {
            let Some(limit) = limit else { continue };
            let low = free < limit.bytes;
            let new = low && !self.told_space[n];
            self.told_space[n] = low;
            if new {
                self.space_left(limit.action, reason, free)?;
            }
        }
        Ok(())
    }

    fn space_left(
        &mut self,
        action: Action,
        reason: Reason,
        free: u64,
    ) -> Result<(), AuditLogError> {
        if action != Action::Ignore {
            let (path, name) = (self.path.display(), reason.name());
            log::error!("{path}: low on disk space: {free} bytes are left ({name})");
        }
        match action {
            Action::Ignore | Action::Syslog => {}
            Action::Rotate if self.can_rotate() => self.rotate(),
            Action::Rotate => {}
            Action::Suspend if self.suspended.is_none() => self.suspend(reason, 0),
            Action::Suspend => {}
            Action::Stop => {
                let path = self.path.display().to_string();
                return Err(AuditLogError::Space { path, free });
            }
        }
        Ok(())
    }

    fn can_rotate(&self) -> bool {
        self.settings.num_logs > 1 || self.settings.max_log_file_action == SizeAction::KeepLogs
    }

    /// On failure the current file is written on, and left alone until it has grown by an eighth.
    fn rotate(&mut self) {
        let keep = match self.settings.max_log_file_action {
            SizeAction::KeepLogs => Keep::All,
            _ => Keep::Files(self.settings.num_logs),
        };
        if let Err(error) = self.finish() {
            self.tell("flush", &error);
        }
        match self.store.rotate(keep) {
            Ok(()) => {
                self.rotated += 1;
                (self.size, self.rotate_at, self.size_known) = (0, 0, 0);
                self.told_size = false;
            }
            Err(error) => {
                log::error!(
                    "rotate {}: {error}; going on in the current file",
                    self.path.display()
                );
                self.rotate_at = self.size + (self.settings.max_log_file / 8).max(1);
            }
        }
    }

    fn suspend(&mut self, reason: Reason, missed: u64) {
        log::error!(
            "{}: suspended ({}): events are counted, not written, until SIGUSR2 or there is room",
            self.path.display(),
            reason.name()
        );
        self.missed += missed;
        self.suspended = Some(Suspension { reason, missed });
    }

    /// Not more than a few in a row.
    fn tell(&mut self, what: &str, error: &io::Error) {
        if self.told_errors < ERRORS_TOLD {
            self.told_errors += 1;
            log::error!("{what} {}: {error}", self.path.display());
        }
    }

    fn failed(&self, what: &str, source: io::Error) -> AuditLogError {
        let path = self.path.display().to_string();
        if what == "flush" {
            return AuditLogError::Flush { path, source };
        }
        let kept = self.events;
        AuditLogError::Write { path, source, kept }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull, WriteZero};
    matches!(error.kind(), StorageFull | QuotaExceeded | WriteZero)
}
