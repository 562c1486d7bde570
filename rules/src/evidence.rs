//! Which events prove an alert: their audit numbers, which `ausearch -a` finds in the log.
use std::fmt;

use serde::{Serialize, Serializer};

/// An event of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventRef {
    /// When it counted: Unix milliseconds, never before those of the events that came earlier.
    pub time_ms: i64,
    /// Its number in the log.
    pub serial: u32,
}

/// As auditd writes it: `1795512600.001:42`.
impl fmt::Display for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.time_ms.div_euclid(1000), self.time_ms.rem_euclid(1000));
        write!(f, "{seconds}.{ms:03}:{}", self.serial)
    }
}

impl Serialize for EventRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::EventRef;

    #[test]
    fn events_are_named_as_in_the_log() {
        let event = |time_ms, serial| EventRef { time_ms, serial }.to_string();
        assert_eq!(event(1_795_512_600_001, 42), "1795512600.001:42");
        assert_eq!(event(0, 0), "0.000:0");
    }
}
