//! What is lost is counted: what was sent is what came and what the counters say.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    sensor::Sensor,
    tiny,
};

pub(crate) const CASES: &[Lone] = &[
    lone("loss/a ring that overruns", overrun),
    lone("loss/opens that block", blocked_opens),
    lone("loss/return probes that the kernel skips", skipped),
];

/// Executions while the reader stands still.
const SENT: u64 = 5_000;

fn overrun(ctx: &LoneCtx) -> Result<()> {
    let program = tiny::program(&ctx.dir)?;
    let sensor = Sensor::start(&[
        "--attach",
        &ctx.plan,
        "--json",
        "--opens",
        "none",
        "--ring-bytes",
        "1048576",
    ])?;
    let before = report(&sensor)?;
    sensor.signal(libc::SIGSTOP);
    until(&format!("/proc/{}/stat", sensor.pid()), |stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
    })?;
    let start = Instant::now();
    for _ in 0..SENT {
        let status = Command::new(&program).env_clear().status()?;
        if !status.success() {
            bail!("{}: {status}", program.display());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    sensor.signal(libc::SIGCONT);
    let after = sensor.stop()?;
    let received = received(&after, "execve") - received(&before, "execve");
    let lost = lost(&after, "execve") - lost(&before, "execve");
    println!("overrun: {SENT} execs in {seconds:.1} s, {received} received, {lost} lost");
    // Outside a guest others execute programs, too.
    let accounted = received + lost;
    if accounted < SENT || (accounted > SENT && !ctx.native) {
        bail!("sent {SENT}, but received {received} and lost {lost}");
    }
    if lost == 0 {
        bail!("nothing was lost: the ring did not overrun");
    }
    Ok(())
}

/// More calls that block at once than a return probe has instances for.
const BLOCKED: u64 = 60;

/// Opens of a pipe that nobody writes to, ended by SIGKILL: with return probes, some of their ends
/// go unseen.
fn skipped(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("this needs kprobes; guests only"));
    }
    let pipe = ctx.dir.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status()?;
    if !made.success() {
        bail!("mkfifo: {made}");
    }
    let sensor = Sensor::start(&["--attach", "kprobe", "--events", "--opens", "all"])?;
    let before = lost(&report(&sensor)?, "open");
    let block = |_| {
        Command::new("/proc/self/exe")
            .args(["act", "open"])
            .arg(&pipe)
            .spawn()
    };
    let mut children = (0..BLOCKED).map(block).collect::<Result<Vec<_>, _>>()?;
    for child in &children {
        until(&format!("/proc/{}/syscall", child.id()), |call| {
            call.starts_with("257 ")
        })?;
    }
    for child in &mut children {
        child.kill()?;
        child.wait()?;
    }
    let lost = lost(&report(&sensor)?, "open") - before;
    let name = pipe.display().to_string();
    let came = sensor.all(|v| v["paths"][0]["name"] == name.as_str()).len() as u64;
    println!("skipped: {BLOCKED} opens blocked, {came} received, {lost} opens lost");
    // Opens by others meanwhile may be among the lost.
    if came + lost < BLOCKED {
        bail!("{BLOCKED} opens, but {came} came and {lost} were lost");
    }
    if lost == 0 {
        bail!("no return probe was skipped: this tests nothing");
    }
    sensor.stop().map(|_| ())
}

/// However many opens block, an exec is seen: opens have slots of their own.
fn blocked_opens(ctx: &LoneCtx) -> Result<()> {
    let pipe = ctx.dir.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status()?;
    if !made.success() {
        bail!("mkfifo: {made}");
    }
    let plan = ctx.plan.as_str();
    let args = [
        "--attach", plan, "--events", "--opens", "all", "--slots", "16",
    ];
    let mut sensor = Sensor::start(&args)?;
    let block = |_| {
        Command::new("/proc/self/exe")
            .args(["act", "open"])
            .arg(&pipe)
            .spawn()
    };
    // One after the other: more execs at once than their four slots hold are lost rightly.
    let mut children = Vec::new();
    for n in 0..20 {
        let child = block(n)?;
        let path = format!("/proc/{}/syscall", child.id());
        children.push(child);
        until(&path, |call| call.starts_with("257 "))?;
    }
    let mut seen = Command::new("/bin/true").spawn()?;
    let pid = seen.id();
    seen.wait()?;
    let found = sensor.wait_for("the exec", |v| {
        v["hook"] == "execve" && v["who"]["pid"] == pid
    });
    for child in &mut children {
        child.kill()?;
        child.wait()?;
    }
    found?;
    let status = report(&sensor)?;
    if lost(&status, "open") == 0 || lost(&status, "execve") != 0 {
        bail!("opens were to be lost, and no exec: {status}");
    }
    sensor.stop().map(|_| ())
}

/// Until a file of /proc says so.
fn until(path: &str, fits: impl Fn(&str) -> bool) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if fits(&std::fs::read_to_string(path)?) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    bail!("{path} does not come to say what it should")
}

/// The sensor's counts so far, with all that was in the ring.
fn report(sensor: &Sensor) -> Result<Value> {
    let statuses = || sensor.all(|v| v["type"] == "status");
    let before = statuses().len();
    sensor.signal(libc::SIGUSR1);
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Some(status) = statuses().get(before) {
            return Ok(status.clone());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("no status")
}

fn received(status: &Value, hook: &str) -> u64 {
    status["received"][hook].as_u64().unwrap_or(0)
}

fn lost(status: &Value, hook: &str) -> u64 {
    let causes = ["ring_full", "no_slot", "no_exit"];
    let counts = causes
        .iter()
        .filter_map(|cause| status["lost"][hook][cause].as_u64());
    counts.sum()
}
