//! Opens that io_uring makes: no system call names the file, the rules see it all the same.

use std::{fs, os::unix::ffi::OsStrExt as _, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    harness::{Lone, LoneCtx, lone, skip},
    json::bytes,
    parity::driver,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[lone("open/by io_uring", by_ring)];

const TITLE: &str = "Process seen accessing the SSH authorized keys file in an unusual way";

fn by_ring(ctx: &LoneCtx) -> Result<()> {
    if ctx.native {
        return Err(skip("the tracepoint plan sees nothing of io_uring"));
    }
    ["fentry", "kprobe"]
        .into_iter()
        .try_for_each(|plan| one(ctx, plan).context(plan))
}

fn one(ctx: &LoneCtx, plan: &str) -> Result<()> {
    let dir = ctx.dir.join(plan);
    fs::create_dir_all(dir.join(".ssh"))?;
    let keys = dir.join(".ssh/authorized_keys");
    let mut sensor = Sensor::start(&["--attach", plan, "--events", "--json"])?;
    // What is new is opened by a worker, what is there by the caller itself.
    for (flags, created) in [
        (libc::O_CREAT | libc::O_WRONLY, true),
        (libc::O_WRONLY, false),
    ] {
        sensor.forget();
        // A file is compared when its writer has ended.
        let mut child = Command::new(driver());
        let mut child = child
            .args(["act", "ring"])
            .arg(&keys)
            .arg(flags.to_string())
            .spawn()?;
        let pid = child.id();
        match child.wait()?.code() {
            Some(0) => {}
            Some(2) => return Err(skip("this kernel has no io_uring")),
            _ => bail!("open by io_uring failed"),
        }
        let alert = sensor.wait_for(TITLE, |v| v["type"] == "alert" && v["title"] == TITLE)?;
        if alert["process"]["pid"] != pid {
            bail!("of another process: {alert}");
        }
        let event = sensor.wait_for("the operation", |v| {
            let opened = v["aux"].as_array().into_iter().flatten();
            let mut opened = opened.filter(|aux| aux["type"] == "opened");
            opened.any(|aux| bytes(&aux["path"]).as_deref() == Some(keys.as_os_str().as_bytes()))
        })?;
        let opened = &event["aux"][0];
        if opened["created"] != created {
            bail!("created: {event}");
        }
    }
    sensor.stop().map(|_| ())
}
