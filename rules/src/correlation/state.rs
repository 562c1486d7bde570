//! Correlations at work: events come in, and those that complete something come out.
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, Hash as _, Hasher, RandomState},
    mem::take,
};

use serde::Serialize;

use super::{
    clock::Clock,
    link::{Correlation, Fires, Graph},
    measure::Measure,
    spec::Kind,
    store::{Key, Store, Tally},
    window::Arrival,
};
use crate::{
    evidence::EventRef,
    fields::FieldId,
    observation::{Observation, Value},
    sigma::condition::Expr,
};

/// Machines whose clocks are kept apart at most.
const MAX_CLOCKS: usize = 1024;

/// When and where an event happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment<'a> {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// The event's number in the audit log.
    pub serial: u32,
    /// The machine, where events of several are read; theirs are never correlated.
    pub node: &'a [u8],
}

/// A correlation that fired.
#[derive(Debug)]
pub(crate) struct Fired {
    /// Which one.
    pub(crate) correlation: usize,
    /// Which of the event's observations completed it, and as which of its rules.
    pub(crate) observation: usize,
    pub(crate) input: usize,
    pub(crate) measure: Option<Measure>,
    pub(crate) events: Vec<EventRef>,
}

/// A match that feeds a correlation: as which of its rules, and which observation it was.
#[derive(Debug, Clone, Copy)]
struct Hit {
    input: usize,
    observation: usize,
}

/// What the correlations' memory holds, and what did not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CorrelationCounts {
    /// Correlation rules.
    pub rules: usize,
    /// Groups that are followed now.
    pub groups: usize,
    /// Groups that there can be.
    pub capacity: usize,
    /// Bytes in use; the table of groups counts at its full size.
    pub bytes: usize,
    /// Groups that had to go before their time was over, because there was no room.
    pub evicted: u64,
    /// Events of groups that got no room.
    pub refused: u64,
    /// Events that a group had no room for any more.
    pub trimmed: u64,
}

/// What correlations remember.
#[derive(Debug)]
pub(crate) struct State {
    bytes: usize,
    /// In the graph's order.
    stores: Vec<Store>,
    hashers: [RandomState; 2],
    clocks: HashMap<u64, Clock>,
    /// Of correlations that are gone.
    past: Tally,
}

impl State {
    /// Nothing seen yet. `bytes` is for all correlations together, in equal parts, so that what
    /// floods one leaves the others alone.
    pub(crate) fn new(graph: &Graph, bytes: usize) -> Result<Self, String> {
        let mut state = Self {
            bytes,
            stores: Vec::new(),
            hashers: [RandomState::new(), RandomState::new()],
            clocks: HashMap::new(),
            past: Tally::default(),
        };
        state.check(graph)?;
        state.stores = state.fresh(graph, HashMap::new());
        Ok(state)
    }

    /// Whether the bytes are enough for the correlations of a graph.
    pub(crate) fn check(&self, graph: &Graph) -> Result<(), String> {
        let share = self.share(graph);
        let small = |c: &&Correlation| Store::new(c.shape, c.span_ms, share).is_none();
        match graph.correlations.iter().find(small) {
            None => Ok(()),
            Some(correlation) => {
                let needed = Store::least_bytes(correlation.shape);
                let all = needed.saturating_mul(graph.correlations.len());
                Err(format!(
                    "{:?} may need {needed} bytes for one group and has {share}: \
                     {all} bytes for correlations are enough",
                    correlation.meta.title
                ))
            }
        }
    }

    /// Goes on with another graph, which passed [`State::check`]: what stays the same keeps its
    /// memory.
    pub(crate) fn carry_over(&mut self, old: &Graph, new: &Graph) {
        let identities = old.correlations.iter().map(|c| c.identity.clone());
        let stores: HashMap<String, Store> = identities.zip(take(&mut self.stores)).collect();
        self.stores = self.fresh(new, stores);
    }

    fn share(&self, graph: &Graph) -> usize {
        self.bytes / graph.correlations.len().max(1)
    }

    fn fresh(&mut self, graph: &Graph, mut old: HashMap<String, Store>) -> Vec<Store> {
        let share = self.share(graph);
        let same = old.len() == graph.correlations.len();
        let store = |correlation: &Correlation| {
            let kept = old.remove(&correlation.identity);
            let kept = kept.and_then(|store| {
                if same {
                    Some(store)
                } else {
                    store.resized(share)
                }
            });
            kept.or_else(|| Store::new(correlation.shape, correlation.span_ms, share))
        };
        let stores = graph.correlations.iter().filter_map(store).collect();
        for store in old.into_values() {
            self.past.evicted += store.tally.evicted;
            self.past.refused += store.tally.refused;
            self.past.trimmed += store.tally.trimmed;
        }
        stores
    }

    /// Takes in an event: for each correlation, children first, what it made of it. `matched` says
    /// which rules matched which of the observations.
    pub(crate) fn event<'r>(
        &mut self,
        graph: &Graph,
        matched: impl Iterator<Item = (&'r str, usize)>,
        observations: &[Observation],
        moment: &Moment<'_>,
    ) -> Vec<Fired> {
        let mut hits: BTreeMap<usize, Vec<Hit>> = BTreeMap::new();
        for (rule, observation) in matched {
            for (correlation, input) in graph.by_rule.get(rule).into_iter().flatten() {
                let hit = Hit {
                    input: *input,
                    observation,
                };
                hits.entry(*correlation).or_default().push(hit);
            }
        }
        if hits.is_empty() {
            return Vec::new();
        }
        let event = EventRef {
            time_ms: self.clock(moment),
            serial: moment.serial,
        };
        let mut fired = Vec::new();
        while let Some((at, mut hits_of_one)) = hits.pop_first() {
            let correlation = &graph.correlations[at];
            for group in self.groups(correlation, &mut hits_of_one, observations, moment.node) {
                let Some(found) = self.step(at, correlation, &group, observations, event) else {
                    continue;
                };
                for (parent, input) in &correlation.feeds {
                    let hit = Hit {
                        input: *input,
                        observation: found.observation,
                    };
                    hits.entry(*parent).or_default().push(hit);
                }
                fired.push(found);
            }
        }
        fired
    }

    fn clock(&mut self, moment: &Moment<'_>) -> i64 {
        let node = self.hashers[0].hash_one(moment.node);
        if self.clocks.len() >= MAX_CLOCKS && !self.clocks.contains_key(&node) {
            self.clocks.clear();
        }
        self.clocks.entry(node).or_default().at(moment.time_ms)
    }

    /// One event's hits by group: it counts once in each, whatever number of rules matched it.
    fn groups(
        &self,
        correlation: &Correlation,
        hits: &mut [Hit],
        observations: &[Observation],
        node: &[u8],
    ) -> Vec<(Key, Vec<Hit>)> {
        hits.sort_unstable_by_key(|hit| hit.input);
        let mut groups: Vec<(Key, Vec<Hit>)> = Vec::new();
        for hit in hits {
            let fields = &correlation.inputs[hit.input].group;
            let key = self.key(fields, &observations[hit.observation], node);
            match groups.iter_mut().find(|(other, _)| *other == key) {
                Some((_, group)) => group.push(*hit),
                None => groups.push((key, vec![*hit])),
            }
        }
        groups
    }

    /// A field that the event does not have is a value of its own, as in SQL's GROUP BY.
    fn key(&self, fields: &[FieldId], observation: &Observation, node: &[u8]) -> Key {
        let hash = |hasher: &RandomState| {
            let mut hasher = hasher.build_hasher();
            node.hash(&mut hasher);
            for field in fields {
                hash_value(observation.get(*field), &mut hasher);
            }
            hasher.finish()
        };
        (hash(&self.hashers[0]), hash(&self.hashers[1]))
    }

    fn step(
        &mut self,
        at: usize,
        correlation: &Correlation,
        (key, hits): &(Key, Vec<Hit>),
        observations: &[Observation],
        event: EventRef,
    ) -> Option<Fired> {
        let mut rules: Vec<usize> = hits.iter().map(|hit| hit.input).collect();
        rules.dedup();
        let valued = |hit: &Hit| {
            let fields = &correlation.inputs[hit.input].values;
            self.value(fields, &observations[hit.observation])
        };
        let (value, number) = hits.iter().find_map(valued).unwrap_or((None, None));
        let arrival = Arrival {
            event,
            rules: &rules,
            value,
            number,
        };
        let store = self.stores.get_mut(at)?;
        let stepped = store.step(*key, &arrival)?;
        // An event without the value that is asked for changes nothing, so nothing happens at it.
        let asked = correlation.inputs[hits[0].input].values.is_empty();
        if !asked && value.is_none() {
            return None;
        }
        let fires = match &correlation.fires {
            Fires::Threshold(threshold) => stepped.measure.is_some_and(|m| threshold.holds(m)),
            Fires::Rules(expr) => holds(expr, &|rule| store.has_rule(&stepped, rule)),
        };
        let last = hits.last()?;
        fires.then(|| Fired {
            correlation: at,
            observation: last.observation,
            input: last.input,
            measure: stepped.measure,
            events: store.events(&stepped),
        })
    }

    /// The hash of the values together, and the number of the first; none if one is missing.
    fn value(
        &self,
        fields: &[FieldId],
        observation: &Observation,
    ) -> Option<(Option<u64>, Option<i64>)> {
        let mut hasher = self.hashers[0].build_hasher();
        for field in fields {
            hash_value(Some(observation.get(*field)?), &mut hasher);
        }
        let number = match fields.first().and_then(|field| observation.get(*field)) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        };
        (!fields.is_empty()).then(|| (Some(hasher.finish()), number))
    }

    pub(crate) fn counts(&self) -> CorrelationCounts {
        let mut counts = CorrelationCounts {
            rules: self.stores.len(),
            evicted: self.past.evicted,
            refused: self.past.refused,
            trimmed: self.past.trimmed,
            ..CorrelationCounts::default()
        };
        for store in &self.stores {
            let (groups, capacity) = store.groups();
            counts.groups += groups;
            counts.capacity += capacity;
            counts.bytes += store.bytes();
            counts.evicted += store.tally.evicted;
            counts.refused += store.tally.refused;
            counts.trimmed += store.tally.trimmed;
        }
        counts
    }
}

/// So that no two different lists of values can give the hasher the same bytes.
fn hash_value(value: Option<&Value>, hasher: &mut impl Hasher) {
    match value {
        None => 0u8.hash(hasher),
        Some(Value::Bytes(bytes)) => (1u8, bytes).hash(hasher),
        Some(Value::Int(n)) => (2u8, n).hash(hasher),
        Some(Value::Bool(b)) => (3u8, b).hash(hasher),
        Some(Value::List(items)) => (4u8, items).hash(hasher),
    }
}

/// A condition over rules, of which those are true whose events are in the window.
fn holds(expr: &Expr, rule: &impl Fn(usize) -> bool) -> bool {
    match expr {
        Expr::Selection(at) => rule(*at),
        Expr::Not(part) => !holds(part, rule),
        Expr::All(parts) => parts.iter().all(|part| holds(part, rule)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, rule)),
        Expr::Of { count, members } => members.iter().filter(|at| rule(**at)).count() >= *count,
    }
}

impl Fired {
    /// `12 events in 10m`, for alerts.
    pub(crate) fn says(&self, correlation: &Correlation) -> String {
        let what = match correlation.kind {
            Kind::EventCount => "events",
            Kind::ValueCount => "different values",
            Kind::Temporal => "rules",
            Kind::TemporalOrdered => "rules in order",
            Kind::ValueSum => "in sum",
            Kind::ValueMax => "at most",
            Kind::ValueMin => "at least",
            Kind::ValueAvg => "on average",
            Kind::ValuePercentile if correlation.is_share() => "percent of the values",
            Kind::ValuePercentile | Kind::ValueMedian => "at the percentile",
        };
        let measure = self.measure.map(|m| m.to_string()).unwrap_or_default();
        format!("{measure} {what} in {}", span(correlation.span_ms))
    }
}

/// `90m`, as rules write it.
fn span(ms: i64) -> String {
    let units = [
        (86_400_000, 'd'),
        (3_600_000, 'h'),
        (60_000, 'm'),
        (1000, 's'),
    ];
    let unit = units.iter().find(|(unit, _)| ms % unit == 0);
    unit.map_or_else(
        || format!("{ms}ms"),
        |(unit, letter)| format!("{}{letter}", ms / unit),
    )
}
