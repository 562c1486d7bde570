//! The clock that a call set or steered, as audit tells of it (kernel/auditsc.c: audit_log_time).

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// TIME_INJOFFSET: how far the clock was set, in seconds and nanoseconds.
    Offset { sec: i64, nsec: i64 },
    /// TIME_ADJNTPVAL: a value of the clock's discipline.
    Ntp {
        /// `enum audit_ntp_type` of include/linux/audit.h.
        value: u8,
        old: i64,
        new: i64,
    },
}

impl ClockChange {
    /// The type of its record.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Offset { .. } => "TIME_INJOFFSET",
            Self::Ntp { .. } => "TIME_ADJNTPVAL",
        }
    }
}

/// Audit's word for a value of the discipline: ntp_name of audit_log_time. `None`: a newer kernel's.
#[must_use]
pub fn ntp_name(value: u8) -> Option<&'static str> {
    const NAMES: [&str; 6] = ["offset", "freq", "status", "tai", "tick", "adjust"];
    NAMES.get(usize::from(value)).copied()
}
