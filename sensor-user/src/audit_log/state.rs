//! Whether a log is written, and what it counts.

use serde::Serialize;

/// Why nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    DiskFull,
    DiskError,
    SpaceLeft,
    AdminSpaceLeft,
    MaxLogFile,
}

impl Reason {
    /// As records name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::DiskError => "disk-error",
            Self::SpaceLeft => "space-left",
            Self::AdminSpaceLeft => "admin-space-left",
            Self::MaxLogFile => "max-log-file",
        }
    }
}

/// A time without writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suspension {
    pub(super) reason: Reason,
    /// Events that were not written.
    pub(super) missed: u64,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    Missed,
    /// The log was suspended; by this event, which may have been written yet.
    Suspended(Reason),
}

/// What `auklet status` says of a log.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogState {
    pub path: String,
    /// Bytes of the current file.
    pub size: u64,
    /// Events written by this sensor.
    pub events: u64,
    /// Events not written: while suspended, or refused by the disk.
    pub missed: u64,
    pub rotated: u64,
    pub suspended: Option<Reason>,
}
