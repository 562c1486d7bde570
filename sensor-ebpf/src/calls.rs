//! The system calls that the programs know: which family each belongs to and where its
//! arguments are.

use crate::wire::kind;

/// How a family's arguments are laid out.
pub mod shape {
    /// open(name, flags, mode)
    pub const OPEN: u32 = 1;
    /// openat(dirfd, name, flags, mode)
    pub const OPENAT: u32 = 2;
    /// openat2(dirfd, name, how, size)
    pub const OPENAT2: u32 = 3;
    /// creat(name, mode)
    pub const CREAT: u32 = 4;
    /// execve(name, argv, envp)
    pub const EXECVE: u32 = 5;
    /// execveat(dirfd, name, argv, envp, flags)
    pub const EXECVEAT: u32 = 6;
    /// init_module(image, len, params)
    pub const INIT_MODULE: u32 = 7;
    /// finit_module(fd, params, flags)
    pub const FINIT_MODULE: u32 = 8;
    /// utimensat(dirfd, name, timespec\[2\], flags)
    pub const UTIMENSAT: u32 = 9;
    /// futimesat(dirfd, name, timeval\[2\])
    pub const FUTIMESAT: u32 = 10;
    /// utimes(name, timeval\[2\])
    pub const UTIMES: u32 = 11;
    /// utime(name, utimbuf)
    pub const UTIME: u32 = 12;
}

/// A system call that a hook knows.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub name: &'static str,
    pub kind: u16,
    pub shape: u32,
}

const fn call(name: &'static str, kind: u16, shape: u32) -> Call {
    Call { name, kind, shape }
}

/// All of them, in the order in which `hooks/` handles the families.
pub const CALLS: &[Call] = &[
    call("execve", kind::EXEC, shape::EXECVE),
    call("execveat", kind::EXEC, shape::EXECVEAT),
    call("init_module", kind::MODULE, shape::INIT_MODULE),
    call("finit_module", kind::MODULE, shape::FINIT_MODULE),
    call("open", kind::OPEN, shape::OPEN),
    call("openat", kind::OPEN, shape::OPENAT),
    call("openat2", kind::OPEN, shape::OPENAT2),
    call("creat", kind::OPEN, shape::CREAT),
    call("utimensat", kind::UTIME, shape::UTIMENSAT),
    call("futimesat", kind::UTIME, shape::FUTIMESAT),
    call("utimes", kind::UTIME, shape::UTIMES),
    call("utime", kind::UTIME, shape::UTIME),
];

/// Which argument is the path; `None` for a call without one.
#[must_use]
pub const fn name_argument(shape: u32) -> Option<usize> {
    match shape {
        shape::OPEN | shape::CREAT | shape::EXECVE | shape::UTIMES | shape::UTIME => Some(0),
        shape::OPENAT | shape::OPENAT2 | shape::EXECVEAT | shape::UTIMENSAT | shape::FUTIMESAT => {
            Some(1)
        }
        _ => None,
    }
}

/// What the programs do for a call of kind OTHER, in its shape: bits for the places of its arguments.
/// Places count from 1; 0 is none.
pub mod other {
    /// First path.
    pub const NAME: u32 = 0;
    /// Second path.
    pub const SECOND: u32 = 3;
    /// A descriptor whose file audit records when the call begins: audit_file.
    pub const FILE: u32 = 6;
    /// Where the call puts two descriptors.
    pub const PAIR: u32 = 9;
    /// bpf: the program that PROG_LOAD gave.
    pub const BPF: u32 = 1 << 12;
    /// capset: the capabilities now.
    pub const CAPS: u32 = 1 << 13;

    /// The working directory is taken with the name, as the call changes it.
    pub const CWD_FIRST: u32 = 1 << 14;

    /// socketcall: its arguments are in memory.
    pub const ARGUMENTS: u32 = 1 << 15;

    /// A socket's address, where no hook sees the kernel's copy: an [`address`](super::address).
    pub const ADDRESS: u32 = 16;
    /// sendmmsg, recvmmsg: the message is one of many.
    pub const MANY: u32 = 1 << 19;

    /// io_uring_enter: operations end inside it, and it takes names for those that do not.
    pub const URING: u32 = 1 << 20;

    /// The place at a bit, 0 if none.
    #[must_use]
    pub const fn place(shape: u32, bit: u32) -> u32 {
        shape >> bit & 7
    }
}

/// Where a call has a socket's address (`other::ADDRESS`).
pub mod address {
    /// connect(fd, address, length)
    pub const TAKEN: u32 = 1;
    /// sendto(…, address, length)
    pub const TAKEN_LAST: u32 = 2;
    /// accept(fd, address, \*length)
    pub const GIVEN: u32 = 3;
    /// recvfrom(…, address, \*length)
    pub const GIVEN_LAST: u32 = 4;
    /// sendmsg(fd, message, …)
    pub const TAKEN_MESSAGE: u32 = 5;
    /// recvmsg(fd, message, …)
    pub const GIVEN_MESSAGE: u32 = 6;

    /// Whether the kernel gives it to the caller.
    #[must_use]
    pub const fn is_given(class: u32) -> bool {
        matches!(class, GIVEN | GIVEN_LAST | GIVEN_MESSAGE)
    }

    /// Of a socketcall, by its first argument (SYS_BIND … of linux/net.h); 0: none.
    #[must_use]
    pub const fn of_socketcall(call: u64) -> u32 {
        match call as u32 {
            2 | 3 => TAKEN,
            5..=7 | 18 => GIVEN,
            11 => TAKEN_LAST,
            12 => GIVEN_LAST,
            16 | 20 => TAKEN_MESSAGE,
            17 | 19 => GIVEN_MESSAGE,
            _ => 0,
        }
    }
}

const fn addressed(name: &'static str, class: u32) -> Call {
    call(name, kind::OTHER, class << other::ADDRESS)
}

/// A call of kind OTHER with paths.
const fn named(name: &'static str, first: u32, second: u32) -> Call {
    call(
        name,
        kind::OTHER,
        first << other::NAME | second << other::SECOND,
    )
}

const fn file(name: &'static str) -> Call {
    call(name, kind::OTHER, 1 << other::FILE)
}

/// What is known of calls beyond the four families; those that are not here have neither paths nor
/// more to tell. Names of both tables.
pub const OTHERS: &[Call] = &[
    named("rename", 1, 2),
    named("renameat", 2, 4),
    named("renameat2", 2, 4),
    named("link", 1, 2),
    named("linkat", 2, 4),
    named("symlink", 1, 2),
    named("symlinkat", 1, 3),
    named("unlink", 1, 0),
    named("unlinkat", 2, 0),
    named("rmdir", 1, 0),
    named("mkdir", 1, 0),
    named("mkdirat", 2, 0),
    named("mknod", 1, 0),
    named("mknodat", 2, 0),
    named("chmod", 1, 0),
    named("fchmodat", 2, 0),
    named("fchmodat2", 2, 0),
    named("chown", 1, 0),
    named("chown32", 1, 0),
    named("lchown", 1, 0),
    named("lchown32", 1, 0),
    named("fchownat", 2, 0),
    named("truncate", 1, 0),
    named("truncate64", 1, 0),
    named("setxattr", 1, 0),
    named("lsetxattr", 1, 0),
    named("getxattr", 1, 0),
    named("lgetxattr", 1, 0),
    named("listxattr", 1, 0),
    named("llistxattr", 1, 0),
    named("removexattr", 1, 0),
    named("lremovexattr", 1, 0),
    named("setxattrat", 2, 0),
    named("getxattrat", 2, 0),
    named("listxattrat", 2, 0),
    named("removexattrat", 2, 0),
    named("file_getattr", 2, 0),
    named("file_setattr", 2, 0),
    named("access", 1, 0),
    named("faccessat", 2, 0),
    named("faccessat2", 2, 0),
    named("stat", 1, 0),
    named("lstat", 1, 0),
    named("stat64", 1, 0),
    named("lstat64", 1, 0),
    named("oldstat", 1, 0),
    named("oldlstat", 1, 0),
    named("newfstatat", 2, 0),
    named("fstatat64", 2, 0),
    named("statx", 2, 0),
    named("statfs", 1, 0),
    named("statfs64", 1, 0),
    named("readlink", 1, 0),
    named("readlinkat", 2, 0),
    call("chdir", kind::OTHER, 1 << other::NAME | other::CWD_FIRST),
    named("chroot", 1, 0),
    named("name_to_handle_at", 2, 0),
    named("inotify_add_watch", 2, 0),
    named("fanotify_mark", 5, 0),
    named("acct", 1, 0),
    named("swapon", 1, 0),
    named("swapoff", 1, 0),
    named("uselib", 1, 0),
    named("mount", 2, 0),
    named("umount", 1, 0),
    named("umount2", 1, 0),
    call(
        "pivot_root",
        kind::OTHER,
        1 << other::NAME | 2 << other::SECOND | other::CWD_FIRST,
    ),
    named("quotactl", 2, 0),
    named("open_tree", 2, 0),
    named("move_mount", 2, 4),
    named("mount_setattr", 2, 0),
    named("fspick", 2, 0),
    named("delete_module", 1, 0),
    file("fchmod"),
    file("fchown"),
    file("fchown32"),
    file("fsetxattr"),
    file("fgetxattr"),
    file("flistxattr"),
    file("fremovexattr"),
    call("pipe", kind::OTHER, 1 << other::PAIR),
    call("pipe2", kind::OTHER, 1 << other::PAIR),
    call("socketpair", kind::OTHER, 4 << other::PAIR),
    call("socketcall", kind::OTHER, other::ARGUMENTS),
    addressed("bind", address::TAKEN),
    addressed("connect", address::TAKEN),
    addressed("sendto", address::TAKEN_LAST),
    addressed("accept", address::GIVEN),
    addressed("accept4", address::GIVEN),
    addressed("getsockname", address::GIVEN),
    addressed("getpeername", address::GIVEN),
    addressed("recvfrom", address::GIVEN_LAST),
    addressed("sendmsg", address::TAKEN_MESSAGE),
    addressed("recvmsg", address::GIVEN_MESSAGE),
    call(
        "sendmmsg",
        kind::OTHER,
        address::TAKEN_MESSAGE << other::ADDRESS | other::MANY,
    ),
    call(
        "recvmmsg",
        kind::OTHER,
        address::GIVEN_MESSAGE << other::ADDRESS | other::MANY,
    ),
    call("io_uring_enter", kind::OTHER, other::URING),
    call("bpf", kind::OTHER, other::BPF),
    call("capset", kind::OTHER, other::CAPS),
];

/// A value of the `WANTED_CALLS` map: kind in the lowest byte, shape above.
#[must_use]
pub const fn table_value(kind: u16, shape: u32) -> u32 {
    kind as u32 | shape << 8
}

/// Kind and shape of such a value.
#[must_use]
pub const fn of_table(value: u32) -> (u16, u32) {
    (value as u16 & 0xff, value >> 8)
}
