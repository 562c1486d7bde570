//! The same thing again is no new alert: it is told when its count doubles and when its time is over.
//!
//! What is the same: one rule, and one entity (who did it, to what; for a correlation, its group). When
//! a rule finds ever new entities, those beyond a number are told together. No count is lost: whatever
//! is forgotten to make room is told first.
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, Hash, RandomState},
};

use serde::Serialize;

use crate::{
    alert::{Alert, Scene},
    detector::Raised,
};

/// Bytes of the alerts that are kept to be told again.
const KEPT_BYTES: usize = 8 << 20;
/// Bytes of records in each of those.
const RECORD_BYTES: usize = 8 << 10;
/// Entities followed at a time.
const MAX_ENTITIES: usize = 16_384;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// How long the same counts as the same, in milliseconds; 0: everything is told.
    pub window_ms: i64,
    /// New entities of one rule that are told each by itself within that time.
    pub per_rule: u32,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            window_ms: 10 * 60 * 1000,
            per_rule: 100,
        }
    }
}

/// Who did it and to what: what tells apart the alerts of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Entity<'a> {
    /// The machine.
    pub host: &'a [u8],
    /// The container.
    pub container: &'a [u8],
    /// The program.
    pub exe: &'a [u8],
    /// Effective user id.
    pub euid: u32,
    /// Who signed in.
    pub auid: u32,
    /// What it was done to; for an execution, the arguments.
    pub object: &'a [u8],
}

/// What was not told, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ThrottleCounts {
    /// What rules found.
    pub found: u64,
    /// Alerts told, updates among them.
    pub told: u64,
    /// Updates among those.
    pub updates: u64,
    /// Entities that are followed now.
    pub entities: usize,
}

/// An entity's alert.
#[derive(Debug)]
struct Entry {
    first_ms: i64,
    last_ms: i64,
    count: u64,
    told: u64,
    bytes: usize,
    alert: Box<Alert>,
}

/// A rule's new entities in this window.
#[derive(Debug, Default)]
struct Quota {
    since_ms: i64,
    new: u32,
}

/// Decides what is told.
#[derive(Debug, Default)]
pub struct Throttle {
    settings: ThrottleSettings,
    hasher: RandomState,
    entries: HashMap<u64, Entry>,
    /// By when their windows close: they are all of the same length.
    order: VecDeque<(i64, u64)>,
    quotas: HashMap<String, Quota>,
    bytes: usize,
    now_ms: i64,
    numbers: u64,
    counts: ThrottleCounts,
}

impl Throttle {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(settings: ThrottleSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// What is to be told now that a rule found something at `time_ms`: nothing, the alert, an update
    /// of it; and before it, what is due. `scene` is asked for only when it is needed.
    pub fn raise(
        &mut self,
        raised: Raised,
        entity: &Entity<'_>,
        time_ms: i64,
        scene: impl FnOnce() -> Scene,
    ) -> Vec<Alert> {
        self.counts.found += 1;
        let mut told = self.due(time_ms);
        if self.settings.window_ms == 0 {
            let mut alert = Alert::new(raised, scene());
            alert.uid = self.uid();
            self.counts.told += 1;
            told.push(alert);
            return told;
        }
        let now = self.now_ms;
        let rule = raised.finding.rule.id.clone();
        let mut key = self.key(&rule, &raised, entity);
        let mut various = false;
        if !self.entries.contains_key(&key) && !self.admits(&rule, now) {
            key = self.hasher.hash_one((&rule, "various"));
            various = true;
        }
        match self.entries.get_mut(&key) {
            Some(entry) => {
                entry.count += 1;
                entry.last_ms = time_ms.max(entry.last_ms);
                if entry.count >= entry.told.saturating_mul(2) {
                    let alert = Alert::new(raised, scene());
                    told.push(self.update(key, alert));
                }
            }
            None => {
                let mut alert = Alert::new(raised, scene());
                alert.various = various;
                told.extend(self.insert(key, &mut alert, time_ms));
                told.push(alert);
            }
        }
        told
    }

    /// Updates of what was seen again and whose time is over at `now_ms`.
    pub fn due(&mut self, now_ms: i64) -> Vec<Alert> {
        self.now_ms = self.now_ms.max(now_ms);
        let mut told = Vec::new();
        while let Some((first, _)) = self.order.front() {
            if first.saturating_add(self.settings.window_ms) > self.now_ms {
                break;
            }
            told.extend(self.forget_oldest());
        }
        told
    }

    /// At the end: what was seen and not told.
    pub fn finish(&mut self) -> Vec<Alert> {
        let mut told = Vec::new();
        while !self.order.is_empty() {
            told.extend(self.forget_oldest());
        }
        told
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> ThrottleCounts {
        ThrottleCounts {
            entities: self.entries.len(),
            ..self.counts
        }
    }

    fn key(&self, rule: &str, raised: &Raised, entity: &Entity<'_>) -> u64 {
        match &raised.proof {
            Some(proof) => {
                let group = proof.group.iter().map(|part| part.as_bytes());
                let group: Vec<&[u8]> = group.collect();
                self.hasher.hash_one((rule, entity.host, group))
            }
            None => self.hasher.hash_one((rule, entity)),
        }
    }

    /// Whether the rule may tell of one more entity.
    fn admits(&mut self, rule: &str, now: i64) -> bool {
        let window = self.settings.window_ms;
        if !self.quotas.contains_key(rule) {
            self.quotas.insert(rule.to_owned(), Quota::default());
        }
        let Some(quota) = self.quotas.get_mut(rule) else {
            return true;
        };
        if now >= quota.since_ms.saturating_add(window) {
            (quota.since_ms, quota.new) = (now, 0);
        }
        quota.new = quota.new.saturating_add(1);
        quota.new <= self.settings.per_rule
    }

    fn update(&mut self, key: u64, mut alert: Alert) -> Alert {
        self.counts.told += 1;
        self.counts.updates += 1;
        let Some(entry) = self.entries.get_mut(&key) else {
            return alert;
        };
        alert.uid.clone_from(&entry.alert.uid);
        alert.first_seen.clone_from(&entry.alert.first_seen);
        alert.various = entry.alert.various;
        alert.seen_again(entry.count, entry.last_ms);
        entry.told = entry.count;
        self.bytes -= entry.bytes;
        (entry.alert, entry.bytes) = kept(&alert);
        self.bytes += entry.bytes;
        alert
    }

    /// Follows a new entity; tells what had to go for it.
    fn insert(&mut self, key: u64, alert: &mut Alert, time_ms: i64) -> Vec<Alert> {
        alert.uid = self.uid();
        self.counts.told += 1;
        let (copy, bytes) = kept(alert);
        let mut told = Vec::new();
        let full = |throttle: &Self| {
            throttle.entries.len() >= MAX_ENTITIES || throttle.bytes + bytes > KEPT_BYTES
        };
        while full(self) && !self.order.is_empty() {
            told.extend(self.forget_oldest());
        }
        let entry = Entry {
            first_ms: time_ms,
            last_ms: time_ms,
            count: 1,
            told: 1,
            bytes,
            alert: copy,
        };
        self.bytes += bytes;
        self.order.push_back((self.now_ms, key));
        self.entries.insert(key, entry);
        told
    }

    fn forget_oldest(&mut self) -> Option<Alert> {
        let (_, key) = self.order.pop_front()?;
        let entry = self.entries.remove(&key)?;
        self.bytes -= entry.bytes;
        if entry.count == entry.told {
            return None;
        }
        let mut alert = *entry.alert;
        alert.seen_again(entry.count, entry.last_ms.max(entry.first_ms));
        self.counts.told += 1;
        self.counts.updates += 1;
        Some(alert)
    }

    /// A number that no other alert has, of this run or another.
    fn uid(&mut self) -> String {
        self.numbers += 1;
        format!("{:016x}", self.hasher.hash_one(self.numbers))
    }
}

/// A copy for later, with as many of its records as there is room for, and its bytes, roughly.
fn kept(alert: &Alert) -> (Box<Alert>, usize) {
    let mut copy = Box::new(alert.clone());
    let mut room = RECORD_BYTES;
    copy.records.retain(|record| {
        let length = record.as_str().len();
        let fits = length <= room;
        room -= if fits { length } else { room };
        fits
    });
    let ancestors = copy.ancestors.iter();
    let lines = ancestors.map(|a| a.command_line.as_str().len() + a.exe.as_str().len());
    let matched = copy.matched.iter().map(|m| m.value.as_str().len());
    let objects = copy.objects.iter().map(|o| o.as_str().len());
    let texts: usize = lines.chain(matched).chain(objects).sum();
    let process = &copy.process;
    let own = [&process.command_line, &process.exe, &process.cwd];
    let own = own.into_iter().chain(&copy.object);
    let own: usize = own.map(|text| text.as_str().len()).sum();
    let bytes = 4096 + RECORD_BYTES - room + texts + own;
    (copy, bytes)
}
