//! Watched files: real acts by real tools, and by every other name that a file can have; the alerts of the
//! shipped rules, and none for the innocent.

mod attacks;
mod innocents;

use std::{process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::{attacks::Attack, innocents::INNOCENTS};
use crate::{
    harness::{Lone, LoneCtx, Skip, lone},
    json::bytes,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[
    lone("watched/keys", |ctx| raise(ctx, attacks::KEYS)),
    lone("watched/tasks", |ctx| raise(ctx, attacks::TASKS)),
    lone("watched/startup", |ctx| raise(ctx, attacks::STARTUP)),
    lone("watched/accounts", |ctx| raise(ctx, attacks::ACCOUNTS)),
    lone("watched/innocents", innocents),
    lone("watched/down", down),
];

const KEYS: &str = "/home/ann/.ssh/authorized_keys";

/// What every case starts from.
const BEFORE: &str = "id ann >/dev/null 2>&1 || useradd -m ann
id eve >/dev/null 2>&1 || useradd -m eve
rm -rf /home/ann/.ssh /home/ann/old /tmp/w /srv/w; mkdir -p /tmp/w /srv/w
install -d -o ann -g ann -m 700 /home/ann/.ssh
echo ssh-ed25519 AAAA ann@home > /home/ann/.ssh/authorized_keys
chown ann:ann /home/ann/.ssh/authorized_keys; chmod 600 /home/ann/.ssh/authorized_keys";

/// How long an emulated machine may take.
const PATIENCE: Duration = Duration::from_secs(30);

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

fn raise(ctx: &LoneCtx, attacks: &[Attack]) -> Result<()> {
    guest_only(ctx)?;
    let mut missed = Vec::new();
    for attack in attacks {
        shell(BEFORE)?;
        shell(attack.before)?;
        // Each under a sensor of its own: what it knows is what was there before.
        let mut sensor = Sensor::start(&["--json", "--attach", &ctx.plan])?;
        shell(attack.act).with_context(|| attack.name)?;
        for (title, object) in attack.raises {
            let found = sensor.wait_timed(title, PATIENCE, |v| is_alert(v, title, object));
            if found.is_err() {
                let came = sensor.all(|v| v["type"] == "alert");
                let came = came
                    .iter()
                    .map(|v| format!("{} {}", v["title"], v["object"]));
                missed.push(format!(
                    "{}: {title} {object}: {:?}",
                    attack.name,
                    came.collect::<Vec<_>>()
                ));
            }
        }
        sensor.stop()?;
        shell(attack.after)?;
    }
    println!(
        "  {} attacks, {} alerts missed",
        attacks.len(),
        missed.len()
    );
    if !missed.is_empty() {
        bail!("{}", missed.join("\n"));
    }
    Ok(())
}

fn innocents(ctx: &LoneCtx) -> Result<()> {
    guest_only(ctx)?;
    shell(BEFORE)?;
    let sensor = Sensor::start(&["--json", "--attach", &ctx.plan])?;
    let mut wrong = Vec::new();
    for (name, act) in INNOCENTS {
        shell(act).with_context(|| *name)?;
        std::thread::sleep(Duration::from_secs(2));
        for alert in sensor.all(|v| v["type"] == "alert" && v["level"] != "informational") {
            wrong.push(format!(
                "{name}: {} [{}] {}",
                alert["title"], alert["level"], alert["object"]
            ));
        }
        sensor.forget();
    }
    sensor.stop()?;
    println!(
        "  {} innocents, {} alerts above informational",
        INNOCENTS.len(),
        wrong.len()
    );
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
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
