//! Messages to audit: who sent them, and that one which the kernel refuses is none.

use std::{fs, os::unix::process::CommandExt as _, process::Command};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    json::{bytes, same_bytes, same_number},
    parity::driver,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[lone("accounts/messages, taken and refused", messages)];

/// Nobody else's.
const AUID: u32 = 7333;
const SENDER: u32 = 1234;
/// CAP_AUDIT_WRITE for who is not root, and for none.
const MAY: &[&str] = &["--inh-caps=+audit_write", "--ambient-caps=+audit_write"];
const MAY_NOT: &[&str] = &[];
/// AUDIT_USER, AUDIT_USER_LOGIN, the last of the second range.
const KINDS: [(u16, &str); 3] = [
    (1005, "USER"),
    (1112, "USER_LOGIN"),
    (2999, "UNKNOWN[2999]"),
];
/// On both sides of what fits a short record, with the NUL behind it; and what is told in part only.
const LENGTHS: [usize; 5] = [1, 1023, 1024, 5000, 8560];

/// Sends, and ends. True if the kernel took it.
fn tell(capabilities: &[&str], kind: u16, text: &str) -> Result<(u32, bool)> {
    let mut sender = Command::new("setpriv");
    sender
        .args([&format!("--reuid={SENDER}"), "--clear-groups"])
        .args(capabilities)
        .arg(driver())
        .args(["act", "tell", &kind.to_string(), text]);
    // SAFETY: only system calls that are safe between fork and exec: open, write, close.
    unsafe {
        sender.pre_exec(|| fs::write("/proc/self/loginuid", AUID.to_string()));
    }
    let mut sender = sender.spawn()?;
    Ok((sender.id(), sender.wait()?.success()))
}

fn messages(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("this machine's audit is told nothing"));
    }
    let mut sensor = Sensor::start(&["--attach", &ctx.plan, "--events", "--opens", "none"])?;
    let (refused, took) = tell(MAY_NOT, KINDS[0].0, "refused")?;
    if took {
        bail!("the kernel took a message of a sender without CAP_AUDIT_WRITE");
    }
    let kinds = KINDS.map(|(number, name)| (number, name, "a 'text'".to_owned()));
    let lengths = LENGTHS.map(|length| (KINDS[1].0, KINDS[1].1, "x".repeat(length)));
    for (number, name, text) in kinds.into_iter().chain(lengths) {
        let (pid, took) = tell(MAY, number, &text)?;
        if !took {
            bail!("the kernel refused {name} of {} bytes", text.len());
        }
        let event = sensor.wait_for(name, |v| v["hook"] == "message" && v["who"]["pid"] == pid)?;
        sent(&event, name, &text)?;
    }
    // What came before the last came before it.
    let is_refused = |v: &Value| v["hook"] == "message" && v["who"]["pid"] == refused;
    if let Some(event) = sensor.all(is_refused).first() {
        bail!("a refused message is told: {event}");
    }
    let status = sensor.stop()?;
    if status["lost_total"] != 0 {
        bail!("lost: {status}");
    }
    Ok(())
}

fn sent(event: &Value, kind: &str, text: &str) -> Result<()> {
    same_number(event, "/who/uid", SENDER.into())?;
    same_number(event, "/who/euid", SENDER.into())?;
    same_number(event, "/who/auid", AUID.into())?;
    same_bytes(event, "/who/exe", driver().as_os_str().as_encoded_bytes())?;
    same_bytes(event, "/message/text", text.as_bytes())?;
    let named = event.pointer("/message/kind").and_then(bytes);
    if named.as_deref() != Some(kind.as_bytes()) {
        bail!("expected {kind}: {event}");
    }
    Ok(())
}
