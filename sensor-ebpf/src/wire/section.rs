//! What stands before each section that follows a record's fixed part.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Before each section's bytes. 8 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Section {
    pub tag: u16,
    /// [`flag`] bits that hold for this section.
    pub flags: u16,
    /// Bytes that follow, without the padding to 8.
    pub len: u32,
}

/// `Section::tag`. A reader skips what it does not know.
pub mod tag {
    /// The path as the caller gave it, with its NUL. Belongs to the item before it.
    pub const NAME: u16 = 1;
    /// Path components from the leaf to the root, each with its NUL. Belongs to the item before it.
    pub const PATH: u16 = 2;
    /// Working directory, like PATH.
    pub const CWD: u16 = 3;
    /// `mm->exe_file`, like PATH.
    pub const EXE: u16 = 4;
    /// [`super::ItemFacts`]: a path that the call used; NAME and PATH of it may follow.
    pub const ITEM: u16 = 5;
    /// First bytes of the command line.
    pub const PROCTITLE: u16 = 6;
    /// First part of the arguments, each with its NUL.
    pub const ARGV: u16 = 7;
    /// [`super::ExecFacts`].
    pub const EXEC: u16 = 8;
    /// [`super::TimeFacts`].
    pub const TIMES: u16 = 9;
    /// `module.name`, with its NUL.
    pub const MODULE_NAME: u16 = 10;
    /// `bprm->interp`, with its NUL.
    pub const INTERP: u16 = 11;
    /// [`super::OpenHow`].
    pub const OPEN_HOW: u16 = 12;
    /// `bprm->filename`, with its NUL.
    pub const FILENAME: u16 = 13;
    /// The directory behind the descriptor that a relative name starts from, like PATH.
    pub const BASE: u16 = 14;
    /// The security context that AppArmor gives the caller's credentials, with its NUL.
    pub const SUBJ: u16 = 15;
    /// The call's second path as the caller gave it, with its NUL.
    pub const SECOND_NAME: u16 = 16;
    /// The socket address that the kernel took from the caller or gave to it.
    pub const SOCKADDR: u16 = 17;
    /// [`super::TargetFacts`]: a process that the call is about.
    pub const TARGET: u16 = 18;
    /// The security context of the TARGET before it, with its NUL.
    pub const TARGET_SUBJ: u16 = 19;
    /// [`super::CapFacts`] when the call began.
    pub const OLD_CAPS: u16 = 20;
    /// [`super::CapFacts`] now.
    pub const CAPS: u16 = 21;
    /// Two descriptors, an `i32` each.
    pub const FD_PAIR: u16 = 22;
    /// `bpf_prog_aux.id`, a `u32`.
    pub const BPF_PROG: u16 = 23;
    /// [`super::LoginFacts`]
    pub const LOGIN: u16 = 24;
    /// `AUDIT_ANOM_*`, a `u32`: the call was refused for it.
    pub const ANOMALY: u16 = 25;
    /// The operation of the ANOMALY before it, with its NUL.
    pub const ANOMALY_OPERATION: u16 = 26;
    /// The arguments of socketcall, of the width of the caller's words.
    pub const SOCKETCALL: u16 = 27;
    /// The same as BASE for the call's second path.
    pub const SECOND_BASE: u16 = 28;
    /// [`super::TakenName`] of the item before it.
    pub const TAKEN_NAME: u16 = 29;
    /// [`super::OperationFacts`]: an operation of io_uring that ended inside io_uring_enter.
    pub const OPERATION: u16 = 30;
    /// `fdtable.open_fds`, as far as it is of use: the first [`crate::config::OPEN_FDS`] bytes of it.
    pub const OPEN_FDS: u16 = 31;
    /// [`super::NetfilterFacts`]
    pub const NETFILTER: u16 = 40;
    /// The name of the table of the NETFILTER before it, with its NUL.
    pub const NETFILTER_TABLE: u16 = 41;
    /// [`super::ClockOffset`]
    pub const CLOCK_OFFSET: u16 = 42;
    /// [`super::NtpValues`]
    pub const NTP_VALUES: u16 = 43;
    /// [`super::ClockOffset`] that the thread's audit context has at the NTP_VALUES before it.
    pub const KEPT_CLOCK_OFFSET: u16 = 44;
    /// CLOCK_OFFSET, of a kernel that writes it when the call ends.
    pub const CLOCK_OFFSET_AT_END: u16 = 45;
}

/// Flags of a section or of a whole event.
pub mod flag {
    /// Read from user memory, which the caller may have changed since.
    pub const FROM_USER: u16 = 1;
    /// More bytes or components than fit.
    pub const TRUNCATED: u16 = 2;
    /// The dentry is unhashed: `d_path` would append ` (deleted)`.
    pub const DELETED: u16 = 4;
    /// The walk ended at a root that is not the task's (memfd, detached mount).
    pub const DETACHED: u16 = 8;
    /// A read of kernel memory failed: some facts are zero.
    pub const READ_FAILED: u16 = 16;
    /// The caller's paths do not start at the sensor's root (a chroot, another mount namespace).
    pub const OTHER_ROOT: u16 = 32;
}

const _: () = assert!(size_of::<Section>() == 8);
