//! Where records, events and alerts go.

use std::{
    io::{self, BufWriter, IsTerminal as _, Stdout, Write as _},
    time::Instant,
};

use anyhow::{Context as _, Error, Result, bail};
use auklet_rules::{Alert, render};
use serde_json::json;

use super::{
    rate::Rate,
    status::{Detection, Report, Status},
};
use crate::{
    alerting,
    audit_log::{AuditLog, JsonLog, LogState, Stamp, now_ns},
    cli::RunArgs,
    event::Event,
    json,
    load::{Plan, sensor::LossTable},
    policy::Verdict,
    process::ProcessTable,
    records,
};

pub(super) struct Outputs {
    out: BufWriter<Stdout>,
    records: bool,
    events: bool,
    json: bool,
    colour: bool,
    audit_log: Option<AuditLog>,
    json_log: Option<JsonLog>,
    /// Numbers of events that no log remembers.
    stamp: Stamp,
    alerts: u64,
    rate: Rate,
    scratch: Vec<u8>,
}

impl Outputs {
    pub(super) fn open(args: &RunArgs) -> Result<Self> {
        let settings = args.log.settings().map_err(Error::msg)?;
        if args.audit_log.is_some() && args.audit_log == args.log.json_log {
            bail!("--audit-log and --json-log are the same file");
        }
        let open = |path| AuditLog::open_with(path, settings.clone());
        let audit_log = args.audit_log.as_deref().map(open).transpose()?;
        let open = |path| JsonLog::open_with(path, settings.clone());
        let json_log = args.log.json_log.as_deref().map(open).transpose()?;
        Ok(Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            records: args.records,
            events: args.events,
            json: args.json,
            colour: io::stdout().is_terminal(),
            audit_log,
            json_log,
            stamp: Stamp::default(),
            alerts: 0,
            rate: Rate::default(),
            scratch: Vec::new(),
        })
    }

    /// Most records of a second; 0 is no limit.
    pub(super) fn limit(&mut self, rate: u32) {
        self.rate = Rate::new(rate);
    }

    /// Hooks are attached.
    pub(super) fn ready(&mut self, plan: &Plan) -> Result<()> {
        log::info!("ready attach={} pid={}", plan.attach, std::process::id());
        for line in plan
            .missing
            .iter()
            .map(String::as_str)
            .chain(plan.attach.blind_spots().iter().copied())
        {
            log::info!("blind spot: {line}");
        }
        if self.events || self.json {
            let attach = plan.attach.to_string();
            self.line(&json!({"type": "ready", "attach": attach, "pid": std::process::id()}))?;
        }
        self.flush()
    }

    /// Gives an event its number, and a time that is not before the log's.
    pub(super) fn number(&mut self, event: &mut Event) {
        let stamp = match &mut self.audit_log {
            Some(log) => &mut log.stamp,
            None => &mut self.stamp,
        };
        stamp.number(event, now_ns);
    }

    /// From time to time: is there room on the logs' disks?
    pub(super) fn look(&mut self) -> Result<()> {
        if let Some(log) = &mut self.audit_log {
            log.look()?;
        }
        if let Some(log) = &mut self.json_log {
            log.look()?;
        }
        Ok(())
    }

    /// Suspended logs are written again.
    pub(super) fn resume(&mut self) {
        if let Some(log) = &mut self.audit_log {
            log.resume();
        }
        if let Some(log) = &mut self.json_log {
            log.resume();
        }
    }

    pub(super) fn event(&mut self, event: &Event, verdict: &Verdict) -> Result<()> {
        if verdict.record && self.made(event, verdict) {
            self.record(event)?;
        }
        if self.events {
            json::write(event, &mut self.out).context("write events to standard output")?;
        }
        Ok(())
    }

    /// What tells of a loss; no policy and no limit keeps it out.
    pub(super) fn loss_event(&mut self, event: &Event) -> Result<()> {
        self.make(event, &Verdict::default());
        self.record(event)?;
        if self.events {
            json::write(event, &mut self.out).context("write events to standard output")?;
        }
        Ok(())
    }

    /// Makes the records of an event, and says whether they are within the limit of a second.
    fn made(&mut self, event: &Event, verdict: &Verdict) -> bool {
        self.make(event, verdict);
        if !self.rate.is_set() {
            return true;
        }
        let lines = self.scratch.iter().filter(|b| **b == b'\n').count();
        // The kernel's EOE is a message, too; it ends every event of more than one record, and of a call.
        let eoe = usize::from(lines > 1 || event.call.is_some());
        let records = u32::try_from(lines + eoe).unwrap_or(u32::MAX);
        self.rate.admits(records, Instant::now())
    }

    /// The records of an event that the policy wants, without those that it excludes, into `scratch`.
    fn make(&mut self, event: &Event, verdict: &Verdict) {
        self.scratch.clear();
        if self.records || self.audit_log.is_some() || self.rate.is_set() {
            records::format(event, &mut self.scratch);
            if !verdict.excluded.is_empty() {
                records::drop_types(&mut self.scratch, |kind| verdict.excluded.contains(kind));
            }
        }
    }

    /// Writes what `make` made.
    fn record(&mut self, event: &Event) -> Result<()> {
        if let Some(log) = &mut self.audit_log {
            log.take_event(&self.scratch)?;
        }
        if let Some(log) = &mut self.json_log {
            log.write_event(event)?;
        }
        if self.records {
            records::format_eoe(event, &mut self.scratch);
            self.out
                .write_all(&self.scratch)
                .context("write records to standard output")?;
        }
        Ok(())
    }

    pub(super) fn alert(&mut self, alert: &Alert) -> Result<()> {
        self.alerts += 1;
        if self.json {
            self.line(&alerting::to_json(alert)?)?;
        } else {
            self.out.write_all(render(alert, self.colour).as_bytes())?;
        }
        self.flush()
    }

    /// Rules were read again, or not.
    pub(super) fn reloaded(&mut self, detection: &Detection, ok: bool) -> Result<()> {
        if self.events || self.json {
            let mut value = json!({"type": "reload", "ok": ok, "rules": detection.rules});
            if !ok {
                value["errors"] = json!(detection.reloads.errors);
            }
            self.line(&value)?;
        }
        self.flush()
    }

    pub(super) fn processes(&mut self, processes: &ProcessTable) -> Result<()> {
        for entry in processes.entries() {
            let value = json::process(entry);
            self.line(&value)?;
        }
        self.flush()
    }

    /// All counts.
    pub(super) fn report(&self, status: &Status, loss: &LossTable, detection: Detection) -> Report {
        let audit_log = self.audit_log.as_ref().map(AuditLog::state);
        let json_log = self.json_log.as_ref().map(JsonLog::state);
        let logs: Vec<LogState> = audit_log.into_iter().chain(json_log).collect();
        status.report(loss, self.alerts, self.rate.limited, logs, detection)
    }

    /// Records that were over the limit of their second.
    pub(super) fn rate_limited(&self) -> u64 {
        self.rate.limited
    }

    /// The counts as one line.
    pub(super) fn summary(
        &self,
        status: &Status,
        loss: &LossTable,
        detection: Detection,
    ) -> String {
        self.report(status, loss, detection).line()
    }

    pub(super) fn status(
        &mut self,
        status: &Status,
        loss: &LossTable,
        detection: Detection,
    ) -> Result<()> {
        let report = self.report(status, loss, detection);
        log::info!("{}", report.line());
        if self.events || self.json {
            let value = serde_json::to_value(&report)?;
            self.line(&value)?;
        }
        self.flush()
    }

    /// Everything is written that was given so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        if let Some(log) = &mut self.audit_log {
            log.write_taken()?;
        }
        self.out.flush().context("write to standard output")
    }

    fn line(&mut self, value: &serde_json::Value) -> Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out
            .write_all(b"\n")
            .context("write to standard output")
    }
}
