//! Attacks and innocents, one at a time, beside a sensor that runs already.
//!
//! `cargo xtask scenarios` saves the guest's state once the driver says `scenarios ready`, and takes it again for
//! each case: every case finds the same machine, with the sensor's memory as it was at the start. It names the
//! case on the serial line; the driver runs it and says what was raised.

mod cases;

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::cases::{Case, Kind};
use crate::{json::bytes, sensor::Sensor};

/// How long an alert may take on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an innocent is watched after its end.
const QUIET: Duration = Duration::from_secs(4);
/// The line that names cases; init has set it raw.
const LINE: &str = "/dev/ttyS1";
/// Users, keys, servers: what each machine of the cases has.
const MACHINE: &str = include_str!("../../data/scenarios/machine.sh");

#[derive(clap::Args)]
pub(crate) struct Selection {
    /// Print the names of the cases and end.
    #[arg(long)]
    list: bool,
    /// Run this case only, without asking the serial line.
    #[arg(long)]
    case: Option<String>,
}

pub(crate) fn scenarios(selection: &Selection) -> ExitCode {
    match host(selection) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("scenarios: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn host(selection: &Selection) -> Result<()> {
    let cases = cases::all()?;
    for case in cases.iter().filter(|_| selection.list) {
        println!("case {}", case.name);
    }
    if selection.list {
        return Ok(());
    }
    shell(MACHINE)?;
    let mut sensor = Sensor::start(&["--json"])?;
    if let Some(name) = &selection.case {
        return run(&mut sensor, &cases, name).map(|line| println!("{line}"));
    }
    println!("scenarios ready");
    let line = BufReader::new(File::open(LINE).context(LINE)?);
    for line in line.lines() {
        // `NUMBER NAME`: the number comes back, so that an answer can't be taken for another's.
        let line = line?;
        let Some((number, name)) = line.trim().split_once(' ') else {
            continue;
        };
        let answer =
            run(&mut sensor, &cases, name).unwrap_or_else(|error| format!("BROKEN {error:#}"));
        println!("result {number} {answer}");
    }
    Ok(())
}

/// `ok MS`, `MISSED`, `FALSE`, and what was raised.
fn run(sensor: &mut Sensor, cases: &[Case], name: &str) -> Result<String> {
    let case = cases
        .iter()
        .find(|case| case.name == name)
        .context("no such case")?;
    shell(&case.before)?;
    // What the preparation raised is not the case's.
    if !case.before.trim().is_empty() {
        thread::sleep(Duration::from_secs(1));
    }
    sensor.forget();
    let start = Instant::now();
    let mut act = act(&case.act)?;
    let mut when = None;
    if case.kind == Kind::Attack {
        for title in &case.alerts {
            let fits = |value: &Value| is_alert(value, title, case.object.as_deref());
            when = sensor.wait_timed(title, PATIENCE, fits).ok();
            if when.is_none() {
                break;
            }
        }
    }
    let succeeded = wait(&mut act)?;
    match case.kind {
        Kind::Innocent => thread::sleep(QUIET),
        Kind::Attack if when.is_none() && !succeeded => bail!("the act failed"),
        Kind::Attack => (),
    }
    let when = when.map(|(when, _)| when);
    let raised = sensor.all(|value| value["type"] == "alert");
    let loud = raised.iter().any(|alert| alert["level"] != "informational");
    let verdict = match (case.kind, when) {
        (Kind::Attack, Some(when)) => {
            format!("ok {}", when.saturating_duration_since(start).as_millis())
        }
        (Kind::Attack, None) => "MISSED".to_owned(),
        (Kind::Innocent, _) if loud => "FALSE".to_owned(),
        (Kind::Innocent, _) => "ok 0".to_owned(),
    };
    let told: Vec<String> = raised.iter().map(told).collect();
    Ok(format!("{verdict} | {}", told.join("; ")))
}

fn is_alert(value: &Value, title: &str, object: Option<&str>) -> bool {
    let text = |name: &str| bytes(&value[name]).unwrap_or_default();
    value["type"] == "alert"
        && text("title") == title.as_bytes()
        && object.is_none_or(|object| text("object") == object.as_bytes())
}

/// An alert in a few words.
fn told(alert: &Value) -> String {
    let text = |name: &str| {
        let value = bytes(&alert[name]).unwrap_or_default();
        String::from_utf8_lossy(&value).replace(['\n', '\r', ';', '|'], " ")
    };
    format!("{} [{}] {}", text("title"), text("level"), text("object"))
}

/// From a file: with -c the shell's own arguments would be evidence.
fn act(script: &str) -> Result<std::process::Child> {
    let file = tempfile::Builder::new().prefix("case").tempfile()?;
    std::fs::write(&file, script)?;
    let (_, path) = file.keep()?;
    Command::new("bash")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("bash")
}

/// Whether it succeeded. What does not end is ended: a case's background is its own.
fn wait(act: &mut std::process::Child) -> Result<bool> {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(status) = act.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(20));
    }
    act.kill()?;
    bail!("the act did not end")
}

fn shell(script: &str) -> Result<()> {
    let output = Command::new("bash")
        .args(["-ec", script])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("preparing failed ({}): {told}", output.status);
    }
    Ok(())
}
