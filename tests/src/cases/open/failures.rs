//! Opens that fail: before, in and after the look-up.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;

use super::{c, check_inode, check_result, closed, event, made, openat, openat2};
use crate::{
    cases::who::check_me,
    harness::{Case, Ctx, case},
    json::{absent, bytes, same_bool, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    case("open/ENOENT", enoent),
    case("open/ENOTDIR", enotdir),
    case("open/EACCES", eacces),
    case("open/O_NOFOLLOW", nofollow),
    case("open/EMFILE", emfile),
    case("open/openat2 EINVAL", openat2_einval),
    case("open/ENAMETOOLONG", too_long),
];

fn unknown(ctx: &mut Ctx, path: &Path, errno: i32) -> Result<()> {
    let result = openat(libc::AT_FDCWD, path, libc::O_RDONLY, 0)?;
    let event = event(ctx, path)?;
    check_result(&event, "openat", i64::from(-errno), libc::O_RDONLY)?;
    same_number(&event, "/syscall/exit", result)?;
    same_bytes(&event, "/paths/0/nametype", b"UNKNOWN")?;
    absent(&event, "/paths/0/inode")
}

fn enoent(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("missing");
    unknown(ctx, &path, libc::ENOENT)
}

fn enotdir(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "plain")?.join("below");
    unknown(ctx, &path, libc::ENOTDIR)
}

fn eacces(ctx: &mut Ctx) -> Result<()> {
    // A file in the public scratch directory that only root may read, opened by somebody else.
    let path = std::env::temp_dir().join(format!("auklet-eacces-{}", std::process::id()));
    fs::write(&path, "secret")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let mut cat = Command::new("/bin/cat");
    cat.uid(1234);
    let mut child = cat.arg(&path).stderr(Stdio::null()).spawn()?;
    let pid = child.id();
    child.wait()?;
    let name = path.as_os_str().as_bytes().to_vec();
    let event = ctx.event("open", pid, |v| {
        bytes(&v["paths"][0]["name"]) == Some(name.clone())
    })?;
    same_number(&event, "/syscall/exit", i64::from(-libc::EACCES))?;
    same_number(&event, "/who/uid", 1234)?;
    let file = fs::metadata(&path)?;
    fs::remove_file(&path)?;
    same_bytes(&event, "/paths/0/nametype", b"NORMAL")?;
    same_bool(&event, "/caveats/looked_up", true)?;
    check_inode(&event["paths"][0], &file)
}

fn nofollow(ctx: &mut Ctx) -> Result<()> {
    let link = ctx.dir.join("link");
    std::os::unix::fs::symlink("nowhere", &link)?;
    let result = openat(libc::AT_FDCWD, &link, libc::O_NOFOLLOW, 0)?;
    let event = event(ctx, &link)?;
    check_result(&event, "openat", i64::from(-libc::ELOOP), libc::O_NOFOLLOW)?;
    same_number(&event, "/syscall/exit", result)?;
    same_bytes(&event, "/paths/0/nametype", b"NORMAL")?;
    check_inode(&event["paths"][0], &fs::symlink_metadata(&link)?)
}

/// No descriptor is left: the kernel has taken the name but not looked for the file.
fn emfile(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let name = c(&path)?;
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid rlimit to write to, then to read from; the path is
    // NUL-terminated and outlives the call.
    let fd = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let none = libc::rlimit {
            rlim_cur: 0,
            ..limit
        };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none);
        let fd = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, name.as_ptr(), 0, 0);
        let fd = closed(fd);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        fd
    };
    let event = ctx.event("open", std::process::id(), |v| {
        v["syscall"]["exit"] == -libc::EMFILE
    })?;
    check_me(&event)?;
    check_result(&event, "openat", i64::from(-libc::EMFILE), libc::O_RDONLY)?;
    same_bytes(&event, "/paths/0/name", path.as_os_str().as_bytes())?;
    same_bool(&event, "/caveats/name_from_user", true)?;
    same_number(&event, "/syscall/exit", fd)?;
    if ctx.sees_objects() {
        same_bytes(&event, "/paths/0/nametype", b"UNKNOWN")?;
    }
    Ok(())
}

/// Flags that openat2 refuses before it takes the name; no hook but the call's own sees it.
fn openat2_einval(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let fd = openat2(&path, libc::O_PATH, 1 << 40)?;
    let pid = std::process::id();
    let event = ctx.event("open", pid, |v| v["syscall"]["name"] == "openat2")?;
    check_me(&event)?;
    check_result(&event, "openat2", i64::from(-libc::EINVAL), libc::O_PATH)?;
    same_number(&event, "/syscall/exit", fd)?;
    same_number(&event, "/open/resolve", 1 << 40)?;
    if ctx.sees_objects() {
        absent(&event, "/paths/0")?;
    }
    Ok(())
}

/// A name that the kernel does not take is no item, as for auditd.
fn too_long(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("x/".repeat(2500));
    let fd = openat(libc::AT_FDCWD, &path, libc::O_RDONLY, 0)?;
    let event = ctx.event("open", std::process::id(), |v| {
        v["syscall"]["exit"] == -libc::ENAMETOOLONG
    })?;
    same_number(&event, "/syscall/exit", fd)?;
    absent(&event, "/paths/0")?;
    absent(&event, "/cwd")
}
