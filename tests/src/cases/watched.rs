//! Watched files are remembered: what is changed while no sensor runs is told when the next one starts.
//! What is done while it runs is in tests/data/scenarios.

use std::{process::Command, time::Duration};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, Skip, lone},
    json::bytes,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[lone("watched/down", down)];

const KEYS: &str = "/home/ann/.ssh/authorized_keys";

/// What every case starts from.
const BEFORE: &str = "id ann >/dev/null 2>&1 || useradd -m ann
id eve >/dev/null 2>&1 || useradd -m eve
rm -rf /home/ann/.ssh /home/ann/old /tmp/w /srv/w; mkdir -p /tmp/w /srv/w
install -d -o ann -g ann -m 700 /home/ann/.ssh
echo ssh-ed25519 AAAA ann@home > /home/ann/.ssh/authorized_keys
chown ann:ann /home/ann/.ssh/authorized_keys; chmod 600 /home/ann/.ssh/authorized_keys";

fn guest_only(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        bail!(Skip("it changes accounts: guests only".to_owned()));
    }
    Ok(())
}

/// From a file: with -c the shell's own arguments would be evidence.
fn shell(script: &str) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), script)?;
    let status = Command::new("bash").arg(file.path()).status()?;
    if !status.success() {
        bail!("{script:?} ended with {status}");
    }
    Ok(())
}

fn is_alert(value: &Value, title: &str, object: &str) -> bool {
    let text = |name: &str| bytes(&value[name]).unwrap_or_default();
    value["type"] == "alert"
        && text("title") == title.as_bytes()
        && text("object") == object.as_bytes()
}

/// What is changed while no sensor runs is told when the next one starts.
fn down(ctx: &LoneCtx) -> Result<()> {
    guest_only(ctx)?;
    shell(BEFORE)?;
    let state = ctx.dir.join("state").display().to_string();
    let args = ["--json", "--attach", &ctx.plan, "--state", &state];
    Sensor::start(&args)?.stop()?;
    shell("echo ssh-rsa BBBB intruder >> /home/ann/.ssh/authorized_keys")?;
    let mut sensor = Sensor::start(&args)?;
    let added = sensor.wait_for("the added key", |v| is_alert(v, "New SSH key added", KEYS))?;
    let matched = added["matched"].to_string();
    if !matched.contains("intruder") {
        bail!("without the key: {added}");
    }
    sensor.stop()?;
    // Told once.
    let sensor = Sensor::start(&args)?;
    std::thread::sleep(Duration::from_secs(2));
    let again = sensor.all(|v| v["type"] == "alert");
    sensor.stop()?;
    if !again.is_empty() {
        bail!("told again: {again:?}");
    }
    Ok(())
}
