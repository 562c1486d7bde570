//! open, openat, openat2, creat: by the driver itself, on files it made.

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
    harness::{Case, Ctx},
    json::{absent, bytes, same_bool, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "open/read",
        run: read,
    },
    Case {
        name: "open/create",
        run: create,
    },
    Case {
        name: "open/O_CREAT on an existing file",
        run: create_existing,
    },
    Case {
        name: "open/O_TMPFILE",
        run: tmpfile,
    },
    Case {
        name: "open/ENOENT",
        run: enoent,
    },
    Case {
        name: "open/ENOTDIR",
        run: enotdir,
    },
    Case {
        name: "open/EACCES",
        run: eacces,
    },
    Case {
        name: "open/relative path",
        run: relative,
    },
    Case {
        name: "open/dots and slashes",
        run: dots,
    },
    Case {
        name: "open/symlink",
        run: symlink,
    },
    Case {
        name: "open/O_NOFOLLOW",
        run: nofollow,
    },
    Case {
        name: "open/dirfd",
        run: dirfd,
    },
    Case {
        name: "open/open(2)",
        run: open2,
    },
    Case {
        name: "open/creat(2)",
        run: creat,
    },
    Case {
        name: "open/openat2",
        run: openat2,
    },
    Case {
        name: "open/hostile name",
        run: hostile,
    },
    Case {
        name: "open/60 directories deep",
        run: deep,
    },
    Case {
        name: "open/chroot",
        run: chroot,
    },
    Case {
        name: "open/other mount",
        run: other_mount,
    },
];

fn c(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// openat(2) as it is; closes what it got. The result, or the negated errno.
fn openat(dirfd: RawFd, path: &Path, flags: i32, mode: u32) -> Result<i64> {
    let path = c(path)?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat, dirfd, path.as_ptr(), flags, mode) };
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
        return Err(crate::harness::skip(format!(
            "this file system has no O_TMPFILE: {fd}"
        )));
    }
    let event = event(ctx, &dir)?;
    check_result(&event, "openat", fd, flags)?;
    same_bytes(&event, "/paths/0/nametype", b"NORMAL")?;
    same_bytes(&event, "/paths/0/mode", b"0100600")?;
    same_number(&event, "/paths/0/nlink", 0)
}

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
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let mut cat = Command::new("/bin/cat");
    std::os::unix::process::CommandExt::uid(&mut cat, 1234);
    let mut child = cat.arg(&path).stderr(std::process::Stdio::null()).spawn()?;
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

fn relative(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "rel")?;
    let before = std::env::current_dir()?;
    std::env::set_current_dir(&ctx.dir)?;
    let opened = openat(libc::AT_FDCWD, Path::new("rel"), libc::O_RDONLY, 0);
    let checked = event(ctx, Path::new("rel"));
    std::env::set_current_dir(before)?;
    opened?;
    check_file(&checked?, &path, "NORMAL")
}

fn dots(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    fs::create_dir(ctx.dir.join("sub"))?;
    let twisted = ctx.dir.join("sub//.././sub/../f");
    openat(libc::AT_FDCWD, &twisted, libc::O_RDONLY, 0)?;
    check_file(&event(ctx, &twisted)?, &path, "NORMAL")
}

fn symlink(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "target")?;
    let link = ctx.dir.join("link");
    std::os::unix::fs::symlink("target", &link)?;
    openat(libc::AT_FDCWD, &link, libc::O_RDONLY, 0)?;
    check_file(&event(ctx, &link)?, &path, "NORMAL")
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

fn dirfd(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "below")?;
    let directory = fs::File::open(&ctx.dir)?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&directory);
    openat(fd, Path::new("below"), libc::O_RDONLY, 0)?;
    let event = event(ctx, Path::new("below"))?;
    same_bytes(&event, "/syscall/args/0", format!("{fd:#x}").as_bytes())?;
    check_file(&event, &path, "NORMAL")
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

fn openat2(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "f")?;
    let name = c(&path)?;
    let how: [u64; 3] = [libc::O_RDONLY.cast_unsigned().into(), 0, 0x04]; // RESOLVE_NO_SYMLINKS
    // SAFETY: the path is NUL-terminated, `how` is a struct open_how of the size given.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            name.as_ptr(),
            how.as_ptr(),
            size_of_val(&how),
        )
    };
    let fd = closed(fd);
    let event = event(ctx, &path)?;
    check_result(&event, "openat2", fd, libc::O_RDONLY)?;
    same_number(&event, "/open/resolve", 4)?;
    if fd < 0 {
        bail!("openat2: {fd}");
    }
    check_file(&event, &path, "NORMAL")
}

fn hostile(ctx: &mut Ctx) -> Result<()> {
    let path = ctx
        .dir
        .join(std::ffi::OsStr::from_bytes(b"a\nb \"\xff\x1b[31m"));
    fs::write(&path, "x")?;
    openat(libc::AT_FDCWD, &path, libc::O_RDONLY, 0)?;
    check_file(&event(ctx, &path)?, &path, "NORMAL")
}

fn deep(ctx: &mut Ctx) -> Result<()> {
    let depth = 60 - ctx.dir.components().count();
    let mut path = ctx.dir.clone();
    for n in 0..depth {
        path.push(format!("d{n}"));
    }
    fs::create_dir_all(&path)?;
    path.push("f");
    fs::write(&path, "x")?;
    openat(libc::AT_FDCWD, &path, libc::O_RDONLY, 0)?;
    let event = event(ctx, &path)?;
    same_bool(&event, "/caveats/truncated", false)?;
    check_file(&event, &path, "NORMAL")
}

fn chroot(ctx: &mut Ctx) -> Result<()> {
    made(ctx, "inside")?;
    let mut child = Command::new("/proc/self/exe")
        .args(["act", "chroot"])
        .arg(&ctx.dir)
        .arg("/inside")
        .spawn()?;
    let pid = child.id();
    if !child.wait()?.success() {
        bail!("the chroot failed");
    }
    // Paths are as the task sees them, like auditd's.
    let event = ctx.event("open", pid, |v| v["paths"][0]["name"] == "/inside")?;
    same_bytes(&event, "/cwd", b"/")?;
    same_bytes(&event, "/paths/0/resolved", b"/inside")
}

fn other_mount(ctx: &mut Ctx) -> Result<()> {
    let path = Path::new("/proc/self/status");
    openat(libc::AT_FDCWD, path, libc::O_RDONLY, 0)?;
    let event = event(ctx, path)?;
    let resolved = format!("/proc/{}/status", std::process::id());
    same_bytes(&event, "/paths/0/resolved", resolved.as_bytes())
}
