//! Sections that tell of the machine's settings.

use bytes::Bytes;
use sensor_ebpf::wire::{ClockFacts, FilterFacts, NtpFacts, tag};
use zerocopy::FromBytes;

/// One point at which the kernel told audit.
#[derive(Debug)]
pub enum RawSetting {
    /// With the table's name.
    Filter(FilterFacts, Bytes),
    Clock(ClockFacts),
    Ntp(NtpFacts),
}

/// Takes a section, if it is one of these.
pub(super) fn take(settings: &mut Vec<RawSetting>, tag: u16, data: &Bytes) {
    fn value<T: FromBytes>(data: &Bytes) -> Option<T> {
        T::read_from_prefix(data).ok().map(|(value, _)| value)
    }
    match tag {
        tag::FILTER => {
            settings.extend(value(data).map(|facts| RawSetting::Filter(facts, Bytes::new())));
        }
        tag::FILTER_TABLE => {
            if let Some(RawSetting::Filter(_, table)) = settings.last_mut() {
                *table = super::string(data);
            }
        }
        tag::CLOCK => settings.extend(value(data).map(RawSetting::Clock)),
        tag::NTP => settings.extend(value(data).map(RawSetting::Ntp)),
        _ => {} // a newer sender's
    }
}
