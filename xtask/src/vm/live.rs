//! A guest that can be put back: its state is saved once, and taken again before each of many runs.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::{Guest, image, qemu};
use crate::command::{command, quiet};

/// How the monitor asks for more.
const PROMPT: &[u8] = b"(qemu) ";
/// The saved state's name.
const STATE: &str = "ready";

/// A running guest: lines go in and come out.
pub(crate) struct Live {
    qemu: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    monitor: UnixStream,
    /// Holds its image and its state.
    dir: TempDir,
}

impl Live {
    /// Boots it.
    pub(crate) fn boot(guest: &Guest<'_>) -> Result<Self> {
        let dir = tempfile::tempdir().context("make a directory for the guest")?;
        image::write(guest, dir.path())?;
        let state = dir.path().join("state.qcow2");
        // Holds saved states only; the guest does not see it.
        quiet(
            command(&["qemu-img", "create", "-q", "-f", "qcow2"])
                .arg(&state)
                .arg("16G"),
        )?;
        let socket = dir.path().join("monitor");
        let mut command = qemu(guest, dir.path())?;
        command
            .arg("-monitor")
            .arg(format!("unix:{},server=on,wait=off", socket.display()));
        command.arg("-drive").arg(format!(
            "if=none,format=qcow2,id=state,file={}",
            state.display()
        ));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut qemu = command
            .spawn()
            .context("start qemu-system-x86_64 (run `cargo xtask setup`)")?;
        let input = qemu.stdin.take().context("no input")?;
        let output = qemu.stdout.take().context("no output")?;
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let monitor = connect(&socket)?;
        let mut live = Self {
            qemu,
            input,
            lines,
            monitor,
            dir,
        };
        live.answer()?;
        Ok(live)
    }

    /// The next line that starts so, without that start.
    pub(crate) fn line(&mut self, start: &str, patience: Duration) -> Result<String> {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(start) {
                        return Ok(rest.to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{start:?} did not come in {} s", patience.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("the guest ended; {}", self.console()),
            }
        }
    }

    /// A line for the guest.
    pub(crate) fn send(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").context("write to the guest")
    }

    /// Keeps the state that it is in.
    pub(crate) fn save(&mut self) -> Result<()> {
        self.ask(&format!("savevm {STATE}"))
    }

    /// Puts it back into the state kept.
    pub(crate) fn restore(&mut self) -> Result<()> {
        self.ask(&format!("loadvm {STATE}"))
    }

    fn ask(&mut self, question: &str) -> Result<()> {
        writeln!(self.monitor, "{question}").context("write to QEMU's monitor")?;
        let answer = self.answer()?;
        if answer.contains("Error") {
            bail!("{question}: {answer}");
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<String> {
        let mut told = Vec::new();
        let mut part = [0; 4096];
        while !told.ends_with(PROMPT) {
            let length = self
                .monitor
                .read(&mut part)
                .context("read QEMU's monitor")?;
            if length == 0 {
                bail!("QEMU's monitor ended");
            }
            told.extend_from_slice(&part[..length]);
        }
        Ok(String::from_utf8_lossy(&told).into_owned())
    }

    fn console(&self) -> String {
        let log = std::fs::read(self.dir.path().join("console")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let tail: Vec<&str> = log.lines().rev().take(10).collect();
        tail.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ended = self.qemu.kill().is_ok();
        let _reaped = self.qemu.wait().is_ok();
    }
}

/// QEMU makes the socket soon after its start.
fn connect(socket: &Path) -> Result<UnixStream> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                stream.set_read_timeout(Some(Duration::from_secs(120)))?;
                return Ok(stream);
            }
            Err(error) if Instant::now() > end => return Err(error).context("QEMU's monitor"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
