//! Sections that tell of the clock.

use bytes::Bytes;
use sensor_ebpf::wire::{ClockOffset, NtpValues, tag};
use zerocopy::FromBytes;

/// One point at which the kernel told audit.
#[derive(Debug)]
pub enum RawClock {
    /// Written at once.
    Offset(ClockOffset),
    /// Written when the call ends.
    OffsetAtEnd(ClockOffset),
    /// Written at once; with the offset that the kernel then writes with it, also of an earlier call: when the
    /// call ends.
    Ntp(NtpValues, Option<ClockOffset>),
}

/// Takes a section, if it is one of these.
pub(super) fn take(changes: &mut Vec<RawClock>, tag: u16, data: &Bytes) {
    fn value<T: FromBytes>(data: &Bytes) -> Option<T> {
        T::read_from_prefix(data).ok().map(|(value, _)| value)
    }
    match tag {
        tag::CLOCK_OFFSET => changes.extend(value(data).map(RawClock::Offset)),
        tag::CLOCK_OFFSET_AT_END => changes.extend(value(data).map(RawClock::OffsetAtEnd)),
        tag::NTP_VALUES => changes.extend(value(data).map(|ntp| RawClock::Ntp(ntp, None))),
        tag::KEPT_CLOCK_OFFSET => {
            if let Some(RawClock::Ntp(_, kept)) = changes.last_mut() {
                *kept = value(data);
            }
        }
        _ => {} // a newer sender's
    }
}
