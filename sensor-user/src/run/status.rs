//! What came and what did not.

use std::collections::BTreeMap;

use sensor_ebpf::{
    loss::cause,
    wire::{Header, kind},
};
use serde::Serialize;

use crate::{decode::Message, load::sensor::LossTable};

/// Names of the kinds, as JSON and the log have them.
const KINDS: [(u16, &str); 9] = [
    (kind::EXEC, "execve"),
    (kind::MODULE, "module"),
    (kind::OPEN, "open"),
    (kind::UTIME, "utime"),
    (kind::FORK, "fork"),
    (kind::EXIT, "exit"),
    (kind::ARGV, "argv"),
    (kind::OTHER, "syscall"),
    (kind::MESSAGE, "message"),
];

/// Records received, by kind.
pub type Received = BTreeMap<&'static str, u64>;

/// Counts of this run.
#[derive(Debug, Default)]
pub(super) struct Status {
    received: [u64; kind::COUNT as usize],
    pub(super) malformed: u64,
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
    malformed: u64,
    alerts: u64,
}

impl Status {
    pub(super) fn count(&mut self, message: &Message) {
        let header: &Header = match message {
            Message::Fork(header, _) | Message::Exit(header, _) | Message::Argv(header, ..) => {
                header
            }
            Message::Call(facts) => &facts.header,
            Message::User(message) => &message.header,
        };
        if let Some(count) = self.received.get_mut(usize::from(header.kind)) {
            *count += 1;
        }
    }

    pub(super) fn report(&self, loss: &LossTable, alerts: u64) -> Report {
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
            malformed: self.malformed,
            alerts,
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
        for (kind, causes) in &self.lost {
            for (cause, count) in causes {
                line.push_str(&format!(" {kind}.{cause}={count}"));
            }
        }
        line
    }
}
