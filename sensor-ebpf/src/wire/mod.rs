//! The wire format: one ring buffer record is a [`Header`], [`Task`] and (for system calls) a
//! [`Syscall`], then sections `{tag, flags, len, bytes padded to 8}` until the record ends.
//!
//! Integers are the machine's own; nothing is a pointer, a `bool` or an enum, so that any bytes
//! are a valid value and the decoder needs no unsafe code.

mod clock;
mod exec;
pub mod item;
mod netfilter;
mod open;
mod other;
mod section;
pub mod uring;
mod utime;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use self::{
    clock::{ClockOffset, NtpValues},
    exec::{ArgvPart, ExecFacts},
    item::ItemFacts,
    netfilter::NetfilterFacts,
    open::OpenHow,
    other::{CapFacts, FileCapFacts, LoginFacts, MessageFacts, TargetFacts},
    section::{Section, flag, tag},
    uring::{OperationFacts, TakenName},
    utime::{Stamp, TimeFacts},
};

/// Raised whenever a layout changes; a reader refuses any other.
pub const VERSION: u16 = 1;

/// `Header::kind`: the family an event belongs to. Numbers are never used again.
pub mod kind {
    /// execve, execveat.
    pub const EXEC: u16 = 1;
    /// init_module, finit_module.
    pub const MODULE: u16 = 2;
    /// open, openat, openat2, creat.
    pub const OPEN: u16 = 3;
    /// utimensat, utimes, futimesat, utime.
    pub const UTIME: u16 = 4;
    /// A new process (not a thread): `sched_process_fork`.
    pub const FORK: u16 = 5;
    /// A process's last thread ended: `sched_process_exit`.
    pub const EXIT: u16 = 6;
    /// A part of a long argument list, sent before its EXEC: [`super::ArgvPart`].
    pub const ARGV: u16 = 7;
    /// Any other system call.
    pub const OTHER: u16 = 8;
    /// A message of user space over NETLINK_AUDIT: [`super::MessageFacts`].
    pub const MESSAGE: u16 = 9;
    /// The capabilities of a file changed: [`super::FileCapFacts`].
    pub const FILE_CAPS: u16 = 10;
    /// An operation of io_uring that no call under way has in its record: `Syscall::nr` is its number,
    /// `Syscall::arch` is 0.
    pub const URING: u16 = 11;
    /// One more than the greatest kind.
    pub const COUNT: u16 = 12;
}

/// Starts every record. 32 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Bytes of the whole record.
    pub len: u32,
    pub kind: u16,
    pub version: u16,
    pub cpu: u32,
    /// [`flag`] bits that hold for the whole event.
    pub flags: u32,
    /// Counts this CPU's records, lost ones included.
    pub seq: u64,
    /// `CLOCK_MONOTONIC` at system call entry (or at the tracepoint), nanoseconds.
    pub ktime_ns: u64,
}

/// Who. 120 bytes; ids are those of the initial pid and user namespaces.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Task {
    pub pid: u32,
    pub tid: u32,
    pub ppid: u32,
    pub auid: u32,
    pub ses: u32,
    pub personality: u32,
    /// `struct cred`'s order: uid gid suid sgid euid egid fsuid fsgid.
    pub cred: [u32; 8],
    /// `CLOCK_BOOTTIME` when the process started, nanoseconds.
    pub start_ns: u64,
    /// Counts the process's execs: tells whether a cached `exe` is still the right one.
    pub exec_id: u64,
    pub comm: [u8; 16],
    /// Terminal's name without /dev, NUL-terminated; empty: none.
    pub tty: [u8; 32],
}

/// A system call. 64 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Syscall {
    pub nr: u32,
    /// `AUDIT_ARCH_*`.
    pub arch: u32,
    pub args: [u64; 6],
    pub ret: i64,
}

/// What each system call record starts with. 216 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Prefix {
    pub header: Header,
    pub task: Task,
    pub call: Syscall,
}

/// A FORK or EXIT record, whole. 152 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Lifecycle {
    pub header: Header,
    pub task: Task,
}

const _: () = {
    assert!(size_of::<Header>() == 32);
    assert!(size_of::<Task>() == 120);
    assert!(size_of::<Syscall>() == 64);
    assert!(size_of::<Prefix>() == 216);
    assert!(size_of::<Lifecycle>() == 152);
};
