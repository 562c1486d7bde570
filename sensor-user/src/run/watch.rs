//! The loop of a running sensor: ring buffer, signals, losses.

use std::{mem, os::fd::AsRawFd, time::Duration};

use anyhow::{Context as _, Result};
use aya::maps::{MapData, RingBuf};
use bytes::Bytes;
use tokio::{
    io::{Interest, unix::AsyncFd},
    signal::unix::{SignalKind, signal},
};

use super::{
    analysis::{self, Analysis},
    gaps::Gap,
    outputs::Outputs,
    policy,
    reload::{Attached, Reloads, reload},
    socket::{Bound, Listener},
    status::{Detection, Status},
};
use crate::{
    alerting::{Alerting, Told},
    assemble::Assembler,
    audit_log::now_ns,
    decode::{Message, decode},
    enrich::Enricher,
    event::Event,
    kernel,
    load::Sensor,
    policy::Policy,
    process::ProcessTable,
};

/// Records taken before signals and losses are looked at.
const BATCH: usize = 2048;
/// Batches that empty the largest ring, with some to spare for what comes meanwhile.
const BATCHES: usize = 8192;

/// How often losses are looked for.
const CHECK: Duration = Duration::from_secs(10);

/// A running sensor with everything that its events pass through.
pub(super) struct Watch {
    sensor: Sensor,
    assembler: Assembler,
    enricher: Enricher,
    alerting: Alerting,
    attached: Attached,
    reloads: Reloads,
    /// What is recorded; `None`: everything.
    policy: Option<Policy>,
    outputs: Outputs,
    status: Status,
    /// None where no rule asks for what it tells.
    analysis: Option<Analysis>,
    /// Records lost, as of the last check.
    lost: u64,
    /// Records over the rate limit, as of then.
    limited: u64,
    /// `-f 0`: losses are counted, and not told in the log.
    silent: bool,
}

impl Watch {
    pub(super) fn new(
        sensor: Sensor,
        alerting: Alerting,
        attached: Attached,
        policy: Option<Policy>,
        outputs: Outputs,
        keep_ended: usize,
    ) -> Self {
        // Attached first, read after: no process falls between.
        let mut processes = ProcessTable::new(keep_ended);
        processes.scan();
        let kernel = kernel::Kernel::running();
        let silent = policy
            .as_ref()
            .is_some_and(|p| p.settings().failure == Some(0));
        let status = Status::new(sensor.plan.attach.to_string());
        let mut enricher = Enricher::new();
        enricher.ask(alerting.rules().interest());
        let assembler = Assembler::new(processes, sensor.plan.attach.setting(), &kernel);
        Self {
            sensor,
            assembler,
            enricher,
            alerting,
            attached,
            reloads: Reloads::default(),
            policy,
            outputs,
            status,
            analysis: None,
            lost: 0,
            limited: 0,
            silent,
        }
    }

    /// With analysers.
    pub(super) fn with(self, analysis: Option<Analysis>) -> Self {
        Self { analysis, ..self }
    }

    /// Until SIGINT or SIGTERM; SIGUSR1 asks for a report, SIGUSR2 resumes suspended logs, SIGHUP
    /// reads the rules again, `socket` answers `auklet status`.
    pub(super) async fn until_stopped(mut self, socket: Option<Bound>) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut report = signal(SignalKind::user_defined1())?;
        let mut again = signal(SignalKind::hangup())?;
        let mut resume = signal(SignalKind::user_defined2())?;
        let clients = Listener::new(socket)?;
        let mut check = tokio::time::interval(CHECK);
        let mut ring = readable(self.sensor.take_ring()?, "the ring buffer")?;
        let mut diagnostics = readable(self.sensor.take_diagnostics()?, "the diagnostics")?;
        let mut sweep = tokio::time::interval(analysis::SWEEP);
        // Before anything is said to be watched.
        self.changes(Analysis::start)?;
        self.outputs.ready(&self.sensor.plan)?;
        loop {
            let pause = self.analysis.as_ref().and_then(Analysis::pause);
            tokio::select! {
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => self.tick()?,
                _ = sweep.tick() => self.changes(Analysis::sweep)?,
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = report.recv() => {
                    self.drain_all(ring.get_mut())?;
                    self.report()?;
                }
                _ = resume.recv() => self.outputs.resume(),
                _ = again.recv() => {
                    // What happened before is the old rules' matter.
                    self.drain_all(ring.get_mut())?;
                    self.reload()?;
                }
                client = clients.accept() => {
                    let (loss, detection) = (self.sensor.loss()?, self.detection());
                    let report = self.outputs.report(&self.status, &loss, detection);
                    clients.answer(client, serde_json::to_string(&report)?);
                }
                _ = check.tick() => self.check()?,
                guard = diagnostics.readable_mut() => {
                    let mut guard = guard?;
                    guard.get_inner_mut().flush();
                    guard.clear_ready();
                }
                guard = ring.readable_mut() => {
                    let mut guard = guard?;
                    if !self.drain(guard.get_inner_mut())? {
                        guard.clear_ready();
                    }
                }
            }
        }
        self.drain_all(ring.get_mut())?;
        if let Some(analysis) = &mut self.analysis {
            analysis.save();
        }
        let gaps = self.status.gaps.finish();
        self.tell(gaps)?;
        for alert in self.alerting.finish() {
            self.outputs.alert(&alert)?;
        }
        diagnostics.get_mut().flush();
        let detection = self.detection();
        self.outputs
            .status(&self.status, &self.sensor.loss()?, detection)
    }

    /// Takes records out of the ring, at most [`BATCH`]; true if there may be more. A flood must not
    /// keep signals and losses from being looked at.
    fn drain(&mut self, ring: &mut RingBuf<MapData>) -> Result<bool> {
        let offset = kernel::clock_offset_ns();
        let mut gaps = Vec::new();
        for _ in 0..BATCH {
            let message = match self.assembler.next_ahead() {
                Some(message) => message,
                None => match read(ring, &mut self.status, &mut gaps) {
                    Read::Message(message) => *message,
                    Read::Malformed => continue,
                    Read::Nothing => return self.tick().map(|()| false),
                },
            };
            let status = &mut self.status;
            let mut more = || read_batch(ring, status, &mut gaps);
            let event = self.assembler.take(message, offset, &mut more);
            self.tell(mem::take(&mut gaps))?;
            if let Some(event) = event {
                self.handle(event)?;
            }
        }
        self.tick().map(|()| true)
    }

    /// Compares the files whose writers have ended, or that have been quiet.
    fn tick(&mut self) -> Result<()> {
        if let Some(analysis) = &mut self.analysis {
            let told = analysis.tick(&mut self.enricher, &self.assembler.processes);
            self.status.watched = Some(analysis.counts());
            self.alerts_of(told)?;
        }
        self.outputs.flush()
    }

    /// What an analyser tells without an event.
    fn changes(&mut self, of: fn(&mut Analysis, &mut Enricher) -> Vec<Told>) -> Result<()> {
        if let Some(analysis) = &mut self.analysis {
            let told = of(analysis, &mut self.enricher);
            self.alerts_of(told)?;
        }
        Ok(())
    }

    fn alerts_of(&mut self, told: Vec<Told>) -> Result<()> {
        for told in told {
            for alert in self.alerting.told(&told) {
                self.outputs.alert(&alert)?;
            }
        }
        Ok(())
    }

    /// Takes what is in the ring now: as many records as it can hold.
    fn drain_all(&mut self, ring: &mut RingBuf<MapData>) -> Result<()> {
        for _ in 0..BATCHES {
            if !self.drain(ring)? {
                break;
            }
        }
        Ok(())
    }

    /// Alerts first: what fails to be written must not keep one back.
    fn handle(&mut self, mut event: Event) -> Result<()> {
        self.outputs.number(&mut event);
        let verdict = policy::decide(self.policy.as_mut(), &mut event);
        let processes = &self.assembler.processes;
        let observations = self.enricher.observe(&event, processes);
        let enricher = &mut self.enricher;
        let scene = || enricher.scene(&event, processes, crate::records::lines(&event));
        // One machine: all of its events are of the same.
        for alert in self.alerting.event(&event, b"", &observations, scene) {
            self.outputs.alert(&alert)?;
        }
        if let Some(analysis) = &mut self.analysis {
            let told = analysis.take(&event, &mut self.enricher, processes);
            self.alerts_of(told)?;
        }
        self.outputs.event(&event, &verdict)
    }

    /// Records that did not come are events, too.
    fn tell(&mut self, gaps: Vec<Gap>) -> Result<()> {
        for gap in gaps {
            let mut event = gap.event(now_ns());
            self.outputs.number(&mut event);
            self.outputs.loss_event(&event)?;
        }
        Ok(())
    }

    /// Reads the rules again.
    fn reload(&mut self) -> Result<()> {
        let (alerting, sensor) = (&mut self.alerting, &mut self.sensor);
        let ok = reload(alerting, sensor, &mut self.attached, &mut self.reloads);
        if ok {
            let interest = self.alerting.rules().interest();
            self.enricher.ask(interest);
            // Rules that came ask for what no analyser looked for.
            if self.analysis.is_none() {
                self.analysis = Analysis::new(interest, None);
                self.changes(Analysis::start)?;
            }
        }
        let detection = self.detection();
        self.outputs.reloaded(&detection, ok)
    }

    fn detection(&self) -> Detection {
        let (correlations, throttle) = self.alerting.counts();
        Detection {
            rules: self.alerting.rules().counts(),
            reloads: self.reloads.clone(),
            correlations,
            throttle,
        }
    }

    /// What is looked at from time to time.
    fn check(&mut self) -> Result<()> {
        let now_ms = i64::try_from(now_ns() / 1_000_000).unwrap_or(i64::MAX);
        for alert in self.alerting.due(now_ms) {
            self.outputs.alert(&alert)?;
        }
        let gaps = self.status.gaps.settle();
        self.tell(gaps)?;
        self.outputs.look()?;
        self.outputs.flush()?;
        self.check_losses()
    }

    /// Says at once when more was lost than before, unless `-f 0` came, and mends what the losses broke.
    fn check_losses(&mut self) -> Result<()> {
        let loss = self.sensor.loss()?;
        let limited = self.outputs.rate_limited();
        if limited > self.limited && !self.silent {
            log::warn!(
                "{} more records are over the rate limit (-r) and not written",
                limited - self.limited
            );
        }
        self.limited = limited;
        let lost = loss.total_lost() + loss.recursion_misses;
        if lost > self.lost {
            if !self.silent {
                log::warn!(
                    "{} more records lost, or programs skipped: {}",
                    lost - self.lost,
                    self.outputs.summary(&self.status, &loss, self.detection())
                );
            }
            self.lost = lost;
            self.assembler.processes.sweep();
        }
        Ok(())
    }

    fn report(&mut self) -> Result<()> {
        self.outputs.processes(&self.assembler.processes)?;
        let detection = self.detection();
        self.outputs
            .status(&self.status, &self.sensor.loss()?, detection)
    }
}

/// What the ring gave.
enum Read {
    Message(Box<Message>),
    /// A record that can't be read; counted.
    Malformed,
    Nothing,
}

fn read(ring: &mut RingBuf<MapData>, status: &mut Status, gaps: &mut Vec<Gap>) -> Read {
    let Some(item) = ring.next() else {
        return Read::Nothing;
    };
    let record = Bytes::copy_from_slice(&item);
    drop(item);
    gaps.extend(status.saw(&record));
    match decode(&record) {
        Ok(message) => {
            status.count(&message);
            Read::Message(Box::new(message))
        }
        Err(error) => {
            status.malformed += 1;
            log::error!("record dropped: {error}");
            Read::Malformed
        }
    }
}

/// What is in the ring now, as far as it is a few batches.
fn read_batch(
    ring: &mut RingBuf<MapData>,
    status: &mut Status,
    gaps: &mut Vec<Gap>,
) -> Vec<Message> {
    let mut messages = Vec::new();
    for _ in 0..4 * BATCH {
        match read(ring, status, gaps) {
            Read::Message(message) => messages.push(*message),
            Read::Malformed => {}
            Read::Nothing => break,
        }
    }
    messages
}

/// Waits for a map's descriptor inside the runtime.
fn readable<T: AsRawFd>(source: T, what: &str) -> Result<AsyncFd<T>> {
    // SAFETY: aya's ring buffer owns its descriptor and gives the same one as long as it lives;
    // nothing but this AsyncFd drops it.
    let registered = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) };
    registered
        .map_err(std::io::Error::from)
        .with_context(|| format!("wait for {what}"))
}
