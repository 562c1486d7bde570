//! `--json-log`: every event as a JSON object, one a line, with the same settings as the records.

use std::path::Path;

use super::{
    AuditLogError, LogSettings, LogState,
    file::LogFile,
    now_ns, open_file,
    state::{Outcome, Suspension},
    store::Disk,
};
use crate::{event::Event, json};

/// An open log of JSON objects, one event a line.
#[derive(Debug)]
pub struct JsonLog {
    file: LogFile<Disk>,
    scratch: Vec<u8>,
}

impl JsonLog {
    /// As [`AuditLog::open_with`]; log_format and node are for records only.
    ///
    /// # Errors
    /// It can't be opened, or it is a link, a device, a pipe.
    pub fn open_with(path: &Path, settings: LogSettings) -> Result<Self, AuditLogError> {
        let disk = Disk::open(path, settings.flush)?;
        Ok(Self {
            file: open_file(path, disk, settings)?,
            scratch: Vec::new(),
        })
    }

    /// Appends one event.
    ///
    /// # Errors
    /// The disk is full, or fails, and the settings say stop.
    pub fn write_event(&mut self, event: &Event) -> Result<(), AuditLogError> {
        self.scratch.clear();
        // A Vec takes everything.
        drop(json::write(event, &mut self.scratch));
        let outcome = self.file.write(&self.scratch)?;
        self.tell_suspension(outcome);
        Ok(())
    }

    /// As [`AuditLog::look`].
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

    /// As [`AuditLog::resume`].
    pub fn resume(&mut self) {
        if let Some(Suspension { reason, missed }) = self.file.resume() {
            let reason = reason.name();
            self.note(&serde_json::json!({
                "type": "log", "op": "resume", "time_ns": now_ns(), "reason": reason, "missed": missed,
            }));
        }
    }

    /// For `auklet status`.
    #[must_use]
    pub fn state(&self) -> LogState {
        self.file.state()
    }

    fn tell_suspension(&mut self, outcome: Outcome) {
        if let Outcome::Suspended(reason) = outcome {
            let reason = reason.name();
            self.note(&serde_json::json!({
                "type": "log", "op": "suspend", "time_ns": now_ns(), "reason": reason,
            }));
        }
    }

    fn note(&mut self, value: &serde_json::Value) {
        self.file.note(format!("{value}\n").as_bytes());
    }
}

impl Drop for JsonLog {
    fn drop(&mut self) {
        if let Err(error) = self.file.finish() {
            log::error!("flush the JSON log: {error}");
        }
    }
}
