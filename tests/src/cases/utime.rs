//! utimensat, utimes, futimesat, utime.

use std::{
    ffi::CString,
    fs,
    os::{
        fd::AsRawFd as _,
        unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::who::check_me;
use crate::{
    harness::{Case, Ctx, case},
    json::{absent, same_bool, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    case("utime/utimensat", explicit),
    case("utime/now", now),
    case("utime/UTIME_OMIT", omit),
    case("utime/AT_SYMLINK_NOFOLLOW", nofollow),
    case("utime/futimens", futimens),
    case("utime/utimes", utimes),
    case("utime/futimesat", futimesat),
    case("utime/utime", utime),
    case("utime/ENOENT", enoent),
    case("utime/dirfd", dirfd),
];

const OLD: [libc::timespec; 2] = [
    libc::timespec {
        tv_sec: 978_307_200,
        tv_nsec: 123_456_789,
    },
    libc::timespec {
        tv_sec: 946_684_800,
        tv_nsec: 987_654_321,
    },
];

fn c(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

fn ok(result: i64) -> Result<()> {
    if result == 0 {
        Ok(())
    } else {
        bail!("{}", std::io::Error::last_os_error())
    }
}

fn utimensat(
    dirfd: i32,
    path: &Path,
    times: Option<&[libc::timespec; 2]>,
    flags: i32,
) -> Result<i64> {
    let path = c(path)?;
    let times = times.map_or(std::ptr::null(), |times| times.as_ptr());
    // SAFETY: the path is NUL-terminated, `times` is null or two timespecs; both outlive the call.
    Ok(unsafe { libc::syscall(libc::SYS_utimensat, dirfd, path.as_ptr(), times, flags) })
}

fn made(ctx: &Ctx) -> Result<PathBuf> {
    let path = ctx.dir.join("f");
    fs::write(&path, "x")?;
    Ok(path)
}

/// The driver's event of a call.
fn event(ctx: &mut Ctx, call: &str) -> Result<Value> {
    let event = ctx.event("utime", std::process::id(), |v| {
        v["syscall"]["name"] == call
    })?;
    check_me(&event)?;
    Ok(event)
}

/// Target, old and new times.
fn check(
    ctx: &Ctx,
    event: &Value,
    path: &Path,
    before: &fs::Metadata,
    by_descriptor: bool,
) -> Result<()> {
    let after = fs::symlink_metadata(path)?;
    same_number(event, "/syscall/exit", 0)?;
    same_bytes(event, "/utime/target/resolved", path.as_os_str().as_bytes())?;
    same_number(event, "/utime/target/inode", i64::try_from(after.ino())?)?;
    same_times(event, "/utime/new", &after)?;
    let looked_up = !ctx.sees_objects() && !by_descriptor;
    same_bool(event, "/caveats/looked_up", looked_up)?;
    // Without a hook on the object nobody knows the old times of a path.
    if looked_up {
        absent(event, "/utime/old")
    } else {
        same_times(event, "/utime/old", before)
    }
}

fn same_times(event: &Value, pointer: &str, file: &fs::Metadata) -> Result<()> {
    let expect = json!({
        "atime": [file.atime(), file.atime_nsec()],
        "mtime": [file.mtime(), file.mtime_nsec()],
        "ctime": [file.ctime(), file.ctime_nsec()],
    });
    let got = event.pointer(pointer).cloned().unwrap_or_default();
    if got != expect {
        bail!("{pointer}: expected {expect}, got {got}");
    }
    Ok(())
}

fn explicit(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    ok(utimensat(libc::AT_FDCWD, &path, Some(&OLD), 0)?)?;
    let event = event(ctx, "utimensat")?;
    same_bytes(&event, "/paths/0/name", path.as_os_str().as_bytes())?;
    same_bool(&event, "/utime/set_mtime", true)?;
    same_bool(&event, "/utime/set_atime", true)?;
    check(ctx, &event, &path, &before, false)
}

fn now(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    ok(utimensat(libc::AT_FDCWD, &path, None, 0)?)?;
    let event = event(ctx, "utimensat")?;
    same_bool(&event, "/utime/set_mtime", false)?;
    check(ctx, &event, &path, &before, false)
}

fn omit(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let leave = libc::timespec {
        tv_sec: 0,
        tv_nsec: libc::UTIME_OMIT,
    };
    ok(utimensat(libc::AT_FDCWD, &path, Some(&[OLD[0], leave]), 0)?)?;
    let event = event(ctx, "utimensat")?;
    same_bool(&event, "/utime/set_atime", true)?;
    same_bool(&event, "/utime/set_mtime", false)?;
    check(ctx, &event, &path, &before, false)
}

fn nofollow(ctx: &mut Ctx) -> Result<()> {
    let link = ctx.dir.join("link");
    std::os::unix::fs::symlink("nowhere", &link)?;
    let before = fs::symlink_metadata(&link)?;
    ok(utimensat(
        libc::AT_FDCWD,
        &link,
        Some(&OLD),
        libc::AT_SYMLINK_NOFOLLOW,
    )?)?;
    let event = event(ctx, "utimensat")?;
    check(ctx, &event, &link, &before, false)
}

fn futimens(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let file = fs::File::open(&path)?;
    // SAFETY: the descriptor is open, `OLD` is two timespecs.
    ok(unsafe { libc::futimens(file.as_raw_fd(), OLD.as_ptr()) }.into())?;
    let event = event(ctx, "utimensat")?;
    // auditd has no name and so no PATH for it.
    absent(&event, "/paths/0")?;
    absent(&event, "/cwd")?;
    check(ctx, &event, &path, &before, true)
}

const TIMEVALS: [libc::timeval; 2] = [
    libc::timeval {
        tv_sec: 978_307_200,
        tv_usec: 123_456,
    },
    libc::timeval {
        tv_sec: 946_684_800,
        tv_usec: 654_321,
    },
];

fn utimes(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let name = c(&path)?;
    // SAFETY: the path is NUL-terminated, the times are two timevals.
    ok(unsafe { libc::syscall(libc::SYS_utimes, name.as_ptr(), TIMEVALS.as_ptr()) })?;
    let event = event(ctx, "utimes")?;
    same_bool(&event, "/utime/set_mtime", true)?;
    check(ctx, &event, &path, &before, false)
}

fn futimesat(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let name = c(&path)?;
    // SAFETY: as above.
    ok(unsafe {
        libc::syscall(
            libc::SYS_futimesat,
            libc::AT_FDCWD,
            name.as_ptr(),
            TIMEVALS.as_ptr(),
        )
    })?;
    let event = event(ctx, "futimesat")?;
    check(ctx, &event, &path, &before, false)
}

fn utime(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let name = c(&path)?;
    let times = libc::utimbuf {
        actime: 978_307_200,
        modtime: 946_684_800,
    };
    // SAFETY: the path is NUL-terminated, `times` is a utimbuf.
    ok(unsafe { libc::syscall(libc::SYS_utime, name.as_ptr(), &raw const times) })?;
    let event = event(ctx, "utime")?;
    same_bool(&event, "/utime/set_mtime", true)?;
    check(ctx, &event, &path, &before, false)
}

fn enoent(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("missing");
    utimensat(libc::AT_FDCWD, &path, Some(&OLD), 0)?;
    let event = event(ctx, "utimensat")?;
    same_number(&event, "/syscall/exit", i64::from(-libc::ENOENT))?;
    same_bytes(&event, "/paths/0/name", path.as_os_str().as_bytes())?;
    same_bytes(&event, "/paths/0/nametype", b"UNKNOWN")?;
    absent(&event, "/utime/target")
}

fn dirfd(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx)?;
    let before = fs::metadata(&path)?;
    let directory = fs::File::open(&ctx.dir)?;
    ok(utimensat(
        directory.as_raw_fd(),
        Path::new("f"),
        Some(&OLD),
        0,
    )?)?;
    let event = event(ctx, "utimensat")?;
    same_bytes(&event, "/paths/0/name", b"f")?;
    check(ctx, &event, &path, &before, false)
}
