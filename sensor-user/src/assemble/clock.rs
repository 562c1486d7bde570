//! Records of the clock, in auditd's order: newer kernels write them when the call ends, older ones at once.

use sensor_ebpf::wire::NtpValues;

use crate::{
    decode::RawClock,
    event::{Aux, ClockChange},
};

/// What is written at once, in the kernel's order.
pub(super) fn at_once(changes: &[RawClock]) -> impl Iterator<Item = Aux> {
    let written =
        |raw: &&RawClock| !matches!(raw, RawClock::OffsetAtEnd(_) | RawClock::Ntp(_, Some(_)));
    changes
        .iter()
        .filter(written)
        .flat_map(|raw| told(raw, true))
}

/// audit_log_time. Values of the discipline, then the offset: the last of each counts. With values, that is
/// the offset which the thread's audit context has, be it of an earlier call.
pub(super) fn at_end(changes: &[RawClock]) -> Vec<Aux> {
    let changed = |raw: &&RawClock| matches!(raw, RawClock::Ntp(ntp, Some(_)) if differ(ntp));
    let ntp = changes.iter().rfind(changed);
    let own = changes.iter().rev().find_map(|raw| match raw {
        RawClock::OffsetAtEnd(clock) => Some(*clock),
        _ => None,
    });
    let offset = match ntp {
        Some(RawClock::Ntp(_, kept)) => *kept,
        _ => own,
    };
    let offset = offset.filter(|clock| (clock.sec, clock.nsec) != (0, 0));
    let offset = offset.map(RawClock::OffsetAtEnd);
    let last = ntp.into_iter().chain(&offset);
    last.flat_map(|raw| told(raw, false)).collect()
}

fn differ(ntp: &NtpValues) -> bool {
    ntp.values.iter().any(|[old, new]| old != new)
}

/// The records of one point.
fn told(raw: &RawClock, first: bool) -> Vec<Aux> {
    let changes = match raw {
        RawClock::Offset(clock) | RawClock::OffsetAtEnd(clock) => vec![ClockChange::Offset {
            sec: clock.sec,
            nsec: clock.nsec,
        }],
        RawClock::Ntp(ntp, _) => (0..)
            .zip(ntp.values)
            .filter(|(_, [old, new])| old != new)
            .map(|(value, [old, new])| ClockChange::Ntp { value, old, new })
            .collect(),
    };
    let aux = |change| Aux::Clock { change, first };
    changes.into_iter().map(aux).collect()
}

#[cfg(test)]
mod tests {
    use sensor_ebpf::wire::ClockOffset;

    use super::*;

    const NOTHING: ClockOffset = ClockOffset { sec: 0, nsec: 0 };

    fn clock(nsec: i64) -> ClockOffset {
        ClockOffset { sec: 0, nsec }
    }

    /// The frequency changes by so much.
    fn ntp(new: i64, kept: ClockOffset) -> RawClock {
        let mut values = [[0; 2]; 6];
        values[1] = [0, new];
        RawClock::Ntp(NtpValues { values }, Some(kept))
    }

    #[track_caller]
    fn check(changes: &[RawClock], expect: &[&str]) {
        let shown = at_end(changes).into_iter().map(|aux| match aux {
            Aux::Clock {
                change: ClockChange::Offset { nsec, .. },
                first: false,
            } => format!("offset {nsec}"),
            Aux::Clock {
                change: ClockChange::Ntp { value, new, .. },
                first: false,
            } => format!("value {value} {new}"),
            other => format!("{other:?}"),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn an_offset_is_told_again_with_values_that_changed() {
        check(&[], &[]);
        check(&[RawClock::OffsetAtEnd(NOTHING)], &[]);
        check(&[RawClock::OffsetAtEnd(clock(5))], &["offset 5"]);
        let both = [RawClock::OffsetAtEnd(clock(5)), ntp(7, clock(5))];
        check(&both, &["value 1 7", "offset 5"]);
        check(&[ntp(7, NOTHING)], &["value 1 7"]);
        check(&[ntp(7, clock(5))], &["value 1 7", "offset 5"]);
        // Nothing changed: the kernel does not look.
        check(&[ntp(0, clock(5))], &[]);
        check(
            &[RawClock::OffsetAtEnd(clock(6)), ntp(0, clock(6))],
            &["offset 6"],
        );
    }

    #[test]
    fn what_is_written_at_once_is_not_told_again() {
        let changes = [
            RawClock::Offset(clock(5)),
            RawClock::Ntp(NtpValues::default(), None),
            RawClock::OffsetAtEnd(clock(6)),
        ];
        let expect = Aux::Clock {
            change: ClockChange::Offset { sec: 0, nsec: 5 },
            first: true,
        };
        assert_eq!(at_once(&changes).collect::<Vec<_>>(), [expect]);
        check(&changes, &["offset 6"]);
    }
}
