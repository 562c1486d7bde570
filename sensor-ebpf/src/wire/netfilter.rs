//! Facts of packet filters that a call changed.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `__audit_log_nfcfg`: a table changed. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NetfilterFacts {
    /// `NFPROTO_*`
    pub family: u32,
    pub entries: u32,
    /// `enum audit_nfcfgop`
    pub op: u32,
    pub reserved: u32,
}

const _: () = assert!(size_of::<NetfilterFacts>() == 16);
