//! What must fail, with one clear line and nothing lost.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    sensor::binary,
};

pub(crate) const CASES: &[Lone] = &[
    lone("bad input/not root", not_root),
    lone("bad input/no BTF", no_btf),
    lone("bad input/another pid namespace", pid_namespace),
    lone("bad input/unknown attach plan", unknown_plan),
    lone("bad input/missing rule file", missing_rules),
    lone("bad input/broken rule file", broken_rules),
    lone("bad input/log is a link", log_is_a_link),
    lone("bad input/full disk", full_disk),
];

/// Runs a command that must end by itself, badly, with a message that has all of `words`.
fn refused(command: &mut Command, words: &[&str]) -> Result<()> {
    let output = ends(command)?;
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        bail!("it succeeded: {message}");
    }
    let about: Vec<&str> = message
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with("For more information"))
        .collect();
    if about.len() != 1 {
        bail!("not one line: {message}");
    }
    for word in words {
        if !message.contains(word) {
            bail!("no {word:?} in: {message}");
        }
    }
    Ok(())
}

fn ends(command: &mut Command) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            let output = child.wait_with_output()?;
            bail!(
                "it did not end: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(child.wait_with_output()?)
}

fn auklet(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("run").args(args).env("AUKLET_LOG", "error");
    command
}

fn not_root(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("the binary is in a directory that others can't read"));
    }
    refused(auklet(&[]).uid(1234).gid(1234), &["must run as root"])
}

fn no_btf(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("it needs a mount namespace; guests only"));
    }
    let script = "mount -t tmpfs none /sys/kernel/btf && exec \"$0\" run";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(binary());
    refused(
        &mut command,
        &["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF"],
    )
}

fn pid_namespace(_: &LoneCtx) -> Result<()> {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork"]).arg(binary()).arg("run");
    refused(&mut command, &["the host's pid namespace"])
}

fn unknown_plan(_: &LoneCtx) -> Result<()> {
    refused(
        &mut auklet(&["--attach", "magic"]),
        &[
            "unknown attach plan \"magic\"",
            "fentry, kprobe, tracepoint or auto",
        ],
    )
}

fn missing_rules(ctx: &LoneCtx) -> Result<()> {
    let path = ctx.dir.join("none.yml");
    let path = path.display().to_string();
    refused(&mut auklet(&["--rules", &path]), &[&path, "No such file"])
}

fn broken_rules(ctx: &LoneCtx) -> Result<()> {
    let path = ctx.dir.join("broken.yml");
    fs::write(&path, "title: x\nid: [\n")?;
    let shown = path.display().to_string();
    refused(&mut auklet(&["--rules", &shown]), &[&format!("{shown}:")])
}

fn log_is_a_link(ctx: &LoneCtx) -> Result<()> {
    let link = ctx.dir.join("audit.log");
    std::os::unix::fs::symlink("/tmp/elsewhere", &link)?;
    let shown = link.display().to_string();
    refused(
        &mut auklet(&["--audit-log", &shown]),
        &["open audit log", &shown],
    )
}

/// A file system of 64 KiB; execs until it is full.
fn full_disk(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("it mounts a file system; guests only"));
    }
    let mount = ctx.dir.join("small");
    fs::create_dir(&mount)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&mount)
        .status()?;
    if !mounted.success() {
        bail!("mount: {mounted}");
    }
    let result = fill(ctx, &mount.join("audit.log"));
    let _gone = Command::new("umount").arg(&mount).status().is_ok();
    result
}

fn fill(ctx: &LoneCtx, log: &Path) -> Result<()> {
    let shown = log.display().to_string();
    let mut command = auklet(&[
        "--attach",
        &ctx.plan,
        "--opens",
        "none",
        "--audit-log",
        &shown,
    ]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let end = Instant::now() + Duration::from_secs(90);
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            bail!(
                "it never ended; the log has {} bytes",
                fs::metadata(log).map_or(0, |m| m.len())
            );
        }
        Command::new("/bin/true").arg("x".repeat(2000)).status()?;
    }
    let output = child.wait_with_output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.success()
        || !message.contains("No space left on device")
        || message.lines().count() != 1
    {
        bail!("{}: {message}", output.status);
    }
    let text = fs::read_to_string(log)?;
    let last = text.lines().last().unwrap_or_default();
    if !text.ends_with('\n') || !last.starts_with("type=PROCTITLE") {
        bail!("the log does not end with a whole event: {last:?}");
    }
    Ok(())
}
