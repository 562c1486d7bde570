//! Records that come in quick succession are taken out of the ring together.
//!
//! The kernel wakes the reader of a ring that it had emptied (`bpf_ringbuf_commit`, kernel/bpf/ringbuf.c), so
//! one that empties it at once is woken for each record, and a wake-up costs more than a record does. What comes
//! first after a while is taken at once; after that the reader lets records gather for a moment, in which the
//! kernel wakes nobody.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::load::Attach;

/// How long records gather. In it two processors fill less than a tenth of the ring.
const PAUSE: Duration = Duration::from_millis(1);
/// Smaller rings are emptied at once.
const RING: u32 = 1 << 20;
/// Records come in quick succession when the next is there so soon after the last.
const SOON: Duration = Duration::from_millis(2);

/// When to take records.
#[derive(Debug)]
pub(super) struct Pace {
    gathers: bool,
    emptied: Option<Instant>,
}

impl Pace {
    /// Under the tracepoint plan files are looked up after the call: that can't wait.
    pub(super) fn new(attach: Attach, ring_bytes: u32) -> Self {
        Self {
            gathers: attach != Attach::Tracepoint && ring_bytes >= RING,
            emptied: None,
        }
    }

    /// The ring has a record: lets more come, if they are coming fast.
    pub(super) fn before(&mut self) {
        if self.pauses(Instant::now()) {
            thread::sleep(PAUSE);
        }
    }

    /// The ring is empty.
    pub(super) fn emptied(&mut self) {
        self.emptied = Some(Instant::now());
    }

    /// Once for each time that the ring was emptied: what is there then is not to wait again.
    fn pauses(&mut self, now: Instant) -> bool {
        let emptied = self.emptied.take();
        self.gathers && emptied.is_some_and(|then| now.duration_since(then) < SOON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_follows_quickly_waits() {
        let mut pace = Pace::new(Attach::Fentry, RING);
        let now = Instant::now();
        assert!(!pace.pauses(now), "the first");
        pace.emptied = Some(now);
        assert!(pace.pauses(now + SOON / 2));
        assert!(!pace.pauses(now + SOON / 2), "not emptied meanwhile");
        pace.emptied = Some(now);
        assert!(!pace.pauses(now + SOON));
    }

    #[test]
    fn small_rings_and_late_look_ups_never_wait() {
        let now = Instant::now();
        for (attach, ring) in [(Attach::Tracepoint, RING), (Attach::Kprobe, RING / 2)] {
            let mut pace = Pace::new(attach, ring);
            pace.emptied = Some(now);
            assert!(!pace.pauses(now));
        }
    }
}
