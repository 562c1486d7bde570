//! `auklet run`: from the ring buffer to records, events and alerts, until told to stop.

mod interest;
mod outputs;
mod status;

use anyhow::{Context as _, Result, bail};
use auklet_rules::RuleSet;
use aya::maps::{MapData, RingBuf};
use bytes::Bytes;
use tokio::{
    io::{Interest, unix::AsyncFd},
    signal::unix::{SignalKind, signal},
};

pub use self::status::Received;
use self::{outputs::Outputs, status::Status};
use crate::{
    assemble::Assembler,
    cli::RunArgs,
    decode::decode,
    enrich::Enricher,
    event::Event,
    kernel,
    load::{Sensor, Settings, btf::SYS_BTF},
    process::ProcessTable,
    rules_command::one_message,
};

/// Watches until SIGINT or SIGTERM, then empties the ring and says what was lost.
///
/// # Errors
/// The sensor can't start, or an output can't be written.
pub fn run(args: &RunArgs) -> Result<()> {
    let rules = rules(args)?;
    let outputs = Outputs::open(args)?;
    check_privileges()?;
    let interest = interest::kernel_filter(args.opens, rules.interest());
    let sensor = Sensor::start(&Settings {
        attach: args.attach.0,
        opens: interest.opens,
        watched_names: interest.watched_names,
        ring_bytes: args.ring_bytes,
        argv_bytes: args.argv_bytes,
        slots: args.slots,
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(Watch::new(sensor, rules, outputs, args.keep_ended).until_stopped())
}

fn rules(args: &RunArgs) -> Result<RuleSet> {
    let shipped = if args.no_shipped_rules {
        Ok(RuleSet::default())
    } else {
        RuleSet::shipped()
    };
    shipped
        .and_then(|set| set.and_load(&args.rules))
        .map_err(one_message)
}

/// Clear words before the kernel's own.
fn check_privileges() -> Result<()> {
    if !std::path::Path::new(SYS_BTF).exists() {
        bail!("{SYS_BTF} is missing: the kernel needs CONFIG_DEBUG_INFO_BTF (Linux 5.8 or newer)");
    }
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        bail!(
            "must run as root: loading eBPF programs needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
        );
    }
    Ok(())
}

/// A running sensor with everything that its events pass through.
struct Watch {
    sensor: Sensor,
    assembler: Assembler,
    enricher: Enricher,
    rules: RuleSet,
    outputs: Outputs,
    status: Status,
}

impl Watch {
    fn new(sensor: Sensor, rules: RuleSet, outputs: Outputs, keep_ended: usize) -> Self {
        // Attached first, read after: no process falls between.
        let mut processes = ProcessTable::new(keep_ended);
        processes.scan();
        let release = kernel::version(&kernel::release());
        let assembler = Assembler::new(processes, sensor.plan.attach.setting(), release);
        Self {
            sensor,
            assembler,
            enricher: Enricher::new(),
            rules,
            outputs,
            status: Status::default(),
        }
    }

    async fn until_stopped(mut self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut report = signal(SignalKind::user_defined1())?;
        let ring = self.sensor.take_ring()?;
        // SAFETY: the ring buffer owns its descriptor and gives the same one as long as it lives;
        // nothing but this AsyncFd drops it.
        let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) };
        let mut ring = ring.context("wait for the ring buffer")?;
        self.outputs.ready(&self.sensor.plan)?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = report.recv() => {
                    self.drain(ring.get_mut())?;
                    self.report()?;
                }
                guard = ring.readable_mut() => {
                    let mut guard = guard?;
                    self.drain(guard.get_inner_mut())?;
                    guard.clear_ready();
                }
            }
        }
        self.drain(ring.get_mut())?;
        self.outputs.status(&self.status, &self.sensor.loss()?)
    }

    /// Takes everything that is in the ring.
    fn drain(&mut self, ring: &mut RingBuf<MapData>) -> Result<()> {
        let offset = kernel::clock_offset_ns();
        while let Some(item) = ring.next() {
            let record = Bytes::copy_from_slice(&item);
            drop(item);
            match decode(&record) {
                Ok(message) => {
                    self.status.count(&message);
                    if let Some(event) = self.assembler.take(message, offset) {
                        self.handle(&event)?;
                    }
                }
                Err(error) => {
                    self.status.malformed += 1;
                    log::error!("record dropped: {error}");
                }
            }
        }
        self.outputs.flush()
    }

    fn handle(&mut self, event: &Event) -> Result<()> {
        self.outputs.event(event)?;
        let processes = &self.assembler.processes;
        for observation in self.enricher.observe(event, processes) {
            for finding in self.rules.evaluate(&observation) {
                let records = crate::records::lines(event);
                let scene = self.enricher.scene(event, processes, records);
                self.outputs.alert(finding, scene)?;
            }
        }
        Ok(())
    }

    fn report(&mut self) -> Result<()> {
        self.outputs.processes(&self.assembler.processes)?;
        self.outputs.status(&self.status, &self.sensor.loss()?)
    }
}
