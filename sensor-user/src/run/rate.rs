//! `-r` of the audit rules: most messages a second, as `audit_rate_check` in kernel/audit.c counts them.

use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Lets so many records through in each second; one that is over begins the next, once the second is over.
/// The kernel cuts events where the limit is reached; here an event is written whole or not at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// 0: no limit.
    limit: u32,
    /// When the second began; the first begins with the first record that is over the limit.
    began: Option<Instant>,
    messages: u32,
    /// Records that were not let through.
    pub(super) limited: u64,
}

impl Rate {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether there is a limit: records must be counted then.
    pub(super) fn is_set(&self) -> bool {
        self.limit > 0
    }

    /// Whether an event of so many records is written; counts them either way.
    pub(super) fn admits(&mut self, records: u32, now: Instant) -> bool {
        if !self.is_set() {
            return true;
        }
        if self.messages.saturating_add(1) >= self.limit {
            let over = |began| now.saturating_duration_since(began) > SECOND;
            if !self.began.is_none_or(over) {
                self.limited += u64::from(records);
                return false;
            }
            self.began = Some(now);
            // The record that begins a second is not counted.
            self.messages = records.saturating_sub(1);
            return true;
        }
        self.messages = self.messages.saturating_add(records);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_everything_passes() {
        let mut rate = Rate::new(0);
        assert!((0..100_000).all(|_| rate.admits(5, Instant::now())));
        assert_eq!(rate.limited, 0);
    }

    #[test]
    fn each_second_has_its_share() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut rate = Rate::new(100);
        let mut admitted =
            |from: u64, until: u64| (from..until).filter(|ms| rate.admits(1, at(*ms))).count();
        // As in the kernel: the first second has no beginning yet, so its share comes twice.
        assert_eq!(admitted(0, 1000), 99 + 100);
        assert_eq!(admitted(1000, 2000), 100);
        assert_eq!(admitted(9000, 9001), 1);
        assert_eq!(rate.limited, 2001 - 300);
    }

    #[test]
    fn events_are_whole_and_their_records_counted() {
        let now = Instant::now();
        let mut rate = Rate::new(10);
        let admitted = (0..10).filter(|_| rate.admits(5, now)).count();
        // Two, then two more when the second begins.
        assert_eq!((admitted, rate.limited), (4, 6 * 5));
        let mut small = Rate::new(1);
        assert!(small.admits(7, now));
        assert!(!small.admits(7, now + SECOND));
        assert!(small.admits(7, now + 2 * SECOND));
    }
}
