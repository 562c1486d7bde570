//! Facts of the machine's settings that a call changed: packet filters, the clock.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `__audit_log_nfcfg`: a packet filter's table changed. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FilterFacts {
    /// `NFPROTO_*`
    pub family: u32,
    pub entries: u32,
    /// `enum audit_nfcfgop`
    pub op: u32,
    pub reserved: u32,
}

/// `__audit_tk_injoffset`: how far the clock is set. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClockFacts {
    pub sec: i64,
    pub nsec: i64,
}

/// `struct audit_ntp_data`: of offset, freq, status, tai, tick and adjust the old and the new value.
/// 96 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NtpFacts {
    pub values: [[i64; 2]; 6],
}

const _: () = {
    assert!(size_of::<FilterFacts>() == 16);
    assert!(size_of::<ClockFacts>() == 16);
    assert!(size_of::<NtpFacts>() == 96);
};
