//! Facts of the clock that a call set or steered.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `__audit_tk_injoffset`: how far the clock is set, in seconds and nanoseconds. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClockOffset {
    pub sec: i64,
    pub nsec: i64,
}

/// `struct audit_ntp_data`: of offset, freq, status, tai, tick and adjust the old and the new value.
/// 96 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NtpValues {
    pub values: [[i64; 2]; 6],
}

const _: () = {
    assert!(size_of::<ClockOffset>() == 16);
    assert!(size_of::<NtpValues>() == 96);
};
