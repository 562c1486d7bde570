//! The one type in the middle: what one system call (or one process start or end) was, as the
//! kernel saw it. The audit records, the JSON and the fields that rules test are views of it.

mod clock;
mod netfilter;
mod uring;

use bytes::Bytes;

pub use self::{
    clock::{ClockChange, ntp_name},
    netfilter::NetfilterChange,
    uring::{Operation, Uring},
};

/// One thing that happened. Strings are bytes: Linux paths and arguments need not be UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Wall clock at system call entry, nanoseconds since the epoch.
    pub time_ns: u64,
    /// Number of this event in this sensor's log, as in `audit(SEC.mmm:SERIAL)`.
    pub serial: u32,
    /// The system call; `None` for what no call made: a message of user space, an io_uring operation.
    pub call: Option<Syscall>,
    /// Who did it; credentials, `comm` and `exe` as at system call exit, like auditd's.
    pub who: Process,
    /// Working directory of the caller. `None`: the call named no path (auditd then writes no CWD).
    pub cwd: Option<Bytes>,
    /// The paths the call used, in auditd's order of PATH items.
    pub paths: Vec<PathItem>,
    /// First 128 bytes of the caller's command line as it is in memory now, NUL-separated.
    pub proctitle: Bytes,
    /// Keys of the audit rule that wanted this event, joined by 0x01 when there are several.
    pub key: Option<Bytes>,
    /// What is particular to the family of system calls.
    pub what: What,
    /// Further records, in auditd's order.
    pub aux: Vec<Aux>,
    /// What is known to be incomplete or weaker than a kernel object (see [`Caveats`]).
    pub caveats: Caveats,
}

impl Event {
    /// As audit's `success=`; what no call made did not fail.
    #[must_use]
    pub fn success(&self) -> bool {
        self.call.is_none_or(|call| call.success())
    }

    /// Files that operations of io_uring opened.
    pub fn opened(&self) -> impl DoubleEndedIterator<Item = (&Open, &PathItem)> {
        self.aux.iter().filter_map(|aux| match aux {
            Aux::Opened(opened) => Some((&opened.0, &opened.1)),
            _ => None,
        })
    }
}

/// A system call's registers and result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// `AUDIT_ARCH_*` of include/uapi/linux/audit.h, e.g. 0xc000003e for x86-64.
    pub arch: u32,
    /// Number in that architecture's table.
    pub nr: u32,
    /// First four argument registers at entry.
    pub args: [u64; 4],
    /// Return value; −4095..−1 is a negated errno.
    pub exit: i64,
    /// `task_struct.personality`; auditd prints `per=` when it is not 0.
    pub personality: u32,
}

impl Syscall {
    /// As audit's `success=`: the result is not a negated errno.
    #[must_use]
    pub fn success(&self) -> bool {
        !(-4095..0).contains(&self.exit)
    }
}

/// Who: process, credentials (initial user namespace) and session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Thread group id of the real parent.
    pub ppid: u32,
    /// Login uid; `u32::MAX` is unset.
    pub auid: u32,
    /// Audit session; `u32::MAX` is unset.
    pub ses: u32,
    /// Real, effective, saved and file-system user ids.
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub fsuid: u32,
    /// Real, effective, saved and file-system group ids.
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub fsgid: u32,
    /// Controlling terminal as audit prints it (`pts0`); `None` is `(none)`.
    pub tty: Option<Bytes>,
    /// The calling thread's `comm`, at most 15 bytes.
    pub comm: Bytes,
    /// Path of `mm->exe_file`, with ` (deleted)` when it is; `None` for a kernel thread.
    pub exe: Option<Bytes>,
    /// Security context as audit prints it; `None` where no security module gives one.
    pub subj: Option<Bytes>,
    /// Boot-time clock at process start, nanoseconds: with `pid` it names a process for ever.
    pub start_ns: u64,
}

/// One PATH record's worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathItem {
    /// As audit prints it: what the caller passed, or the directory part for a PARENT.
    /// `None` is `(null)`.
    pub name: Option<Bytes>,
    /// Absolute path from the task's root, walked from the dentry by the kernel side.
    pub resolved: Option<Bytes>,
    /// The inode, if one was bound.
    pub file: Option<FileFacts>,
    pub nametype: NameType,
    /// Security context of the inode as audit prints it; `None` where no security module gives one.
    pub obj: Option<Bytes>,
    /// The file's capabilities.
    pub caps: FileCaps,
    /// auditd counts the item and writes no record of it (the directory of a message queue).
    pub hidden: bool,
}

/// Capabilities of a file: `security.capability` (include/uapi/linux/capability.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileCaps {
    /// None: all fields are 0.
    #[default]
    Absent,
    /// Not looked for, because the look-up was told not to follow a mount (umount): all are `?`.
    Unread,
    Present {
        permitted: u64,
        inheritable: u64,
        effective: bool,
        /// VFS_CAP_REVISION without its shift.
        version: u32,
        rootid: u32,
    },
}

/// audit's `nametype=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameType {
    #[default]
    Unknown,
    Normal,
    Parent,
    Create,
    Delete,
}

/// What an inode said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    pub ino: u64,
    /// Superblock's device, kernel-internal encoding: major = dev >> 20, minor = dev & 0xfffff.
    pub dev: u32,
    /// Device number of a device node, same encoding.
    pub rdev: u32,
    /// Full `st_mode`.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub nlink: u32,
}

impl FileFacts {
    /// Whether it is a symbolic link.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFLNK
    }
}

/// What is particular to a family.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Exec(Exec),
    Module(Module),
    Open(Open),
    Utime(Utime),
    /// Any other call: what it did is in the paths and in [`Event::aux`].
    Other,
    /// A message that a program sent over NETLINK_AUDIT.
    Message(Message),
    /// An operation that io_uring did for a program.
    Uring(Uring),
}

/// A user-space audit message: USER_LOGIN, ADD_USER … Who sent it is in [`Event::who`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// AUDIT_FIRST_USER_MSG … of include/uapi/linux/audit.h.
    pub kind: u16,
    /// What the sender says, e.g. `op=login acct="root" …`: its claim, not the kernel's.
    pub text: Bytes,
}

/// A record beside the call's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aux {
    /// SOCKADDR: the address that the kernel took or gave.
    Sockaddr(Bytes),
    /// FD_PAIR
    FdPair(i32, i32),
    /// MMAP
    Mmap { fd: i32, flags: u32 },
    /// OBJ_PID: another process that the call was about.
    ObjPid(Target),
    /// KERN_MODULE of delete_module, by the name that the caller gave.
    KernModule(Bytes),
    /// CAPSET
    Capset { pid: u32, caps: Capabilities },
    /// BPRM_FCAPS: an exec that a file's capabilities gave more than its caller had.
    BprmFcaps {
        file: FileCaps,
        old: Capabilities,
        new: Capabilities,
    },
    /// BPF
    Bpf { prog_id: u32, unload: bool },
    /// LOGIN: a login uid is set.
    Login {
        old_auid: u32,
        auid: u32,
        old_ses: u32,
        ses: u32,
        success: bool,
    },
    /// ANOM_LINK, ANOM_CREAT: what a safety rule of the kernel's refused (fs.protected_hardlinks …).
    Anomaly { kind: u16, operation: Bytes },
    /// URINGOP of an operation that ended inside the call.
    Operation(Operation),
    /// No record: a file that an operation of io_uring opened, for the rules.
    Opened(Box<(Open, PathItem)>),
    /// NETFILTER_CFG.
    Netfilter(NetfilterChange),
    /// TIME_INJOFFSET, TIME_ADJNTPVAL.
    Clock {
        change: ClockChange,
        /// It stands before SYSCALL.
        first: bool,
    },
    /// SOCKETCALL: the arguments of a socketcall.
    Socketcall(Vec<u64>),
    /// A record that a log has and Auklet does not make itself: type and body as they stand there.
    Foreign {
        kind: Bytes,
        body: Bytes,
        /// It stood before SYSCALL.
        first: bool,
    },
}

impl Aux {
    /// Whether there is no record of it: audit had no reason to write one.
    #[must_use]
    pub fn is_unrecorded(&self) -> bool {
        match self {
            Self::Operation(operation) => !operation.recorded,
            Self::Opened(_) => true,
            _ => false,
        }
    }

    /// Whether the kernel logs it, and with it the call, whatever the rules say.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.comes_first() && !matches!(self, Self::Operation(_))
    }

    /// Whether auditd writes it before SYSCALL: what is logged while the call runs.
    #[must_use]
    pub fn comes_first(&self) -> bool {
        matches!(
            self,
            Self::Bpf { .. }
                | Self::Login { .. }
                | Self::Anomaly { .. }
                | Self::Operation(_)
                | Self::Netfilter(_)
                | Self::Clock { first: true, .. }
                | Self::Foreign { first: true, .. }
        )
    }
}

/// Who a call was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub pid: u32,
    pub auid: u32,
    pub uid: u32,
    pub ses: u32,
    pub comm: Bytes,
    pub subj: Option<Bytes>,
}

/// Capability sets of a process, a bit for each `CAP_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub inheritable: u64,
    pub permitted: u64,
    pub effective: u64,
    pub ambient: u64,
}

/// execve, execveat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// Arguments from the new image's memory (for a failed call: what the caller passed).
    pub argv: Vec<Bytes>,
    /// The script that the interpreter runs, absolute.
    pub script: Option<Bytes>,
    /// Bytes of arguments (with their NULs) that there were, also beyond the configured bound.
    pub argv_bytes: u64,
    /// The bound cut `argv` short, or a part was lost.
    pub truncated: bool,
    /// The interpreter of a script, as the `#!` line names it.
    pub interpreter: Option<Bytes>,
}

/// init_module, finit_module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// `module.name`, known once the kernel has read the image.
    pub name: Option<Bytes>,
    /// The kernel looked at the image and refused it before it had a name; audit says `?` then.
    pub unnamed: bool,
    /// `MODULE_INIT_*` flags of finit_module.
    pub flags: u32,
    /// The file behind finit_module's descriptor; `None` for init_module (from memory).
    pub file: Option<PathItem>,
}

/// open, openat, openat2, creat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// `O_*` flags.
    pub flags: u64,
    /// Mode asked for with O_CREAT or O_TMPFILE.
    pub mode: u64,
    /// `RESOLVE_*` of openat2.
    pub resolve: u64,
    /// This call made the file.
    pub created: bool,
    /// openat2 on a kernel whose audit records its `struct open_how`.
    pub how_recorded: bool,
}

/// utimensat, utimes, futimesat, utime. Times are (seconds, nanoseconds) since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utime {
    /// The file, also when the call names it by descriptor alone (auditd then writes no PATH).
    pub target: Option<PathItem>,
    /// Before the call.
    pub old: Option<Times>,
    /// After it.
    pub new: Option<Times>,
    /// The caller gave an explicit access / modification time (not "now", not "leave").
    pub set_atime: bool,
    pub set_mtime: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub atime: (i64, u32),
    pub mtime: (i64, u32),
    pub ctime: (i64, u32),
}

/// What a reader must know before trusting every byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caveats {
    /// `name` was read from user memory: the caller could have changed it between.
    pub name_from_user: bool,
    /// A path had more components, or a string more bytes, than the kernel side carries.
    pub truncated: bool,
    /// A file was looked up by the sensor after the fact, not taken from a kernel object.
    pub looked_up: bool,
    /// The caller's process entry was missing and was read from /proc.
    pub from_proc: bool,
    /// The caller's paths start at another root than the sensor's: a chroot, a container, or any mount
    /// namespace that an unprivileged user made. Its `/usr/bin/tar` need not be the host's.
    pub other_root: bool,
}
