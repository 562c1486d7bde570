//! open, openat, openat2, creat: by the driver itself, on files it made.

pub(super) mod failures;
pub(super) mod names;
pub(super) mod ring;

use std::{
    ffi::CString,
    fs,
    os::{
        fd::RawFd,
        unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::who::check_me;
use crate::{
    harness::{Case, Ctx, case, skip},
    json::{bytes, same_bool, same_bytes, same_number},
    tiny,
};

pub(crate) const CASES: &[Case] = &[
    case("open/read", read),
    case("open/create", create),
    case("open/O_CREAT on an existing file", create_existing),
    case("open/O_TMPFILE", tmpfile),
    case("open/open(2)", open2),
    case("open/creat(2)", creat),
    case("open/openat2", by_openat2),
    case("open/32-bit calls", compat),
];

fn c(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// openat(2) as it is; closes what it got. The result, or the negated errno.
pub(super) fn openat(dirfd: RawFd, path: &Path, flags: i32, mode: u32) -> Result<i64> {
    let path = c(path)?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat, dirfd, path.as_ptr(), flags, mode) };
    Ok(closed(fd))
}

/// openat2(2), in the same way.
pub(super) fn openat2(path: &Path, flags: i32, resolve: u64) -> Result<i64> {
    let path = c(path)?;
    let how: [u64; 3] = [flags.cast_unsigned().into(), 0, resolve];
    // SAFETY: the path is NUL-terminated, `how` is a struct open_how of the size given.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            how.as_ptr(),
            size_of_val(&how),
        )
    };
    Ok(closed(fd))
}

/// Closes a descriptor that a raw call gave; an error becomes the negated errno.
fn closed(fd: i64) -> i64 {
    if fd < 0 {
        return -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    // SAFETY: the descriptor was opened just before and belongs to nobody else.
    unsafe { libc::close(i32::try_from(fd).unwrap_or(-1)) };
    fd
}

/// The driver's event whose last path item has this name. The standard library's own opens (that
/// make the files) differ by O_CLOEXEC.
fn event(ctx: &mut Ctx, name: &Path) -> Result<Value> {
    let name = name.as_os_str().as_bytes().to_vec();
    let event = ctx.event("open", std::process::id(), |v| {
        let raw = v["open"]["flags"]
            .as_i64()
            .is_some_and(|f| f & i64::from(libc::O_CLOEXEC) == 0);
        let last = v["paths"].as_array().and_then(|items| items.last());
        raw && last.and_then(|item| bytes(&item["name"])) == Some(name.clone())
    })?;
    check_me(&event)?;
    same_bool(&event, "/caveats/name_from_user", !ctx.sees_objects())?;
    Ok(event)
}

/// The last item is this file, resolved to `path`.
fn check_file(event: &Value, path: &Path, nametype: &str) -> Result<()> {
    let file = fs::symlink_metadata(path)?;
    let last = event["paths"]
        .as_array()
        .and_then(|items| items.last())
        .context("no items")?;
    same_bytes(last, "/resolved", path.as_os_str().as_bytes())?;
    same_bytes(last, "/nametype", nametype.as_bytes())?;
    check_inode(last, &file)
}

fn check_inode(item: &Value, file: &fs::Metadata) -> Result<()> {
    same_number(item, "/inode", i64::try_from(file.ino())?)?;
    same_bytes(item, "/mode", format!("0{:o}", file.mode()).as_bytes())?;
    same_number(item, "/ouid", file.uid().into())?;
    same_number(item, "/ogid", file.gid().into())?;
    let dev = format!(
        "{:02x}:{:02x}",
        libc::major(file.dev()),
        libc::minor(file.dev())
    );
    same_bytes(item, "/dev", dev.as_bytes())
}

fn check_result(event: &Value, call: &str, result: i64, flags: i32) -> Result<()> {
    same_bytes(event, "/syscall/name", call.as_bytes())?;
    same_number(event, "/syscall/exit", result)?;
    same_bool(event, "/syscall/success", result >= 0)?;
    same_number(event, "/open/flags", flags.into())
}

fn made(ctx: &Ctx, name: &str) -> Result<PathBuf> {
    let path = ctx.dir.join(name);
    fs::write(&path, "content")?;
    Ok(path)
}

fn read(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let fd = openat(libc::AT_FDCWD, &path, libc::O_RDONLY, 0)?;
    let event = event(ctx, &path)?;
    check_result(&event, "openat", fd, libc::O_RDONLY)?;
    same_bool(&event, "/open/created", false)?;
    check_file(&event, &path, "NORMAL")
}

fn create(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("new");
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    let fd = openat(libc::AT_FDCWD, &path, flags, 0o640)?;
    let event = event(ctx, &path)?;
    check_result(&event, "openat", fd, flags)?;
    same_number(&event, "/open/mode", 0o640)?;
    same_bool(&event, "/open/created", true)?;
    check_file(&event, &path, "CREATE")?;
    let mut directory = ctx.dir.as_os_str().to_owned();
    directory.push("/");
    same_bytes(&event, "/paths/0/name", directory.as_bytes())?;
    same_bytes(&event, "/paths/0/nametype", b"PARENT")?;
    check_inode(&event["paths"][0], &fs::metadata(&ctx.dir)?)
}

fn create_existing(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "old")?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    let fd = openat(libc::AT_FDCWD, &path, flags, 0o600)?;
    let event = event(ctx, &path)?;
    check_result(&event, "openat", fd, flags)?;
    same_bool(&event, "/open/created", false)?;
    check_file(&event, &path, "NORMAL")
}

fn tmpfile(ctx: &mut Ctx) -> Result<()> {
    let flags = libc::O_RDWR | libc::O_TMPFILE;
    let dir = ctx.dir.clone();
    let fd = openat(libc::AT_FDCWD, &dir, flags, 0o600)?;
    if fd < 0 {
        return Err(skip(format!("this file system has no O_TMPFILE: {fd}")));
    }
    let event = event(ctx, &dir)?;
    check_result(&event, "openat", fd, flags)?;
    same_bytes(&event, "/paths/0/nametype", b"NORMAL")?;
    same_bytes(&event, "/paths/0/mode", b"0100600")?;
    same_number(&event, "/paths/0/nlink", 0)
}

fn open2(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let name = c(&path)?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    let fd = closed(unsafe { libc::syscall(libc::SYS_open, name.as_ptr(), libc::O_RDWR, 0) });
    let event = event(ctx, &path)?;
    check_result(&event, "open", fd, libc::O_RDWR)?;
    check_file(&event, &path, "NORMAL")
}

fn creat(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("made");
    let name = c(&path)?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    let fd = closed(unsafe { libc::syscall(libc::SYS_creat, name.as_ptr(), 0o604) });
    let event = event(ctx, &path)?;
    check_result(
        &event,
        "creat",
        fd,
        libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC,
    )?;
    same_bool(&event, "/open/created", true)?;
    check_file(&event, &path, "CREATE")
}

fn by_openat2(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let fd = openat2(&path, libc::O_RDONLY, 0x04)?; // RESOLVE_NO_SYMLINKS
    let event = event(ctx, &path)?;
    check_result(&event, "openat2", fd, libc::O_RDONLY)?;
    same_number(&event, "/open/resolve", 4)?;
    if fd < 0 {
        bail!("openat2: {fd}");
    }
    check_file(&event, &path, "NORMAL")
}

/// A 32-bit process: its calls come in by another table.
fn compat(ctx: &mut Ctx) -> Result<()> {
    let path = ctx.dir.join("made");
    let program = tiny::program32(&ctx.dir, &path, tiny::ON_A_FILE)?;
    let mut child = match Command::new(&program).current_dir(&ctx.dir).spawn() {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            return Err(skip("this kernel runs no 32-bit programs"));
        }
        spawned => spawned?,
    };
    let pid = child.id();
    child.wait()?;
    let mut call = |hook: &str, name: &str, exit: i64| {
        ctx.event(hook, pid, |v| {
            v["syscall"]["arch"] == "i386"
                && v["syscall"]["name"] == name
                && v["syscall"]["exit"] == exit
        })
    };
    let created = call("open", "creat", 3)?;
    same_bytes(&created, "/paths/1/name", path.as_os_str().as_bytes())?;
    same_number(&created, "/open/mode", 0o640)?;
    same_bool(&created, "/open/created", true)?;
    check_file(&created, &path, "CREATE")?;
    check_file(&call("open", "open", 4)?, &path, "NORMAL")?;
    let missing = call("open", "open", -i64::from(libc::ENOENT))?;
    same_bytes(&missing, "/paths/0/name", b"missing32")?;
    let dated = call("utime", "utime", 0)?;
    same_bytes(
        &dated,
        "/utime/target/resolved",
        path.as_os_str().as_bytes(),
    )?;
    same_bool(&dated, "/utime/set_mtime", false)?;
    let refused = call("execve", "execve", -i64::from(libc::EACCES))?;
    check_inode(&refused["paths"][0], &fs::metadata(&path)?)
}
