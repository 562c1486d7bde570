//! The kernel's functions for io_uring: which operations audit is told of (those without `audit_skip` in
//! io_uring/opdef.c; before 6.0 fs/io_uring.c), each by the function that does it.

/// A kernel whose audit knows of operations has it: since 5.16.
pub(super) const AUDITED: &str = "__audit_uring_entry";

/// The programs of an operation's function: entry, return.
pub(super) const OPERATION: (Option<&str>, &str) = (Some("kprobe_uring"), "kretprobe_uring");

/// The program that sees what the ring's own thread tells audit before its first operation.
pub(super) const BEGINS: &str = "kprobe_audit_uring_entry";

/// Functions that tell audit of a file without a name, and their program.
pub(super) const BY_FILE: &[&str] = &["file_setxattr", "file_getxattr"];
pub(super) const FILE: &str = "kprobe_file_xattr";

/// The program that sees a name taken.
pub(super) const TAKEN: &str = "kretprobe_getname";

/// Open files; 5.10 has one function for both.
pub(super) const OPENS: &[&str] = &["io_openat", "io_openat2"];

/// All others, as far as a kernel has them.
pub(super) const OTHERS: &[&str] = &[
    "io_sendmsg",
    "io_recvmsg",
    "io_sendmsg_zc",
    "io_accept",
    "io_connect",
    "io_shutdown",
    "io_bind",
    "io_listen",
    "io_fallocate",
    "io_ftruncate",
    "io_close",
    "io_renameat",
    "io_unlinkat",
    "io_mkdirat",
    "io_symlinkat",
    "io_linkat",
    "io_fsetxattr",
    "io_setxattr",
    "io_fgetxattr",
    "io_getxattr",
    "io_msg_ring",
    "io_uring_cmd",
    "io_waitid",
    "io_futex_wait",
    "io_futex_wake",
    "io_futexv_wait",
    "io_install_fixed_fd",
];

/// Where names are taken, all of one row, as each may contain the other: since 7.0 when the operation is done,
/// before when it is submitted.
pub(super) const TAKES: &[&[&str]] = &[
    &["complete_getname"],
    &["getname_flags", "getname_uflags", "getname"],
];
