//! What io_uring does for a program: operations, and the names that are taken in one task and looked up
//! in another.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The kernel's copy of a name that belongs to an operation. 24 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TakenName {
    /// Address of its `struct filename`: the same name has the same one as long as an operation needs it.
    pub address: u64,
    /// Of an open: where a relative name starts.
    pub dirfd: i32,
    /// Of an open: `open_flags.open_flag`.
    pub flags: u32,
    /// Of an open: `open_flags.mode`.
    pub mode: u32,
    pub reserved: u32,
}

/// An operation that ended. 40 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OperationFacts {
    /// `IORING_OP_*` of include/uapi/linux/io_uring.h.
    pub op: u32,
    /// What its function returned: 0, or a negated errno of the kernel's own.
    pub ret: i32,
    /// As in [`super::Task::cred`]: a ring may have other credentials than its user.
    pub cred: [u32; 8],
}

/// `Syscall::args[FLAGS]` of a record of kind URING.
pub const FLAGS: usize = 5;
/// The ring's own thread took the entry (IORING_SETUP_SQPOLL), names included.
pub const BY_RING: u64 = 1;

const _: () = {
    assert!(size_of::<TakenName>() == 24);
    assert!(size_of::<OperationFacts>() == 40);
};
