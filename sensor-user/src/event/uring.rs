//! Operations of io_uring, with and without a call around them.

use bytes::Bytes;

/// An io_uring operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uring {
    /// `IORING_OP_*` of include/uapi/linux/io_uring.h.
    pub op: u32,
    /// Result, −4095..−1 is a negated errno; `None`: not over yet.
    pub exit: Option<i64>,
}

/// An operation of io_uring that ended while its caller was inside io_uring_enter: a URINGOP in that call's
/// event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    pub uring: Uring,
    /// How many of the event's items there were by then.
    pub items: usize,
    /// With whose ids it was done, in the order of `struct cred`: uid gid suid sgid euid egid fsuid fsgid.
    pub cred: [u32; 8],
    /// audit had reason to record it when it ended.
    pub recorded: bool,
    pub key: Option<Bytes>,
}
