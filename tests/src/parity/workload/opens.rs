//! open, openat, openat2, creat.

use std::{
    fs::File,
    os::{fd::AsRawFd as _, unix::ffi::OsStrExt as _},
    path::Path,
    process::Command,
};

use anyhow::Result;
use libc::{AT_FDCWD, c_char};

use super::{as_nobody, c, closed, open, openat};

pub(super) fn opens(dir: &Path) -> Result<()> {
    use libc::{
        O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC,
        O_WRONLY,
    };

    let long = "n".repeat(255);
    for (path, flags) in [
        ("file", O_RDONLY),
        ("file", O_WRONLY | O_TRUNC),
        ("file", O_PATH),
        ("sub", O_DIRECTORY),
        ("sub/../file", O_RDONLY),
        (".//sub///file", O_RDONLY),
        ("link", O_RDONLY),
        ("dirlink/file", O_RDWR),
        ("new", O_WRONLY | O_CREAT | O_EXCL),
        ("sub/new", O_RDWR | O_CREAT),
        (&long, O_RDWR | O_CREAT),
        ("with space", O_RDWR | O_CREAT),
        ("with\nnewline", O_RDWR | O_CREAT),
        ("with\"quote", O_RDWR | O_CREAT),
        (".", O_TMPFILE | O_RDWR),
        ("/dev/null", O_RDWR),
        ("/proc/self/status", O_RDONLY),
        // Failures.
        ("missing", O_RDONLY),
        ("missing/file", O_RDONLY),
        ("missing/new", O_WRONLY | O_CREAT),
        ("file/below", O_RDONLY),
        ("file", O_DIRECTORY),
        ("sub", O_WRONLY),
        ("link", O_NOFOLLOW),
        ("", O_RDONLY),
        ("file", O_CREAT | O_EXCL | O_WRONLY),
    ] {
        open(path, flags, 0o644);
    }
    open("file", O_CREAT | O_WRONLY, 0o600);
    // The first time, the name is not in the kernel's cache.
    open("/proc/self/oom_score_adj", O_CREAT | O_WRONLY, 0o600);
    open("/proc/self/oom_score_adj", O_CREAT | O_WRONLY, 0o600);
    open(
        std::ffi::OsStr::from_bytes(b"\xff\xfe"),
        O_RDWR | O_CREAT,
        0o640,
    );
    open(dir.join("absolute"), O_RDWR | O_CREAT, 0o640);
    open("m".repeat(256), O_RDONLY, 0);
    open("m".repeat(256), O_RDWR | O_CREAT, 0o600);
    for directory in ["sub/", "sub//", "sub/deeper/", "./", "file/"] {
        open(directory, O_RDWR | O_CREAT, 0o600);
    }
    open("p/".repeat(2500), O_RDONLY, 0);
    open_by_descriptor()?;
    other_calls();
    as_nobody(|| open("secret", O_RDONLY, 0));
    as_nobody(|| open("theirs", O_CREAT | O_WRONLY, 0o600));
    for (program, file) in [("chroot", "/file"), ("open", "file")] {
        let mut child = Command::new(crate::parity::driver());
        child.args(["act", program]);
        if program == "chroot" {
            child.arg(dir);
        }
        child.arg(file).status()?;
    }
    Ok(())
}

fn open_by_descriptor() -> Result<()> {
    let sub = File::open("sub")?;
    openat(sub.as_raw_fd(), "file", libc::O_RDONLY, 0);
    openat(sub.as_raw_fd(), "made", libc::O_CREAT | libc::O_RDWR, 0o600);
    openat(sub.as_raw_fd(), "missing", libc::O_RDONLY, 0);
    openat(9999, "file", libc::O_RDONLY, 0);
    openat(9999, "/dev/null", libc::O_RDONLY, 0);
    Ok(())
}

/// open, creat, openat2, and a name that is no address.
fn other_calls() {
    let (file, made) = (c("file"), c("created"));
    let how = |flags: i32, resolve: u64| [u64::from(flags.cast_unsigned()), 0, resolve];
    let hows = [
        how(0, 0),
        how(libc::O_CLOEXEC, 8),
        how(libc::O_PATH, 1 << 40),
    ];
    // SAFETY: every path is NUL-terminated, each `how` is an open_how of the size given; all outlive
    // their calls. The null name is refused by the kernel.
    unsafe {
        closed(libc::syscall(
            libc::SYS_open,
            file.as_ptr(),
            libc::O_RDWR,
            0,
        ));
        closed(libc::syscall(libc::SYS_creat, made.as_ptr(), 0o604));
        for how in &hows {
            let at = (AT_FDCWD, file.as_ptr(), how.as_ptr(), size_of_val(how));
            closed(libc::syscall(libc::SYS_openat2, at.0, at.1, at.2, at.3));
        }
        libc::syscall(libc::SYS_openat, AT_FDCWD, std::ptr::null::<c_char>(), 0, 0);
    }
}
