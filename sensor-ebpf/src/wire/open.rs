//! open, openat, openat2, creat: how the file was opened.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// How a file was opened, from the kernel's `struct open_flags` where a hook sees it. 24 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenHow {
    pub flags: u64,
    pub mode: u64,
    pub resolve: u64,
}

const _: () = assert!(size_of::<OpenHow>() == 24);
