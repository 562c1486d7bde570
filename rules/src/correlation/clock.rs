//! Event times that never go back, so that windows can trust them.
//!
//! An event that comes a little late, as those of another CPU do, counts at the time of the one before
//! it. When times jump back by more, somebody set the clock: windows go on from where they were, so that
//! setting the clock back neither forgets what was counted nor stops the counting.

/// Further back than this an event is not late, the clock was set.
const LATE_MS: i64 = 5 * 60 * 1000;

/// The times of one machine's events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    /// The latest time given.
    now: Option<i64>,
    /// What the clock was set back by, in all.
    behind: i64,
}

impl Clock {
    /// When an event of that time counts; never before an earlier call's answer.
    pub(crate) fn at(&mut self, time_ms: i64) -> i64 {
        let time = time_ms.saturating_add(self.behind);
        let now = match self.now {
            Some(now) if time < now => {
                let back = now.saturating_sub(time);
                if back > LATE_MS {
                    self.behind = self.behind.saturating_add(back);
                }
                now
            }
            _ => time,
        };
        self.now = Some(now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_events_count_now_and_a_clock_set_back_goes_on() {
        let mut clock = Clock::default();
        let times = [1_000_000, 1_000_500, 1_000_499, 1_000_500, 1_000_501];
        let at = times.map(|time| clock.at(time));
        assert_eq!(at, [1_000_000, 1_000_500, 1_000_500, 1_000_500, 1_000_501]);
        // An hour back: the next second is a second later.
        let back = 1_000_501 - 3_600_000;
        assert_eq!(
            [back, back + 1000].map(|time| clock.at(time)),
            [1_000_501, 1_001_501]
        );
        for time in [i64::MAX, i64::MIN, i64::MAX] {
            clock.at(time);
        }
    }
}
