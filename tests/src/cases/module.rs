//! init_module and finit_module, with the kernel's own dummy module.

use std::{
    ffi::CString,
    fs::{self, File},
    os::{
        fd::AsRawFd as _,
        unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::who::{Who, check_me};
use crate::{
    harness::{Case, Ctx, case, skip},
    json::{absent, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    case("module/refused", refused),
    case("module/bad descriptor", bad_descriptor),
    case("module/insmod under another name", insmod),
    case("module/from memory", from_memory),
];

/// The module that every guest has.
pub(crate) fn dummy() -> Result<PathBuf> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let path = Path::new("/lib/modules")
        .join(release.trim())
        .join("dummy.ko");
    if !path.exists() {
        return Err(skip(format!("no {} here", path.display())));
    }
    Ok(path)
}

fn guest_only(ctx: &Ctx) -> Result<()> {
    if ctx.native {
        return Err(skip("modules are loaded in guests only"));
    }
    Ok(())
}

fn unload() {
    let _gone = Command::new("rmmod")
        .arg("dummy")
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok();
}

fn event(ctx: &mut Ctx, pid: u32, call: &str) -> Result<Value> {
    ctx.event("module", pid, |v| v["syscall"]["name"] == call)
}

/// finit_module(2); the result, or the negated errno.
fn finit_module(fd: i32, parameters: &CString, flags: u32) -> i64 {
    // SAFETY: the parameters are NUL-terminated and outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_finit_module, fd, parameters.as_ptr(), flags) };
    result_of(result)
}

fn result_of(result: i64) -> i64 {
    if result == 0 {
        0
    } else {
        -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

fn check_file(event: &Value, path: &Path) -> Result<()> {
    let file = fs::metadata(path)?;
    same_bytes(event, "/module/file/resolved", path.as_os_str().as_bytes())?;
    same_number(event, "/module/file/inode", i64::try_from(file.ino())?)?;
    same_number(event, "/module/file/ouid", file.uid().into())
}

fn refused(ctx: &mut Ctx) -> Result<()> {
    guest_only(ctx)?;
    let path = ctx.dir.join("libfoo.so");
    let mut image = b"\x7fELF".to_vec();
    image.resize(4096, 0xaa);
    fs::write(&path, image)?;
    let file = File::open(&path)?;
    let result = finit_module(file.as_raw_fd(), &CString::default(), 1);
    if result == 0 {
        bail!("the kernel took garbage");
    }
    let event = event(ctx, std::process::id(), "finit_module")?;
    check_me(&event)?;
    same_number(&event, "/syscall/exit", result)?;
    same_number(&event, "/module/flags", 1)?;
    absent(&event, "/module/name")?;
    check_file(&event, &path)
}

fn bad_descriptor(ctx: &mut Ctx) -> Result<()> {
    guest_only(ctx)?;
    let result = finit_module(9999, &CString::default(), 0);
    let event = event(ctx, std::process::id(), "finit_module")?;
    same_number(&event, "/syscall/exit", result)?;
    same_number(&event, "/syscall/exit", i64::from(-libc::EBADF))?;
    absent(&event, "/module/file")
}

fn insmod(ctx: &mut Ctx) -> Result<()> {
    guest_only(ctx)?;
    let path = ctx.dir.join("libprocess.so");
    fs::copy(dummy()?, &path)?;
    unload();
    let mut child = Command::new("insmod")
        .arg(&path)
        .spawn()
        .context("insmod")?;
    let pid = child.id();
    if !child.wait()?.success() {
        bail!("insmod failed");
    }
    let loaded = event(ctx, pid, "finit_module");
    unload();
    let loaded = loaded?;
    Who::child(pid).check(&loaded)?;
    same_number(&loaded, "/syscall/exit", 0)?;
    same_bytes(&loaded, "/module/name", b"dummy")?;
    check_file(&loaded, &path)
}

fn from_memory(ctx: &mut Ctx) -> Result<()> {
    guest_only(ctx)?;
    let image = fs::read(dummy()?)?;
    unload();
    let parameters = CString::default();
    // SAFETY: the image and the parameters outlive the call; the length is the image's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_init_module,
            image.as_ptr(),
            image.len(),
            parameters.as_ptr(),
        )
    };
    let result = result_of(result);
    let loaded = event(ctx, std::process::id(), "init_module");
    unload();
    let loaded = loaded?;
    check_me(&loaded)?;
    same_number(&loaded, "/syscall/exit", result)?;
    same_number(&loaded, "/syscall/exit", 0)?;
    same_bytes(&loaded, "/module/name", b"dummy")?;
    absent(&loaded, "/module/file")
}
