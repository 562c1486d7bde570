//! Names of io_uring operations: `enum io_uring_op` of include/uapi/linux/io_uring.h, by number.

const OPS: &[&str] = &[
    "nop",
    "readv",
    "writev",
    "fsync",
    "read_fixed",
    "write_fixed",
    "poll_add",
    "poll_remove",
    "sync_file_range",
    "sendmsg",
    "recvmsg",
    "timeout",
    "timeout_remove",
    "accept",
    "async_cancel",
    "link_timeout",
    "connect",
    "fallocate",
    "openat",
    "close",
    "files_update",
    "statx",
    "read",
    "write",
    "fadvise",
    "madvise",
    "send",
    "recv",
    "openat2",
    "epoll_ctl",
    "splice",
    "provide_buffers",
    "remove_buffers",
    "tee",
    "shutdown",
    "renameat",
    "unlinkat",
    "mkdirat",
    "symlinkat",
    "linkat",
    "msg_ring",
    "fsetxattr",
    "setxattr",
    "fgetxattr",
    "getxattr",
    "socket",
    "uring_cmd",
    "send_zc",
    "sendmsg_zc",
    "read_multishot",
    "waitid",
    "futex_wait",
    "futex_wake",
    "futex_waitv",
    "fixed_fd_install",
    "ftruncate",
    "bind",
    "listen",
    "recv_zc",
    "epoll_wait",
    "readv_fixed",
    "writev_fixed",
    "pipe",
];

/// Number of an operation.
pub(super) fn number(name: &[u8]) -> Option<u32> {
    let at = OPS.iter().position(|op| op.as_bytes() == name)?;
    u32::try_from(at).ok()
}

/// Name of an operation.
pub(super) fn name(op: u32) -> Option<&'static str> {
    OPS.get(op as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_headers() {
        for (name, nr) in [
            ("sendmsg", 9),
            ("openat", 18),
            ("openat2", 28),
            ("uring_cmd", 46),
            ("ftruncate", 55),
        ] {
            assert_eq!(number(name.as_bytes()), Some(nr), "{name}");
        }
        assert_eq!(number(b"nope"), None);
        assert_eq!(name(18), Some("openat"));
    }
}
