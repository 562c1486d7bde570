//! What came and what did not.

use std::{collections::BTreeMap, time::Instant};

use auklet_rules::{CorrelationCounts, RuleCounts, ThrottleCounts, analysis::Counts};
use sensor_ebpf::{
    loss::cause,
    wire::{Header, kind},
};
use serde::Serialize;
use zerocopy::FromBytes as _;

use super::{
    gaps::{Gap, Gaps},
    reload::Reloads,
};
use crate::{audit_log::LogState, decode::Message, load::sensor::LossTable};

/// Names of the kinds, as JSON and the log have them.
const KINDS: [(u16, &str); 11] = [
    (kind::EXEC, "execve"),
    (kind::MODULE, "module"),
    (kind::OPEN, "open"),
    (kind::UTIME, "utime"),
    (kind::FORK, "fork"),
    (kind::EXIT, "exit"),
    (kind::ARGV, "argv"),
    (kind::OTHER, "syscall"),
    (kind::MESSAGE, "message"),
    (kind::FILE_CAPS, "file_caps"),
    (kind::URING, "uring"),
];

/// Records received, by kind.
pub type Received = BTreeMap<&'static str, u64>;

/// Counts of this run.
#[derive(Debug)]
pub(super) struct Status {
    attach: String,
    started: Instant,
    pub(super) gaps: Gaps,
    received: [u64; kind::COUNT as usize],
    pub(super) malformed: u64,
    /// What analysers keep of watched files; none without them.
    pub(super) watched: Option<Counts>,
}

/// Its JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    r#type: &'static str,
    received: Received,
    lost: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    lost_total: u64,
    /// Programs that the kernel skipped; not in `lost_total`, as not each would have sent a record.
    recursion_misses: u64,
    /// Records that `-r` of the audit rules kept out of records and logs.
    rate_limited: u64,
    malformed: u64,
    alerts: u64,
    #[serde(flatten)]
    detection: Detection,
    /// Gaps in the numbers of what each CPU sent; `missing` is known from the records alone, `lost`
    /// from the kernel side's counters.
    sequence: Sequence,
    #[serde(skip_serializing_if = "Option::is_none")]
    watched: Option<Counts>,
    logs: Vec<LogState>,
    attach: String,
    pid: u32,
    uptime_s: u64,
}

/// What rules there are, and what became of what they found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Detection {
    pub(super) rules: RuleCounts,
    pub(super) reloads: Reloads,
    pub(super) correlations: CorrelationCounts,
    pub(super) throttle: ThrottleCounts,
}

#[derive(Debug, Serialize)]
struct Sequence {
    gaps: u64,
    missing: u64,
}

impl Status {
    /// Nothing came yet; `attach` is the plan in force.
    pub(super) fn new(attach: String) -> Self {
        Self {
            attach,
            started: Instant::now(),
            gaps: Gaps::default(),
            received: Default::default(),
            malformed: 0,
            watched: None,
        }
    }

    /// Takes in a record's number; a record too short to have one says nothing.
    pub(super) fn saw(&mut self, record: &[u8]) -> Vec<Gap> {
        match Header::read_from_prefix(record) {
            Ok((header, _)) => self.gaps.saw(header.cpu, header.seq),
            Err(_) => Vec::new(),
        }
    }

    pub(super) fn count(&mut self, message: &Message) {
        if let Some(count) = self.received.get_mut(usize::from(message.header().kind)) {
            *count += 1;
        }
    }

    pub(super) fn report(
        &self,
        loss: &LossTable,
        alerts: u64,
        rate_limited: u64,
        logs: Vec<LogState>,
        detection: Detection,
    ) -> Report {
        let received = KINDS.map(|(kind, name)| (name, self.received[usize::from(kind)]));
        let causes = |kind: u16| {
            let row = loss.counts[usize::from(kind)];
            let named = cause::NAMES.into_iter().zip(row);
            named
                .skip(1)
                .filter(|(_, n)| *n > 0)
                .collect::<BTreeMap<_, _>>()
        };
        let lost = KINDS.map(|(kind, name)| (name, causes(kind)));
        Report {
            r#type: "status",
            received: received.into(),
            lost: lost
                .into_iter()
                .filter(|(_, causes)| !causes.is_empty())
                .collect(),
            lost_total: loss.total_lost(),
            recursion_misses: loss.recursion_misses,
            rate_limited,
            malformed: self.malformed,
            alerts,
            detection,
            sequence: Sequence {
                gaps: self.gaps.gaps,
                missing: self.gaps.missing,
            },
            watched: self.watched,
            logs,
            attach: self.attach.clone(),
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
        }
    }
}

impl Report {
    /// For the log: one line of key=value.
    pub(super) fn line(&self) -> String {
        let received: u64 = self.received.values().sum();
        let mut line = format!(
            "records received={received} lost={} malformed={} alerts={}",
            self.lost_total, self.malformed, self.alerts
        );
        if self.recursion_misses > 0 {
            line.push_str(&format!(" recursion_misses={}", self.recursion_misses));
        }
        if self.rate_limited > 0 {
            line.push_str(&format!(" rate_limited={}", self.rate_limited));
        }
        for log in self.logs.iter().filter(|log| log.missed > 0) {
            line.push_str(&format!(" not_written={} to {:?}", log.missed, log.path));
        }
        let correlations = &self.detection.correlations;
        for (name, count) in [
            ("evicted", correlations.evicted),
            ("refused", correlations.refused),
            ("trimmed", correlations.trimmed),
        ] {
            if count > 0 {
                line.push_str(&format!(" correlations.{name}={count}"));
            }
        }
        for (kind, causes) in &self.lost {
            for (cause, count) in causes {
                line.push_str(&format!(" {kind}.{cause}={count}"));
            }
        }
        line
    }
}
