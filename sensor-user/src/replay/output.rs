//! Where a replay's alerts, records and events go: standard output, as `auklet run` writes them.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};

use anyhow::{Context as _, Result};
use auklet_rules::{Alert, render};
use serde_json::Value;

use super::{Replayed, command::ReplayArgs};
use crate::{alerting, json, records};

pub(super) struct Output {
    out: BufWriter<Stdout>,
    records: bool,
    events: bool,
    json: bool,
    terminal: bool,
    /// Events whose records were printed as the log has them.
    pub(super) as_logged: u64,
    pub(super) alerts: u64,
    made: Vec<u8>,
    logged: Vec<u8>,
}

impl Output {
    pub(super) fn new(args: &ReplayArgs) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            records: args.records,
            events: args.events,
            json: args.json,
            terminal: io::stdout().is_terminal(),
            as_logged: 0,
            alerts: 0,
            made: Vec::new(),
            logged: Vec::new(),
        }
    }

    pub(super) fn alert(&mut self, alert: &Alert) -> Result<()> {
        self.alerts += 1;
        if !self.json {
            let text = render(alert, self.terminal);
            return self.out.write_all(text.as_bytes()).context(STDOUT);
        }
        self.line(&alerting::to_json(alert)?)
    }

    pub(super) fn event(&mut self, replayed: &Replayed) -> Result<()> {
        if self.records {
            self.made.clear();
            self.logged.clear();
            records::format(&replayed.event, &mut self.made);
            replayed.as_logged(&mut self.logged);
            self.as_logged += u64::from(self.made != self.logged);
            // Made from the event, or what it can't make: the same bytes.
            self.text()?;
        }
        if self.events {
            json::write(&replayed.event, &mut self.out).context(STDOUT)?;
        }
        Ok(())
    }

    /// Records may hold what a terminal obeys: a message's text is its sender's.
    fn text(&mut self) -> Result<()> {
        if !self.terminal {
            return self.out.write_all(&self.logged).context(STDOUT);
        }
        for byte in &self.logged {
            let plain = matches!(byte, b'\n' | 0x20..=0x7e);
            let written = if plain {
                self.out.write_all(&[*byte])
            } else {
                write!(self.out, "{}", byte.escape_ascii())
            };
            written.context(STDOUT)?;
        }
        Ok(())
    }

    /// The counts, where the rest is JSON, too.
    pub(super) fn summary(&mut self, summary: &Value) -> Result<()> {
        if self.json || self.events {
            self.line(summary)?;
        }
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().context(STDOUT)
    }

    fn line(&mut self, value: &Value) -> Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n").context(STDOUT)
    }
}

const STDOUT: &str = "write to standard output";
