//! Records as text: what `--records` prints and `--audit-log` writes, and that ausearch reads it.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[
    lone("records/ausearch reads the log", ausearch),
    lone("records/printed", printed),
    lone("records/arguments beyond the bound", bound),
];

/// Runs a program with a marker under a sensor that writes a log.
fn logged(ctx: &LoneCtx, log: &Path) -> Result<()> {
    let path = log.to_str().context("a path in UTF-8")?;
    let mut sensor = Sensor::start(&[
        "--attach",
        &ctx.plan,
        "--events",
        "--audit-log",
        path,
        "--opens",
        "none",
    ])?;
    let mut child = Command::new("/bin/true")
        .args(["marker one", "caf\u{e9}", ""])
        .spawn()?;
    let pid = child.id();
    child.wait()?;
    sensor.wait_for("the exec", |v| {
        v["hook"] == "execve" && v["who"]["pid"] == pid
    })?;
    sensor.stop()?;
    Ok(())
}

fn ausearch(ctx: &LoneCtx) -> Result<()> {
    if ctx.native || !Path::new("/sbin/ausearch").exists() {
        return Err(skip("no ausearch here"));
    }
    let log = ctx.dir.join("audit.log");
    logged(ctx, &log)?;
    if fs::metadata(&log)?.mode() & 0o7777 != 0o600 {
        bail!("the log's mode is {:o}", fs::metadata(&log)?.mode());
    }
    let text = fs::read_to_string(&log)?;
    let order = [
        "type=SYSCALL",
        "type=EXECVE",
        "type=CWD",
        "type=PATH",
        "type=PROCTITLE",
    ];
    let expect = "argc=4 a0=\"/bin/true\" a1=6D61726B6572206F6E65 a2=636166C3A9 a3=\"\"";
    if !text.contains(expect)
        || !order.iter().all(|kind| text.contains(kind))
        || text.contains("type=EOE")
    {
        bail!("the log has not what it should:\n{text}");
    }
    let output = Command::new("/sbin/ausearch")
        .args(["-if"])
        .arg(&log)
        .args(["-i", "-sc", "execve"])
        .output()?;
    let shown = String::from_utf8_lossy(&output.stdout);
    let wanted = [
        "type=EXECVE",
        "a1=marker one",
        "type=PROCTITLE",
        "proctitle=/bin/true marker one",
        "syscall=execve",
        "success=yes",
    ];
    for want in wanted {
        if !shown.contains(want) {
            bail!(
                "ausearch -i ({}) does not show {want:?}:\n{shown}",
                output.status
            );
        }
    }
    Ok(())
}

/// `--records`: the same text, and EOE behind it, as auditd's plug-ins get it.
fn printed(ctx: &LoneCtx) -> Result<()> {
    let plan = ctx.plan.as_str();
    let mut sensor =
        Sensor::start(&["--attach", plan, "--records", "--events", "--opens", "none"])?;
    let mut child = Command::new("/bin/true").arg("printed marker").spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = sensor.wait_for("the exec", |v| {
        v["hook"] == "execve" && v["who"]["pid"] == pid
    })?;
    let id = format!(":{}): ", event["serial"]);
    let lines: Vec<String> = sensor
        .text()
        .into_iter()
        .filter(|line| line.contains(&id))
        .collect();
    let kind = |line: &String| line.split([' ', '=']).nth(1).unwrap_or_default().to_owned();
    let mut kinds: Vec<String> = lines.iter().map(kind).collect();
    kinds.dedup();
    // Audit notes each exec of a root that lacks a capability.
    kinds.retain(|kind| kind != "BPRM_FCAPS");
    let expect = ["SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE", "EOE"];
    let argument = "a1=7072696E746564206D61726B6572";
    let told = |line: &&String| line.starts_with("type=EXECVE") && line.ends_with(argument);
    if kinds != expect || lines.iter().filter(|line| told(line)).count() != 1 {
        bail!("printed:\n{}", lines.join("\n"));
    }
    sensor.stop().map(|_| ())
}

fn bound(ctx: &LoneCtx) -> Result<()> {
    let mut sensor = Sensor::start(&[
        "--attach",
        &ctx.plan,
        "--events",
        "--opens",
        "none",
        "--argv-bytes",
        "20000",
    ])?;
    let mut child = Command::new("/bin/true").arg("x".repeat(60_000)).spawn()?;
    let pid = child.id();
    child.wait()?;
    let event = sensor.wait_for("the exec", |v| {
        v["hook"] == "execve" && v["who"]["pid"] == pid
    })?;
    crate::json::same_bool(&event, "/exec/truncated", true)?;
    crate::json::same_number(&event, "/exec/argv_bytes", 60_001 + 10)?;
    let kept: usize = event["exec"]["argv"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|a| Some(a.as_str()?.len()))
        .sum();
    if !(19_000..=20_000).contains(&kept) {
        bail!("{kept} bytes of arguments were kept");
    }
    sensor.stop().map(|_| ())
}
