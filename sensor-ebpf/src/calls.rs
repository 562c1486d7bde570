//! The system calls that the programs know: which family each belongs to and where its
//! arguments are.

use crate::wire::kind;

/// How a family's arguments are laid out.
pub mod shape {
    /// open(name, flags, mode)
    pub const OPEN: u16 = 1;
    /// openat(dirfd, name, flags, mode)
    pub const OPENAT: u16 = 2;
    /// openat2(dirfd, name, how, size)
    pub const OPENAT2: u16 = 3;
    /// creat(name, mode)
    pub const CREAT: u16 = 4;
    /// execve(name, argv, envp)
    pub const EXECVE: u16 = 5;
    /// execveat(dirfd, name, argv, envp, flags)
    pub const EXECVEAT: u16 = 6;
    /// init_module(image, len, params)
    pub const INIT_MODULE: u16 = 7;
    /// finit_module(fd, params, flags)
    pub const FINIT_MODULE: u16 = 8;
    /// utimensat(dirfd, name, timespec\[2\], flags)
    pub const UTIMENSAT: u16 = 9;
    /// futimesat(dirfd, name, timeval\[2\])
    pub const FUTIMESAT: u16 = 10;
    /// utimes(name, timeval\[2\])
    pub const UTIMES: u16 = 11;
    /// utime(name, utimbuf)
    pub const UTIME: u16 = 12;
}

/// A system call that a hook knows.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub name: &'static str,
    pub kind: u16,
    pub shape: u16,
}

const fn call(name: &'static str, kind: u16, shape: u16) -> Call {
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
pub const fn name_argument(shape: u16) -> Option<usize> {
    match shape {
        shape::OPEN | shape::CREAT | shape::EXECVE | shape::UTIMES | shape::UTIME => Some(0),
        shape::OPENAT | shape::OPENAT2 | shape::EXECVEAT | shape::UTIMENSAT | shape::FUTIMESAT => {
            Some(1)
        }
        _ => None,
    }
}

/// A value of the `WANTED_CALLS` map: kind in the low half, shape in the high half.
#[must_use]
pub const fn table_value(kind: u16, shape: u16) -> u32 {
    kind as u32 | (shape as u32) << 16
}
