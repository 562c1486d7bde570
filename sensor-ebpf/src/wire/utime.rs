//! utimensat, utimes, futimesat, utime: the times of an inode around the change.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A time. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stamp {
    pub sec: i64,
    pub nsec: u32,
    pub reserved: u32,
}

/// Times of an inode around a change. 136 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TimeFacts {
    pub old_atime: Stamp,
    pub old_mtime: Stamp,
    pub old_ctime: Stamp,
    pub new_atime: Stamp,
    pub new_mtime: Stamp,
    pub new_ctime: Stamp,
    /// What the caller asked for, `tv_nsec` possibly UTIME_NOW or UTIME_OMIT.
    pub asked_atime: Stamp,
    pub asked_mtime: Stamp,
    /// [`TimeFacts::OLD`] and friends: which of the above are valid.
    pub valid: u32,
    pub reserved: u32,
}

impl TimeFacts {
    pub const OLD: u32 = 1;
    pub const NEW: u32 = 2;
    pub const ASKED: u32 = 4;
}

const _: () = {
    assert!(size_of::<Stamp>() == 16);
    assert!(size_of::<TimeFacts>() == 136);
};
