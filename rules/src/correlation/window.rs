//! What is kept of one group's events within the timespan: no more than the condition can tell apart.
//!
//! Times never go back ([`super::clock`]), so the oldest is always first. A window that ends at `now`
//! holds what happened after `now - span`: an event that is exactly `span` old is no longer in it.
use std::{collections::VecDeque, mem::size_of};

use super::{chains::Chains, measure::Measure};
use crate::evidence::EventRef;

/// Numbers of a group that are kept at most; the oldest go first, and that is counted.
pub(crate) const MAX_NUMBERS: usize = 16_384;
/// What an allocation costs beside its content.
const ALLOCATION: usize = 16;

/// What a correlation makes of a group's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Counts events; the latest `keep` are enough.
    Events { keep: usize },
    /// Counts different values; the latest `keep` are enough.
    Values { keep: usize },
    /// Computes with the numbers of a field.
    Numbers(Statistic),
    /// Percentage of the events that have the latest one's value.
    Share,
    /// Counts which of the rules matched.
    Together { rules: usize },
    /// Counts how many of the rules matched one after the other; `whole`: only all of them matter.
    InOrder { rules: usize, whole: bool },
}

/// What is computed of a field's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    Sum,
    Max,
    Min,
    Average,
    /// The smallest number that at least this percentage of all is not above (nearest rank).
    Percentile(u8),
}

/// What one event brings into a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) event: EventRef,
    /// Which of the rules matched it, in their order; not empty.
    pub(crate) rules: &'a [usize],
    /// Its value, hashed; its number. None if it has none, or the shape asks for none.
    pub(crate) value: Option<u64>,
    pub(crate) number: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Valued {
    value: u64,
    event: EventRef,
}

#[derive(Debug)]
pub(crate) struct Numbered {
    number: i64,
    event: EventRef,
}

/// A group's events.
#[derive(Debug, Default)]
pub(crate) enum Window {
    #[default]
    Empty,
    /// The usual case by far, and what a flood of keys is made of: no allocation.
    One(EventRef),
    Events(VecDeque<EventRef>),
    /// Ordered by when a value was last seen; each value once.
    Values(VecDeque<Valued>),
    /// Every event with its value.
    Shares(VecDeque<Valued>),
    Numbers(VecDeque<Numbered>),
    /// When each rule last matched.
    Together(Box<[Option<EventRef>]>),
    InOrder(Box<Chains>),
}

impl Window {
    /// Forgets what happened at `limit` or before.
    pub(crate) fn expire(&mut self, limit: i64) {
        let old = |event: &EventRef| event.time_ms <= limit;
        match self {
            Self::Empty => {}
            Self::One(event) if old(event) => *self = Self::Empty,
            Self::One(_) => {}
            Self::Events(events) => drop_front(events, old),
            Self::Values(values) | Self::Shares(values) => drop_front(values, |v| old(&v.event)),
            Self::Numbers(numbers) => drop_front(numbers, |n| old(&n.event)),
            Self::Together(latest) => {
                for place in latest.iter_mut() {
                    *place = place.filter(|event| !old(event));
                }
            }
            Self::InOrder(chains) => chains.expire(limit),
        }
    }

    /// Takes an event in; true if an older one that still counts had to go for it.
    pub(crate) fn add(&mut self, shape: Shape, arrival: &Arrival<'_>) -> bool {
        let event = arrival.event;
        match (shape, &mut *self) {
            (Shape::Events { .. }, Self::Empty) => *self = Self::One(event),
            (Shape::Events { keep }, Self::One(first)) => {
                let mut events = VecDeque::with_capacity(4);
                events.extend([*first, event].iter().skip(2_usize.saturating_sub(keep)));
                *self = Self::Events(events);
            }
            (Shape::Events { keep }, Self::Events(events)) => {
                // What is not kept makes no difference to the condition.
                if events.len() >= keep {
                    events.pop_front();
                }
                events.push_back(event);
            }
            (Shape::Values { keep }, _) => self.add_value(keep, arrival),
            (Shape::Share, _) => return self.add_share(arrival),
            (Shape::Numbers(_), _) => return self.add_number(arrival),
            (Shape::Together { rules }, Self::Together(latest)) => {
                debug_assert_eq!(latest.len(), rules);
                for rule in arrival.rules {
                    if let Some(place) = latest.get_mut(*rule) {
                        *place = Some(event);
                    }
                }
            }
            (Shape::Together { rules }, _) => {
                *self = Self::Together(vec![None; rules].into());
                return self.add(shape, arrival);
            }
            (Shape::InOrder { .. }, Self::InOrder(chains)) => chains.add(event, arrival.rules),
            (Shape::InOrder { rules, whole }, _) => {
                *self = Self::InOrder(Box::new(Chains::new(rules, whole)));
                return self.add(shape, arrival);
            }
            (Shape::Events { .. }, _) => {
                *self = Self::Empty;
                return self.add(shape, arrival);
            }
        }
        false
    }

    fn add_value(&mut self, keep: usize, arrival: &Arrival<'_>) {
        let Some(value) = arrival.value else { return };
        if !matches!(self, Self::Values(_)) {
            *self = Self::Values(VecDeque::with_capacity(1));
        }
        let Self::Values(values) = self else { return };
        let known = values.iter().position(|v| v.value == value);
        match known {
            Some(at) => _ = values.remove(at),
            None if values.len() >= keep => _ = values.pop_front(),
            None => {}
        }
        let event = arrival.event;
        values.push_back(Valued { value, event });
    }

    fn add_share(&mut self, arrival: &Arrival<'_>) -> bool {
        let Some(value) = arrival.value else {
            return false;
        };
        if !matches!(self, Self::Shares(_)) {
            *self = Self::Shares(VecDeque::with_capacity(1));
        }
        let Self::Shares(values) = self else {
            return false;
        };
        let full = values.len() >= MAX_NUMBERS && values.pop_front().is_some();
        let event = arrival.event;
        values.push_back(Valued { value, event });
        full
    }

    fn add_number(&mut self, arrival: &Arrival<'_>) -> bool {
        let Some(number) = arrival.number else {
            return false;
        };
        if !matches!(self, Self::Numbers(_)) {
            *self = Self::Numbers(VecDeque::with_capacity(1));
        }
        let Self::Numbers(numbers) = self else {
            return false;
        };
        let full = numbers.len() >= MAX_NUMBERS && numbers.pop_front().is_some();
        let event = arrival.event;
        numbers.push_back(Numbered { number, event });
        full
    }

    /// What the condition is about; none when there is nothing to measure.
    pub(crate) fn measure(&self, shape: Shape) -> Option<Measure> {
        match (shape, self) {
            (_, Self::Empty) => None,
            (Shape::Numbers(statistic), Self::Numbers(numbers)) => statistic.of(numbers),
            (_, Self::Shares(values)) => {
                let latest = values.back()?.value;
                let alike = values.iter().filter(|v| v.value == latest).count();
                Measure::quotient(i128::try_from(alike * 100).ok()?, values.len())
            }
            _ => Some(Measure::count(self.len())),
        }
    }

    /// How many things are in it: events, values, rules.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(_) => 1,
            Self::Events(events) => events.len(),
            Self::Values(values) | Self::Shares(values) => values.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Together(latest) => latest.iter().flatten().count(),
            Self::InOrder(chains) => chains.longest(),
        }
    }

    /// Whether a rule's event is in it.
    pub(crate) fn has_rule(&self, rule: usize) -> bool {
        let Self::Together(latest) = self else {
            return false;
        };
        latest.get(rule).is_some_and(Option::is_some)
    }

    /// The events that are kept, oldest first.
    pub(crate) fn events(&self) -> Vec<EventRef> {
        let mut events: Vec<EventRef> = match self {
            Self::Empty => Vec::new(),
            Self::One(event) => vec![*event],
            Self::Events(events) => events.iter().copied().collect(),
            Self::Values(values) | Self::Shares(values) => values.iter().map(|v| v.event).collect(),
            Self::Numbers(numbers) => numbers.iter().map(|n| n.event).collect(),
            Self::Together(latest) => latest.iter().flatten().copied().collect(),
            Self::InOrder(chains) => chains.evidence(),
        };
        events.sort_unstable();
        events.dedup();
        events
    }

    /// Makes room for one more by letting the oldest go; false if there is none to let go.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        match self {
            Self::Events(events) => events.pop_front().is_some(),
            Self::Values(values) | Self::Shares(values) => values.pop_front().is_some(),
            Self::Numbers(numbers) => numbers.pop_front().is_some(),
            Self::One(_) => {
                *self = Self::Empty;
                true
            }
            Self::Empty | Self::Together(_) | Self::InOrder(_) => false,
        }
    }

    /// Bytes outside the value itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let content = match self {
            Self::Empty | Self::One(_) => return 0,
            Self::Events(events) => events.capacity() * size_of::<EventRef>(),
            Self::Values(values) | Self::Shares(values) => values.capacity() * size_of::<Valued>(),
            Self::Numbers(numbers) => numbers.capacity() * size_of::<Numbered>(),
            Self::Together(latest) => size_of_val::<[Option<EventRef>]>(latest),
            Self::InOrder(chains) => size_of::<Chains>() + chains.most_bytes(ALLOCATION),
        };
        content + ALLOCATION
    }

    /// Bytes that the next [`Window::add`] may take beside those it has.
    pub(crate) fn growth(&self, shape: Shape) -> usize {
        let doubled = |len: usize, capacity: usize, each: usize| {
            if len < capacity {
                0
            } else {
                capacity.max(4) * each
            }
        };
        let event = size_of::<EventRef>();
        match (shape, self) {
            (Shape::Events { .. }, Self::One(_)) => 4 * event + ALLOCATION,
            (Shape::Events { .. }, Self::Events(e)) => doubled(e.len(), e.capacity(), event),
            (Shape::Events { .. }, _) => 0,
            (_, Self::Values(v) | Self::Shares(v)) => {
                doubled(v.len(), v.capacity(), size_of::<Valued>())
            }
            (_, Self::Numbers(n)) => doubled(n.len(), n.capacity(), size_of::<Numbered>()),
            (Shape::Values { .. } | Shape::Share | Shape::Numbers(_), _) => {
                size_of::<Valued>() + ALLOCATION
            }
            (Shape::Together { .. }, Self::Together(_)) => 0,
            (Shape::Together { rules }, _) => rules * size_of::<Option<EventRef>>() + ALLOCATION,
            (Shape::InOrder { .. }, Self::InOrder(_)) => 0,
            (Shape::InOrder { .. }, _) => Self::most_bytes(shape),
        }
    }

    /// Bytes of a group that holds all that the condition may need.
    pub(crate) fn most_bytes(shape: Shape) -> usize {
        let rounded = |n: usize, each: usize| n.next_power_of_two().max(4) * each + ALLOCATION;
        match shape {
            Shape::Events { keep } => rounded(keep, size_of::<EventRef>()),
            Shape::Values { keep } => rounded(keep, size_of::<Valued>()),
            Shape::Numbers(_) | Shape::Share => rounded(MAX_NUMBERS, size_of::<Numbered>()),
            Shape::Together { rules } => rules * size_of::<Option<EventRef>>() + ALLOCATION,
            Shape::InOrder { rules, whole } => {
                size_of::<Chains>() + ALLOCATION + Chains::new(rules, whole).most_bytes(ALLOCATION)
            }
        }
    }
}

impl Statistic {
    fn of(self, numbers: &VecDeque<Numbered>) -> Option<Measure> {
        let all = || numbers.iter().map(|n| n.number);
        let sum = || all().map(i128::from).sum::<i128>();
        match self {
            _ if numbers.is_empty() => None,
            Self::Sum => Some(Measure::whole(sum())),
            Self::Average => Measure::quotient(sum(), numbers.len()),
            Self::Max => all().max().map(Measure::whole),
            Self::Min => all().min().map(Measure::whole),
            Self::Percentile(percent) => {
                let mut sorted: Vec<i64> = all().collect();
                let rank = (usize::from(percent) * sorted.len()).div_ceil(100).max(1);
                let (_, number, _) = sorted.select_nth_unstable(rank - 1);
                Some(Measure::whole(*number))
            }
        }
    }
}

fn drop_front<T>(queue: &mut VecDeque<T>, old: impl Fn(&T) -> bool) {
    let gone = queue.iter().take_while(|item| old(item)).count();
    queue.drain(..gone);
    // A burst that is over must not hold its memory.
    if queue.capacity() > 16 && queue.len() * 4 < queue.capacity() {
        queue.shrink_to(queue.len() * 2);
    }
}
