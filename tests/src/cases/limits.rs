//! What the audit rules' settings keep out: `-r`, `-f` and `-e` of auditctl(8).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, lone},
    parity::{self, read_log},
    sensor::{Sensor, binary},
};

pub(crate) const CASES: &[Lone] = &[
    lone("loss/more than -r lets through", limited),
    lone("loss/-e 0 records nothing", off),
];

/// Directories that are made; each is an event.
const MADE: usize = 400;
/// SYSCALL, CWD, PATH of the parent, PATH, PROCTITLE; and EOE, which a log does not have.
const LINES: usize = 5;
const RECORDS: u64 = 6;
/// Records a second: far less than any machine makes meanwhile.
const LIMIT: u64 = 60;
/// What the sensor logs when more is over the limit than before; it looks every ten seconds.
const TOLD: &str = "over the rate limit";
const PATIENCE: Duration = Duration::from_secs(60);

/// A sensor whose rules want the directories that this process makes.
struct Limited {
    sensor: Sensor,
    log: PathBuf,
    errors: PathBuf,
    socket: String,
}

impl Limited {
    /// Works in a directory that is there already: making it would be an event for those that run.
    fn start(ctx: &LoneCtx, name: &str, settings: &str) -> Result<Self> {
        let dir = ctx.dir.join(name);
        let [rules, log, errors, socket] =
            ["audit.rules", "audit.log", "errors", "socket"].map(|name| dir.join(name));
        let pid = std::process::id();
        fs::write(
            &rules,
            format!("-a always,exit -F arch=b64 -S mkdir -F pid={pid}\n{settings}\n"),
        )?;
        let shown = |path: &Path| path.display().to_string();
        let socket = shown(&socket);
        let (rules, audit_log) = (shown(&rules), shown(&log));
        let args = [
            &["--attach", &ctx.plan, "--json", "--no-shipped-rules"][..],
            &["--opens", "none", "--socket", &socket],
            &["--audit-rules", &rules, "--audit-log", &audit_log],
        ];
        let sensor = Sensor::start_with(&args.concat(), File::create(&errors)?)?;
        Ok(Self {
            sensor,
            log,
            errors,
            socket,
        })
    }

    /// What `auklet status` says.
    fn status(&self) -> Result<Value> {
        let asked = Command::new(binary())
            .args(["status", "--json", "--socket", &self.socket])
            .output()?;
        serde_json::from_slice(&asked.stdout)
            .with_context(|| String::from_utf8_lossy(&asked.stderr).into_owned())
    }

    fn tells(&self) -> Result<bool> {
        Ok(fs::read_to_string(&self.errors)?.contains(TOLD))
    }

    /// Events of the log, each of them whole.
    fn events(&self) -> Result<u64> {
        let events = read_log(&self.log)?;
        let torn = |event: &&Vec<parity::Record>| event.len() != LINES;
        if let Some(torn) = events.iter().find(torn) {
            bail!("an event that is not whole: {torn:?}");
        }
        Ok(events.len() as u64)
    }
}

fn places(ctx: &LoneCtx, names: [&str; 2]) -> Result<()> {
    names
        .iter()
        .try_for_each(|name| fs::create_dir(ctx.dir.join(name)))?;
    Ok(())
}

fn make(dir: &Path) -> Result<()> {
    fs::create_dir(dir)?;
    (0..MADE).try_for_each(|n| fs::create_dir(dir.join(n.to_string())))?;
    Ok(())
}

/// The same calls with the limit's losses told and not told.
fn limited(ctx: &LoneCtx) -> Result<()> {
    places(ctx, ["silent", "loud"])?;
    let silent = Limited::start(ctx, "silent", &format!("-f 0\n-r {LIMIT}"))?;
    let loud = Limited::start(ctx, "loud", &format!("-f 1\n-r {LIMIT}"))?;
    let start = Instant::now();
    make(&ctx.dir.join("made"))?;
    // The sensor that started later looks later.
    while !loud.tells()? {
        if start.elapsed() > PATIENCE {
            bail!("-f 1: the log does not say that records were dropped");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let seconds = start.elapsed().as_secs();
    let counted = silent.status()?["rate_limited"].clone();
    if silent.tells()? {
        bail!("-f 0: the log says that records were dropped");
    }
    for limited in [silent, loud] {
        let events = limited.events()?;
        let status = limited.status()?;
        let dropped = status["rate_limited"].as_u64().unwrap_or(0);
        println!(
            "limits: {events} events written, {dropped} records over the limit, in {seconds} s"
        );
        // One more is the directory that the others are made in.
        if events * RECORDS + dropped != (MADE as u64 + 1) * RECORDS {
            bail!("{events} events and {dropped} records do not make {MADE}: {status}");
        }
        // Each second's share, the two that may begin at once, and what the last event of each is over.
        if events == 0 || events * RECORDS > (LIMIT + RECORDS) * (seconds + 2) {
            bail!("{events} events of {RECORDS} records in {seconds} s");
        }
        if dropped == 0 || counted == 0 {
            bail!("nothing was over the limit: {status}");
        }
        limited.sensor.stop()?;
    }
    Ok(())
}

fn off(ctx: &LoneCtx) -> Result<()> {
    places(ctx, ["on", "off"])?;
    let on = Limited::start(ctx, "on", "-e 1")?;
    let off = Limited::start(ctx, "off", "-e 0")?;
    make(&ctx.dir.join("made"))?;
    let end = Instant::now() + PATIENCE;
    while on.events().unwrap_or(0) <= MADE as u64 {
        if Instant::now() > end {
            bail!("-e 1: {} of {MADE} events", on.events()?);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    off.sensor.signal(libc::SIGUSR1);
    let status = off.status()?;
    let written = fs::read(&off.log)?;
    if !written.is_empty() || status["rate_limited"] != 0 {
        bail!("-e 0: {status}\n{}", String::from_utf8_lossy(&written));
    }
    let closing = off.sensor.stop()?;
    if closing["lost_total"] != 0 || !fs::read(&off.log)?.is_empty() {
        bail!("-e 0: {closing}");
    }
    on.sensor.stop().map(|_| ())
}
