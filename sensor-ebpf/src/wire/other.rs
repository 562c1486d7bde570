//! Facts of calls beyond the four families: other processes, capabilities, login uids, messages.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Header, Task};

/// A process that a call is about. 32 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TargetFacts {
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    pub auid: u32,
    pub uid: u32,
    pub ses: u32,
    pub comm: [u8; 16],
}

/// Capability sets of credentials, a bit for each `CAP_*`. 32 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CapFacts {
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub ambient: u64,
}

/// `audit_set_loginuid`: what was and what is now. 24 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LoginFacts {
    pub old_auid: u32,
    /// What was asked for.
    pub auid: u32,
    pub old_ses: u32,
    pub ses: u32,
    /// 0, or a negated errno.
    pub err: i32,
    pub reserved: u32,
}

/// A FILE_CAPS record, whole. 72 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FileCapFacts {
    pub header: Header,
    pub ino: u64,
    /// `super_block.s_dev`: major << 20 | minor.
    pub dev: u32,
    /// Bytes of `value`, 0 when the file has none any more.
    pub len: u32,
    /// `struct vfs_ns_cap_data` of include/uapi/linux/capability.h, as it lies in memory.
    pub value: [u64; 3],
}

/// Starts a MESSAGE record; [`crate::config::LABEL`] bytes with the sender's security context and its
/// NUL follow, then `len` bytes of text. 168 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MessageFacts {
    pub header: Header,
    pub task: Task,
    /// `AUDIT_USER_*`, `nlmsghdr.nlmsg_type`.
    pub kind: u32,
    /// Bytes of text.
    pub len: u32,
    pub reserved: [u32; 2],
}

const _: () = {
    assert!(size_of::<TargetFacts>() == 32);
    assert!(size_of::<CapFacts>() == 32);
    assert!(size_of::<LoginFacts>() == 24);
    assert!(size_of::<FileCapFacts>() == 72);
    assert!(size_of::<MessageFacts>() == 168);
};
