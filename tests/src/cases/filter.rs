//! What leaves the kernel when the rules decide: opens that write, and reads of the names that a rule
//! wants; nothing of the sensor's own.

use std::{fs, path::Path};

use anyhow::{Result, bail};

use super::open::{openat, openat2};
use crate::{
    harness::{Lone, LoneCtx, lone},
    json::bytes,
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[lone("filter/opens", opens)];

fn opens(ctx: &LoneCtx) -> Result<()> {
    let plans: &[&str] = if ctx.native {
        &["tracepoint"]
    } else {
        &["fentry", "kprobe", "tracepoint"]
    };
    for plan in plans {
        let dir = ctx.dir.join(plan);
        fs::create_dir_all(dir.join(".ssh"))?;
        one(plan, &dir)?;
    }
    Ok(())
}

fn one(plan: &str, dir: &Path) -> Result<()> {
    let log = dir.join("audit.log").display().to_string();
    let keys = dir.join(".ssh/authorized_keys");
    let plain = dir.join("plain");
    for path in [&keys, &plain] {
        fs::write(path, "x")?;
    }
    let mut sensor = Sensor::start(&["--attach", plan, "--events", "--audit-log", &log])?;
    let at = libc::AT_FDCWD;
    // (path, flags, wanted): the shipped rules watch reads of authorized_keys.
    let acts = [
        (&plain, libc::O_RDONLY, false),
        (&plain, libc::O_RDONLY | libc::O_DIRECTORY, false),
        (&keys, libc::O_RDONLY, true),
        (&plain, libc::O_WRONLY, true),
        (&plain, libc::O_RDWR | libc::O_TRUNC, true),
    ];
    let mut expect = Vec::new();
    for (path, flags, wanted) in acts {
        openat(at, path, flags, 0)?;
        openat2(path, flags, 0)?;
        if wanted {
            let flags = i64::from(flags);
            expect.extend([
                ("openat", path.clone(), flags),
                ("openat2", path.clone(), flags),
            ]);
        }
    }
    let end = dir.join("end");
    openat(at, &end, libc::O_CREAT | libc::O_WRONLY, 0o600)?;
    let named = |v: &serde_json::Value, path: &Path| {
        let items = v["paths"].as_array().and_then(|items| items.last());
        let name = items.and_then(|item| bytes(&item["name"]));
        name.is_some_and(|name| name == path.as_os_str().as_encoded_bytes())
    };
    sensor.wait_for("the last open", |v| v["hook"] == "open" && named(v, &end))?;
    let me = std::process::id();
    let mine = sensor.all(|v| v["hook"] == "open" && v["who"]["pid"] == me && !named(v, &end));
    let came: Vec<_> = mine
        .iter()
        .map(|v| (&v["syscall"]["name"], &v["open"]["flags"]))
        .collect();
    let same = mine.len() == expect.len()
        && mine.iter().zip(&expect).all(|(v, (call, path, flags))| {
            v["syscall"]["name"] == *call && v["open"]["flags"] == *flags && named(v, path)
        });
    if !same {
        bail!("{plan}: expected {expect:?}, came {came:?}");
    }
    let sensor_pid = sensor.pid();
    let own = sensor.all(|v| v["who"]["pid"] == sensor_pid);
    if let Some(own) = own.first() {
        bail!("{plan}: the sensor saw itself: {own}");
    }
    sensor.stop().map(|_| ())
}
