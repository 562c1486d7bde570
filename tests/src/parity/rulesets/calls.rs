//! Calls that no program of the guest makes alone: `auklet-guest act call NAME`, in a directory that
//! `acts` made.

use std::{fs::File, os::fd::AsRawFd as _, process::ExitCode};

use libc::{AT_FDCWD, O_CREAT, O_NOATIME, O_RDWR, O_TRUNC, O_WRONLY};

use crate::{
    cases::dummy,
    parity::workload::{
        self, c,
        call::{BAD, NULL, call},
        closed,
    },
};

/// What tells that a log is whole.
pub(super) const END: &str = "end";

const CALLS: [(&str, fn()); 12] = [
    ("xattrs", xattrs),
    ("modes", modes),
    ("owners", owners),
    ("truncates", truncates),
    ("opens", opens),
    ("creates", creates),
    ("names", names),
    ("clocks", clocks),
    ("machine", machine),
    ("mounts", mounts),
    ("modules", modules),
    ("ids", ids),
];

/// What `act call` can do.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(name, _)| *name)
}

pub(crate) fn call(name: &str) -> ExitCode {
    let mut all = CALLS.iter().chain(&[(END, workload::end as fn())]);
    let found = all.find(|(known, _)| *known == name);
    found.map_or(ExitCode::FAILURE, |(_, run)| {
        run();
        ExitCode::SUCCESS
    })
}

/// Files of the directory: anybody's, root's alone, in a directory that only root may write.
const FILES: [&str; 4] = ["file", "secret", "closed/file", "missing"];

fn xattrs() {
    let (name, value) = (c("trusted.a"), c("value"));
    for file in FILES.map(c) {
        call!(SYS_setxattr, &file, &name, &value, 5, 0);
        call!(SYS_lsetxattr, &file, &c("user.a"), &value, 5, 0);
        call!(SYS_removexattr, &file, &name);
        call!(SYS_lremovexattr, &file, &name);
    }
    if let Ok(file) = File::open("file") {
        call!(SYS_fsetxattr, file.as_raw_fd(), &name, &value, 5, 0);
        call!(SYS_fremovexattr, file.as_raw_fd(), &name);
    }
}

fn modes() {
    for file in FILES.map(c) {
        call!(SYS_chmod, &file, 0o640);
        call!(SYS_fchmodat, AT_FDCWD, &file, 0o604);
    }
    call!(SYS_chmod, BAD, 0o640);
    call!(SYS_fchmod, 999, 0o640);
    if let Ok(file) = File::open("file") {
        call!(SYS_fchmod, file.as_raw_fd(), 0o666);
    }
}

fn owners() {
    for file in FILES.map(c) {
        call!(SYS_chown, &file, 1234, 1234);
        call!(SYS_lchown, &file, 0, 0);
        call!(SYS_fchownat, AT_FDCWD, &file, 1234, 0, 0);
    }
    if let Ok(file) = File::open("file") {
        call!(SYS_fchown, file.as_raw_fd(), 0, 0);
    }
}

fn truncates() {
    for file in FILES.map(c) {
        call!(SYS_truncate, &file, 1);
    }
    call!(SYS_ftruncate, 0, 1);
    if let Ok(file) = File::options().write(true).open("file") {
        call!(SYS_ftruncate, file.as_raw_fd(), 2);
    }
}

fn opens() {
    for file in FILES.map(c) {
        for flags in [0, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_NOATIME] {
            closed(call!(SYS_open, &file, flags, 0));
            closed(call!(SYS_openat, AT_FDCWD, &file, flags, 0));
            // struct open_how: flags, mode, resolve.
            let how = [u64::from(flags.cast_unsigned()), 0, 0];
            closed(call!(SYS_openat2, AT_FDCWD, &file, &how[..], 24));
        }
    }
    // struct file_handle: bytes, type, and a handle of nothing.
    let handle = [8_u32, 1, 0, 0];
    closed(call!(SYS_open_by_handle_at, AT_FDCWD, &handle[..], 0));
}

fn creates() {
    for file in ["made", "closed/made", "missing/made"].map(c) {
        closed(call!(SYS_creat, &file, 0o600));
        closed(call!(SYS_open, &file, O_CREAT | O_WRONLY, 0o600));
        closed(call!(SYS_openat, AT_FDCWD, &file, O_CREAT | O_TRUNC, 0o600));
        call!(SYS_mkdir, &file, 0o700);
        call!(SYS_mkdirat, AT_FDCWD, &file, 0o700);
        call!(SYS_link, &c("file"), &file);
        call!(SYS_symlink, &c("file"), &file);
        call!(SYS_mknod, &file, 0o600, 0);
        call!(SYS_unlink, &file);
    }
}

fn names() {
    for (from, to) in [
        ("file", "other"),
        ("closed/file", "closed/other"),
        ("missing", "other"),
    ] {
        let (from, to) = (c(from), c(to));
        call!(SYS_rename, &from, &to);
        call!(SYS_renameat, AT_FDCWD, &to, AT_FDCWD, &from);
        call!(SYS_renameat2, AT_FDCWD, &from, AT_FDCWD, &to, 0);
        call!(SYS_unlink, &to);
        call!(SYS_unlinkat, AT_FDCWD, &from, 0);
    }
    call!(SYS_rmdir, &c("closed"));
    call!(SYS_unlinkat, AT_FDCWD, &c("sub"), libc::AT_REMOVEDIR);
}

fn clocks() {
    // struct timex with modes 0: only a question.
    let mut timex = [0_u64; 32];
    call!(SYS_adjtimex, &mut timex[..]);
    call!(SYS_settimeofday, NULL, NULL);
    call!(SYS_clock_settime, libc::CLOCK_REALTIME, BAD);
    call!(SYS_clock_settime, libc::CLOCK_MONOTONIC, BAD);
}

fn machine() {
    call!(SYS_sethostname, &c("guest"), 5);
    call!(SYS_setdomainname, &c("(none)"), 6);
    call!(SYS_sethostname, BAD, 5);
}

fn mounts() {
    let (kind, place) = (c("tmpfs"), c("sub"));
    call!(SYS_mount, &kind, &place, &kind, 0, NULL);
    call!(SYS_umount2, &place, 0);
    call!(SYS_mount, &kind, &c("missing"), &kind, 0, NULL);
}

fn modules() {
    if let Some(file) = dummy().ok().and_then(|path| File::open(path).ok()) {
        call!(SYS_finit_module, file.as_raw_fd(), &c(""), 0);
    }
    call!(SYS_delete_module, &c("dummy"), 0);
    call!(SYS_init_module, &c("garbage"), 7, &c(""));
}

fn ids() {
    call!(SYS_setuid, 0);
    call!(SYS_setresuid, 0, 0, 0);
}
