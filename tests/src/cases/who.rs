//! What a process knows of itself, against the event's `who`.

use std::{fs, os::unix::ffi::OsStrExt as _};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::json::{absent, same_bool, same_bytes, same_number};

/// Ids of a process.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) pid: u32,
    pub(crate) ppid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Who {
    /// The driver itself.
    pub(crate) fn me() -> Self {
        // SAFETY: these have no preconditions.
        let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
        Self {
            pid: std::process::id(),
            ppid: std::os::unix::process::parent_id(),
            uid,
            gid,
        }
    }

    /// A child of the driver's.
    pub(crate) fn child(pid: u32) -> Self {
        Self {
            pid,
            ppid: std::process::id(),
            ..Self::me()
        }
    }

    /// Every id, the session, the terminal.
    pub(crate) fn check(&self, event: &Value) -> Result<()> {
        same_number(event, "/who/pid", self.pid.into())?;
        same_number(event, "/who/ppid", self.ppid.into())?;
        for field in ["uid", "euid", "suid", "fsuid"] {
            same_number(event, &format!("/who/{field}"), self.uid.into())?;
        }
        for field in ["gid", "egid", "sgid", "fsgid"] {
            same_number(event, &format!("/who/{field}"), self.gid.into())?;
        }
        same_number(event, "/who/auid", own_number("loginuid")?)?;
        same_number(event, "/who/ses", own_number("sessionid")?)?;
        terminal(event)
    }
}

/// The driver's own event: also thread, comm, exe and start.
pub(crate) fn check_me(event: &Value) -> Result<()> {
    Who::me().check(event)?;
    // SAFETY: gettid has no preconditions.
    same_number(event, "/who/tid", unsafe { libc::gettid() }.into())?;
    same_bool(event, "/caveats/other_root", false)?;
    let comm = fs::read("/proc/thread-self/comm")?;
    same_bytes(event, "/who/comm", comm.trim_ascii_end())?;
    let exe = fs::read_link("/proc/self/exe")?;
    same_bytes(event, "/who/exe", exe.as_os_str().as_bytes())?;
    let cwd = fs::read_link("/proc/self/cwd")?;
    if !event["cwd"].is_null() {
        same_bytes(event, "/cwd", cwd.as_os_str().as_bytes())?;
    }
    started(event)
}

/// Start in clock ticks of proc_pid_stat(5), compared within two of them.
fn started(event: &Value) -> Result<()> {
    let ticks = stat_field(19)?;
    let start_ns = event
        .pointer("/who/start_ns")
        .and_then(Value::as_u64)
        .context("no start")?;
    if start_ns.abs_diff(ticks * 10_000_000) > 20_000_000 {
        bail!("/who/start_ns: {start_ns}, but /proc says {ticks} ticks");
    }
    Ok(())
}

/// No terminal in the guests; elsewhere whatever /proc says there is.
fn terminal(event: &Value) -> Result<()> {
    if stat_field(4)? == 0 {
        absent(event, "/who/tty")
    } else {
        Ok(())
    }
}

/// Field of /proc/self/stat, counted from the state.
fn stat_field(n: usize) -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(") ").context("no comm in stat")?.1;
    let field = fields.split(' ').nth(n).context("a short stat")?;
    Ok(field.parse::<i64>().map(|n| n.max(0).cast_unsigned())?)
}

fn own_number(name: &str) -> Result<i64> {
    Ok(fs::read_to_string(format!("/proc/self/{name}"))?
        .trim()
        .parse()?)
}
