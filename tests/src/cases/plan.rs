//! Which attach plan is taken where none is asked for.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    preempt::{Mounted, preempts_itself},
    sensor::{Sensor, binary},
};

pub(crate) const CASES: &[Lone] = &[lone("plan/auto", auto)];

/// Where the sensor looks.
const DEBUG: &str = "/sys/kernel/debug";

/// kprobe where the kernel's scheduler says that it preempts itself, else fentry: with what the scheduler
/// says to be read, and without, when all is told by what the kernel is built of.
fn auto(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("this machine's kernel has one plan only"));
    }
    let expect = if preempts_itself()? {
        "kprobe"
    } else {
        "fentry"
    };
    let place = Path::new(DEBUG);
    if fs::read_dir(place)?.next().is_some() {
        bail!("{DEBUG} is mounted: this would test one way of two");
    }
    attached(expect).context("without debugfs")?;
    let _mounted = Mounted::debugfs(place)?;
    attached(expect).context("with debugfs")?;
    let doctor = Command::new(binary()).arg("doctor").output()?;
    let told = String::from_utf8_lossy(&doctor.stdout);
    let line = told.lines().find(|line| line.starts_with("auto "));
    let line = line.context("auklet doctor does not tell the order")?;
    println!("{line}");
    if line.split_whitespace().nth(1) != Some(&format!("{expect},")) {
        bail!("expected {expect} first: {line}");
    }
    Ok(())
}

fn attached(expect: &str) -> Result<()> {
    let mut sensor = Sensor::start(&["--json", "--opens", "none", "--socket", "none"])?;
    let ready = sensor.wait_for("ready", |v| v["type"] == "ready")?;
    if ready["attach"] != expect {
        bail!("expected {expect}: {ready}");
    }
    sensor.stop().map(|_| ())
}
