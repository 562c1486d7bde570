//! Random operations, by random users. Nothing is checked here; the records are compared.

use std::{
    ffi::CString,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use anyhow::Result;
use fastrand::Rng;
use libc::AT_FDCWD;

use super::END;

/// What the rules name.
pub(super) const CALLS: &[&str] = &[
    "openat",
    "open",
    "creat",
    "chmod",
    "fchmodat",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "rmdir",
    "link",
    "symlink",
    "truncate",
    "chown",
    "kill",
    "getppid",
];
const NAMES: &[&str] = &[
    "file",
    "sub",
    "sub/file",
    "made",
    "sub/made",
    "missing",
    "missing/file",
    "link",
    "locked/file",
    ".",
];
const NOBODY: u32 = 1234;

pub(super) fn prepare(work: &Path) -> Result<()> {
    fs::create_dir(work.join("sub"))?;
    fs::create_dir(work.join("locked"))?;
    for name in ["file", "sub/file", "locked/file"] {
        fs::write(work.join(name), "content")?;
    }
    symlink("file", work.join("link"))?;
    fs::set_permissions(work.join("locked"), fs::Permissions::from_mode(0o700))?;
    // The other users come in.
    for dir in [work, work.parent().unwrap_or(work)] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777))?;
    }
    Ok(())
}

/// `act soundness DIR SEED COUNT`
pub(crate) fn act(dir: &Path, seed: u64, count: u32) -> Result<()> {
    std::env::set_current_dir(dir)?;
    let mut rng = Rng::with_seed(seed);
    for _ in 0..count / 20 {
        by_somebody(&mut rng);
    }
    call(
        libc::SYS_openat,
        [AT_FDCWD as usize, c(END).as_ptr() as usize, 0, 0],
    );
    Ok(())
}

fn c(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}

/// Twenty operations of a process of its own.
fn by_somebody(rng: &mut Rng) {
    let (login, nobody, seed) = (rng.bool(), rng.bool(), rng.u64(..));
    // SAFETY: this process has one thread; the child makes system calls, and ends.
    unsafe {
        match libc::fork() {
            0 => {
                if login {
                    drop(fs::write("/proc/self/loginuid", "7777"));
                }
                if nobody {
                    libc::setresgid(NOBODY, NOBODY, NOBODY);
                    libc::setresuid(NOBODY, NOBODY, NOBODY);
                }
                let mut rng = Rng::with_seed(seed);
                for _ in 0..20 {
                    operation(&mut rng);
                }
                libc::_exit(0);
            }
            pid => libc::waitpid(pid, std::ptr::null_mut(), 0),
        };
    }
}

fn operation(rng: &mut Rng) {
    let (first, second) = (c(name(rng)), c(name(rng)));
    let [first, second] = [&first, &second].map(|name| name.as_ptr() as usize);
    let here = AT_FDCWD as usize;
    let flags = [0, 1, 2, 0o101, 0o301, 0o1001, 0o200_000];
    let flags = flags[rng.usize(..flags.len())];
    let mode = [0o600, 0o644, 0o700][rng.usize(..3)];
    match CALLS[rng.usize(..CALLS.len())] {
        "openat" => call(libc::SYS_openat, [here, first, flags, mode]),
        "open" => call(libc::SYS_open, [first, flags, mode, 0]),
        "creat" => call(libc::SYS_creat, [first, mode, 0, 0]),
        "chmod" => call(libc::SYS_chmod, [first, mode, 0, 0]),
        "fchmodat" => call(libc::SYS_fchmodat, [here, first, mode, 0]),
        "rename" => call(libc::SYS_rename, [first, second, 0, 0]),
        "renameat2" => call(libc::SYS_renameat2, [here, first, here, second]),
        "unlink" => call(libc::SYS_unlink, [first, 0, 0, 0]),
        "unlinkat" => call(libc::SYS_unlinkat, [here, first, 0, 0]),
        "mkdir" => call(libc::SYS_mkdir, [first, mode, 0, 0]),
        "rmdir" => call(libc::SYS_rmdir, [first, 0, 0, 0]),
        "link" => call(libc::SYS_link, [first, second, 0, 0]),
        "symlink" => call(libc::SYS_symlink, [first, second, 0, 0]),
        "truncate" => call(libc::SYS_truncate, [first, 7, 0, 0]),
        "chown" => call(libc::SYS_chown, [first, 0, 0, 0]),
        "kill" => call(libc::SYS_kill, [std::process::id() as usize, 0, 0, 0]),
        _ => call(libc::SYS_getppid, [0; 4]),
    }
}

fn name(rng: &mut Rng) -> &'static str {
    NAMES[rng.usize(..NAMES.len())]
}

/// Makes a call; closes the descriptor that an open gave.
fn call(number: i64, args: [usize; 4]) {
    // SAFETY: addresses among the arguments are of NUL-terminated strings that outlive the call; none of
    // the calls writes to memory.
    let result = unsafe { libc::syscall(number, args[0], args[1], args[2], args[3], 0) };
    let opens = [libc::SYS_openat, libc::SYS_open, libc::SYS_creat];
    if opens.contains(&number)
        && let Ok(fd @ 0..) = i32::try_from(result)
    {
        // SAFETY: a descriptor that the call just gave, and nobody else has.
        unsafe { libc::close(fd) };
    }
}
