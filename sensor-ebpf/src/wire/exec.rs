//! execve, execveat: the argument list, of which long ones come in parts.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Header;

/// Sizes of an argument list. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ExecFacts {
    /// Bytes of the argument area, NULs included.
    pub argv_bytes: u64,
    /// Bytes of it that were sent (ARGV section and ARGV records).
    pub sent_bytes: u64,
}

/// Starts an ARGV record; `len` bytes follow. 48 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ArgvPart {
    pub header: Header,
    /// The thread that called execve (its new tid, as in the EXEC record).
    pub tid: u32,
    /// Valid bytes of this part; the record may be longer.
    pub len: u32,
    /// Where in the argument area this part starts.
    pub offset: u64,
}

const _: () = {
    assert!(size_of::<ExecFacts>() == 16);
    assert!(size_of::<ArgvPart>() == 48);
};
