//! The process table: after fork, exec and exit, and for processes older than the sensor.

use std::{fs, os::unix::ffi::OsStrExt as _, process::Command};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    harness::{Case, Ctx, case},
    json::{bytes, same_bool, same_bytes, same_number},
};

pub(crate) const CASES: &[Case] = &[
    case("process/older than the sensor", elder),
    case("process/fork", fork),
    case("process/exec", exec),
    case("process/exit", exit),
];

/// The table's entry of a process, asked for now.
fn entry(ctx: &mut Ctx, pid: u32) -> Result<Value> {
    ctx.sensor.forget();
    ctx.sensor.signal(libc::SIGUSR1);
    ctx.sensor
        .wait_for("the status", |v| v["type"] == "status")?;
    let entries = ctx
        .sensor
        .all(|v| v["type"] == "process" && v["pid"] == pid);
    match entries.as_slice() {
        [one] => Ok(one.clone()),
        other => bail!("process {pid} has {} entries", other.len()),
    }
}

fn exe_of(pid: u32) -> Result<Vec<u8>> {
    let exe = fs::read_link(format!("/proc/{pid}/exe"))?;
    Ok(exe.as_os_str().as_bytes().to_vec())
}

fn argv(entry: &Value) -> Option<Vec<Vec<u8>>> {
    entry["argv"].as_array()?.iter().map(bytes).collect()
}

fn elder(ctx: &mut Ctx) -> Result<()> {
    let pid = ctx.elder;
    let entry = entry(ctx, pid)?;
    same_number(&entry, "/ppid", std::process::id().into())?;
    same_bytes(&entry, "/exe", &exe_of(pid)?)?;
    same_bytes(&entry, "/comm", b"sleep")?;
    same_bool(&entry, "/exited", false)?;
    if argv(&entry) != Some(vec![b"sleep".to_vec(), b"10000".to_vec()]) {
        bail!("argv: {}", entry["argv"]);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks: u64 = stat
        .rsplit_once(") ")
        .context("stat")?
        .1
        .split(' ')
        .nth(19)
        .context("stat")?
        .parse()?;
    if entry["start_ns"]
        .as_u64()
        .is_none_or(|ns| ns.abs_diff(ticks * 10_000_000) > 20_000_000)
    {
        bail!("start: {} but {ticks} ticks", entry["start_ns"]);
    }
    Ok(())
}

/// A child that only waits to be ended.
fn forked() -> Result<i32> {
    // SAFETY: the child calls nothing but pause and _exit, which are safe after fork.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        },
        -1 => bail!("fork: {}", std::io::Error::last_os_error()),
        pid => Ok(pid),
    }
}

fn end(pid: i32) {
    // SAFETY: the pid is a child of ours that is not yet reaped; the status is not asked for.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), 0);
    }
}

fn fork(ctx: &mut Ctx) -> Result<()> {
    let pid = forked()?;
    let found = entry(ctx, pid.cast_unsigned());
    end(pid);
    let found = found?;
    same_number(&found, "/ppid", std::process::id().into())?;
    same_bytes(&found, "/exe", &exe_of(std::process::id())?)?;
    same_bool(&found, "/exited", false)
}

fn exec(ctx: &mut Ctx) -> Result<()> {
    let mut child = Command::new("/bin/sleep").arg("9999").spawn()?;
    let pid = child.id();
    // vfork's parent goes on before execve has ended.
    ctx.event("execve", pid, |_| true)?;
    let exe = exe_of(pid);
    let found = entry(ctx, pid);
    child.kill()?;
    child.wait()?;
    let found = found?;
    same_bytes(&found, "/exe", &exe?)?;
    same_bytes(&found, "/comm", b"sleep")?;
    same_number(&found, "/ppid", std::process::id().into())?;
    if argv(&found) != Some(vec![b"/bin/sleep".to_vec(), b"9999".to_vec()]) {
        bail!("argv: {}", found["argv"]);
    }
    same_bool(&found, "/exited", false)
}

fn exit(ctx: &mut Ctx) -> Result<()> {
    let pid = forked()?;
    end(pid);
    let found = entry(ctx, pid.cast_unsigned())?;
    same_bool(&found, "/exited", true)?;
    same_number(&found, "/ppid", std::process::id().into())
}
