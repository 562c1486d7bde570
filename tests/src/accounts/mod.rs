//! Accounts: what PAM, sshd, sudo and the shadow tools tell the kernel's audit, recorded by auditd, and the
//! same acts recorded by something else; every record and every field is compared.

mod acts;
mod compare;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    parity::{AUDITD_LOG, log, start_auditd, tool},
    sensor::Sensor,
};

/// Who records the acts the second time.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Recorder {
    /// auditd again: what differs then is no recorder's fault.
    Auditd,
    /// Auklet alone: auditd stopped, the kernel's audit off.
    Auklet,
}

/// Runs the acts under auditd, then under the other; fails on any difference that is not listed.
pub(crate) fn accounts(against: Recorder, plan: &str) -> ExitCode {
    let same = both(against, plan).unwrap_or_else(|error| {
        println!("accounts: {error:#}");
        false
    });
    println!("{} passed, {} failed", u32::from(same), u32::from(!same));
    ExitCode::from(u8::from(!same))
}

fn both(against: Recorder, plan: &str) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    start_auditd()?;
    tool("auditctl", &["-D"])?;
    tool("auditctl", &["-e", "1"])?;
    let theirs = under_auditd(&dir.path().join("first"))?;
    let ours = match against {
        Recorder::Auditd => under_auditd(&dir.path().join("second"))?,
        Recorder::Auklet => under_auklet(&dir.path().join("second"), plan)?,
    };
    Ok(compare::compare(&theirs, &ours))
}

fn under_auditd(dir: &Path) -> Result<Vec<log::Record>> {
    fs::create_dir(dir)?;
    fs::write(AUDITD_LOG, "")?;
    acts::acts(dir)?;
    until_whole(Path::new(AUDITD_LOG))?;
    told(Path::new(AUDITD_LOG))
}

/// The kernel then drops what it is told, and says that it took it.
fn under_auklet(dir: &Path, plan: &str) -> Result<Vec<log::Record>> {
    fs::create_dir(dir)?;
    stop_auditd()?;
    tool("auditctl", &["-e", "0"])?;
    let path = dir.join("audit.log");
    let sensor = Sensor::start(&[
        "--attach",
        plan,
        "--json",
        "--no-shipped-rules",
        "--opens",
        "none",
        "--audit-log",
        &path.display().to_string(),
    ])?;
    acts::acts(dir)?;
    let status = sensor.stop()?;
    if status["lost_total"] != 0 {
        bail!("auklet lost records: {status}");
    }
    told(&path)
}

fn stop_auditd() -> Result<()> {
    let pid = fs::read_to_string("/run/auditd.pid").context("auditd.pid")?;
    tool("kill", &[pid.trim()])?;
    let proc = PathBuf::from("/proc").join(pid.trim());
    until("auditd's end", || Ok(!proc.exists()))
}

/// The records with a text of the sender's, and the login uids set.
fn told(path: &Path) -> Result<Vec<log::Record>> {
    let records = log::read(path)?.into_iter().flatten();
    let text = |record: &log::Record| record.get("msg").is_some_and(|text| text.starts_with('\''));
    let told = |record: &log::Record| record.kind == "LOGIN" || text(record);
    Ok(records.filter(told).collect())
}

fn until_whole(log: &Path) -> Result<()> {
    until("the last act's record", || {
        let text = fs::read(log)?;
        Ok(String::from_utf8_lossy(&text).contains(acts::END))
    })
}

fn until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    while !done()? {
        if Instant::now() > end {
            bail!("{what} did not come within 30 s");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
