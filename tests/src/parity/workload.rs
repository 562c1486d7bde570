//! What both daemons watch: each call of the four families, in success and in each common failure.
//! Nothing is checked here; the logs are compared.

use std::{
    ffi::CString,
    fs::{self, File},
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            fs::{PermissionsExt as _, symlink},
        },
    },
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::Result;
use libc::{AT_FDCWD, c_char, c_long};

mod execs;
mod modules;
mod times;

/// Somebody without privileges.
const NOBODY: u32 = 1234;

/// Runs everything in a directory, which becomes the working directory.
pub(crate) fn run(dir: &Path) -> ExitCode {
    let done = std::env::set_current_dir(dir)
        .map_err(anyhow::Error::from)
        .and_then(|()| prepare(dir))
        .and_then(|()| opens(dir))
        .and_then(|()| times::times())
        .and_then(|()| execs::execs(dir))
        .and_then(|()| modules::modules(dir));
    open(super::END, 0, 0);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn c(path: impl AsRef<Path>) -> CString {
    CString::new(path.as_ref().as_os_str().as_bytes()).unwrap_or_default()
}

/// openat(2) from the working directory; closes what it opened.
fn open(path: impl AsRef<Path>, flags: i32, mode: u32) -> c_long {
    openat(AT_FDCWD, path, flags, mode)
}

fn openat(dirfd: i32, path: impl AsRef<Path>, flags: i32, mode: u32) -> c_long {
    let path = c(path);
    // SAFETY: the path is NUL-terminated and outlives the call.
    closed(unsafe { libc::syscall(libc::SYS_openat, dirfd, path.as_ptr(), flags, mode) })
}

fn closed(fd: c_long) -> c_long {
    if let Ok(fd @ 0..) = i32::try_from(fd) {
        // SAFETY: a descriptor that a call just gave, and nobody else has.
        unsafe { libc::close(fd) };
    }
    fd
}

/// Files with known contents, made before anything is compared... and compared, too.
fn prepare(dir: &Path) -> Result<()> {
    fs::create_dir_all("sub/deeper")?;
    fs::write("file", "content")?;
    fs::write("sub/file", "content")?;
    fs::write("secret", "content")?;
    fs::set_permissions("secret", fs::Permissions::from_mode(0o600))?;
    symlink("file", "link")?;
    symlink("nowhere", "dangling")?;
    symlink(dir.join("sub"), "dirlink")?;
    // Others may come in: a temporary directory is its maker's alone.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    let above = dir.parent().unwrap_or(dir);
    fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn opens(dir: &Path) -> Result<()> {
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

/// In a child that gave up its privileges.
fn as_nobody(act: impl FnOnce() -> c_long) {
    // SAFETY: this process has one thread; the child only makes system calls and ends.
    unsafe {
        match libc::fork() {
            0 => {
                libc::setresgid(NOBODY, NOBODY, NOBODY);
                libc::setresuid(NOBODY, NOBODY, NOBODY);
                act();
                libc::_exit(0);
            }
            pid => libc::waitpid(pid, std::ptr::null_mut(), 0),
        };
    }
}

/// Runs a program to its end; that it can't be started is what some want.
fn start(command: &mut Command) {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    drop(quiet.status());
}
