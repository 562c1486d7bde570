//! A ring that overruns: what was lost is what was sent less what came.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    harness::{Lone, LoneCtx},
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[Lone {
    name: "overrun/lost = sent - received",
    run: overrun,
}];

/// Executions while the reader stands still.
const SENT: u64 = 20_000;

fn overrun(ctx: &LoneCtx) -> Result<()> {
    let sent = if ctx.native { 5_000 } else { SENT };
    let sensor = Sensor::start(&[
        "--attach",
        &ctx.plan,
        "--json",
        "--opens",
        "none",
        "--ring-bytes",
        "1048576",
    ])?;
    let before = counts(&sensor)?;
    sensor.signal(libc::SIGSTOP);
    wait_stopped(sensor.pid())?;
    let start = Instant::now();
    for _ in 0..sent {
        spawn()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    sensor.signal(libc::SIGCONT);
    let after = closing(sensor)?;
    let (received, lost) = (after.0 - before.0, after.1 - before.1);
    println!("overrun: {sent} execs in {seconds:.1} s, {received} received, {lost} lost");
    if received + lost != sent {
        bail!("sent {sent}, but received {received} and lost {lost}");
    }
    if lost == 0 {
        bail!("nothing was lost: the ring did not overrun");
    }
    Ok(())
}

/// posix_spawn of the smallest program at hand, without a shell and without new output.
fn spawn() -> Result<()> {
    let program = if std::path::Path::new("/usr/bin/true").exists() {
        "/usr/bin/true"
    } else {
        "/bin/true"
    };
    let status = Command::new(program).env_clear().status()?;
    if !status.success() {
        bail!("{program}: {status}");
    }
    Ok(())
}

/// Until the kernel says that the process stands still.
fn wait_stopped(pid: u32) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        if stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
        {
            return Ok(());
        }
    }
    bail!("process {pid} does not stop")
}

/// Execs received and lost so far.
fn counts(sensor: &Sensor) -> Result<(u64, u64)> {
    sensor.forget();
    sensor.signal(libc::SIGUSR1);
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if let Some(status) = sensor.all(|v| v["type"] == "status").first() {
            return execs(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("no status")
}

fn closing(sensor: Sensor) -> Result<(u64, u64)> {
    execs(&sensor.stop()?)
}

fn execs(status: &serde_json::Value) -> Result<(u64, u64)> {
    let received = status["received"]["execve"]
        .as_u64()
        .context("no count of execs")?;
    let causes = ["ring_full", "no_slot", "no_exit"];
    let lost = causes
        .iter()
        .filter_map(|cause| status["lost"]["execve"][cause].as_u64())
        .sum();
    Ok((received, lost))
}
