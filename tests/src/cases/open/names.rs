//! Names that lead to a file by a detour, and what they resolve to.

use std::{fs, os::unix::ffi::OsStrExt as _, path::Path, process::Command};

use anyhow::{Result, bail};

use super::{check_file, event, made, openat};
use crate::{
    harness::{Case, Ctx, case},
    json::{same_bool, same_bytes},
};

pub(crate) const CASES: &[Case] = &[
    case("open/relative path", relative),
    case("open/dots and slashes", dots),
    case("open/symlink", symlink),
    case("open/dirfd", dirfd),
    case("open/hostile name", hostile),
    case("open/60 directories deep", deep),
    case("open/chroot", chroot),
    case("open/other mount", other_mount),
];

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

fn dirfd(ctx: &mut Ctx) -> Result<()> {
    let path = made(ctx, "below")?;
    let directory = fs::File::open(&ctx.dir)?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&directory);
    openat(fd, Path::new("below"), libc::O_RDONLY, 0)?;
    let event = event(ctx, Path::new("below"))?;
    same_bytes(&event, "/syscall/args/0", format!("{fd:#x}").as_bytes())?;
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
    same_bool(&event, "/caveats/other_root", true)?;
    same_bytes(&event, "/paths/0/resolved", b"/inside")
}

fn other_mount(ctx: &mut Ctx) -> Result<()> {
    let path = Path::new("/proc/self/status");
    openat(libc::AT_FDCWD, path, libc::O_RDONLY, 0)?;
    let event = event(ctx, path)?;
    let resolved = format!("/proc/{}/status", std::process::id());
    same_bytes(&event, "/paths/0/resolved", resolved.as_bytes())
}
