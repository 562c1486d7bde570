//! A running `auklet`, and the lines that it prints.

use std::{
    collections::VecDeque,
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Emulated machines are slow; nothing here waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(180);
/// The kernel verifies the programs first: minutes where the machine below has other work.
const START: Duration = Duration::from_secs(600);
/// Lines kept for questions that come later.
const KEPT: usize = 60_000;

/// Lines of standard output: JSON, and when each was read; and others.
#[derive(Default)]
struct Lines {
    parsed: Mutex<VecDeque<(Instant, Value)>>,
    /// Those that are not JSON.
    text: Mutex<VecDeque<String>>,
    more: Condvar,
}

pub(crate) struct Sensor {
    child: Child,
    lines: Arc<Lines>,
}

/// The binary under test.
pub(crate) fn binary() -> std::ffi::OsString {
    env::var_os("AUKLET_BIN").unwrap_or_else(|| "/usr/local/bin/auklet".into())
}

impl Sensor {
    /// Starts `auklet run` and waits until its hooks are attached.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        Self::start_with(args, Stdio::inherit())
    }

    /// The same, and its log goes there.
    pub(crate) fn start_with(args: &[&str], log: impl Into<Stdio>) -> Result<Self> {
        let mut child = Command::new(binary())
            .arg("run")
            .args(args)
            .env("AUKLET_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("start auklet")?;
        let lines = Arc::new(Lines::default());
        let output = child.stdout.take().context("no output")?;
        let reader = lines.clone();
        thread::spawn(move || read(output, &reader));
        let mut sensor = Self { child, lines };
        let ready = sensor.wait_timed("the ready line", START, |v| v["type"] == "ready");
        if let Err(error) = ready {
            let _ended = sensor.child.kill().is_ok();
            return Err(error);
        }
        Ok(sensor)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line that fits, now or soon.
    pub(crate) fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.wait_timed(what, PATIENCE, fits)
            .map(|(_, value)| value)
    }

    /// The same, and when it was read.
    pub(crate) fn wait_timed(
        &mut self,
        what: &str,
        patience: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(Instant, Value)> {
        let end = Instant::now() + patience;
        let Ok(mut parsed) = self.lines.parsed.lock() else {
            bail!("the reader died")
        };
        loop {
            if let Some(found) = parsed.iter().find(|(_, value)| fits(value)) {
                return Ok(found.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{what} did not come within {} s", patience.as_secs());
            }
            let Ok((guard, _)) = self.lines.more.wait_timeout(parsed, left) else {
                bail!("the reader died")
            };
            parsed = guard;
        }
    }

    /// All lines so far that fit.
    pub(crate) fn all(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let Ok(parsed) = self.lines.parsed.lock() else {
            return Vec::new();
        };
        parsed
            .iter()
            .filter(|(_, value)| fits(value))
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Lines so far that are not JSON.
    pub(crate) fn text(&self) -> Vec<String> {
        let text = self.lines.text.lock();
        text.map(|lines| lines.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Forgets what was printed so far.
    pub(crate) fn forget(&self) {
        if let Ok(mut parsed) = self.lines.parsed.lock() {
            parsed.clear();
        }
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: kill has no memory effects; the pid is our own child's, which is not yet reaped.
        unsafe { libc::kill(self.child.id().cast_signed(), signal) };
    }

    /// Ends it in good order and gives its closing status.
    pub(crate) fn stop(mut self) -> Result<Value> {
        self.forget();
        self.signal(libc::SIGTERM);
        let status = self.wait_for("the closing status", |v| v["type"] == "status")?;
        let code = self.child.wait().context("wait for auklet")?;
        if !code.success() {
            bail!("auklet ended with {code}");
        }
        Ok(status)
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ended = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

fn read(output: impl std::io::Read, lines: &Lines) {
    for line in BufReader::with_capacity(1 << 20, output).split(b'\n') {
        let Ok(line) = line else { return };
        let Ok(value) = serde_json::from_slice(&line) else {
            if let Ok(mut text) = lines.text.lock() {
                text.push_back(String::from_utf8_lossy(&line).into_owned());
                text.truncate(KEPT);
            }
            continue;
        };
        let Ok(mut parsed) = lines.parsed.lock() else {
            return;
        };
        parsed.push_back((Instant::now(), value));
        if parsed.len() > KEPT {
            parsed.pop_front();
        }
        lines.more.notify_all();
    }
}
