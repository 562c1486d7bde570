//! Rules that matched one after the other.
//!
//! Of all chains of events that end at a rule, the one that began last leaves the window last, so no
//! other needs to be kept: a table by length and last rule answers exactly, whatever came in between.
use std::mem::size_of;

use crate::evidence::EventRef;

/// For each length and last rule, the chain that began last.
#[derive(Debug)]
pub(crate) struct Chains {
    rules: usize,
    /// Only chains of all rules up to the last are kept.
    whole: bool,
    /// By length - 1 and last rule; with `whole`, by last rule. Empty: there is none.
    best: Box<[Vec<EventRef>]>,
}

impl Chains {
    pub(crate) fn new(rules: usize, whole: bool) -> Self {
        let rows = if whole { 1 } else { rules };
        Self {
            rules,
            whole,
            best: vec![Vec::new(); rows * rules].into(),
        }
    }

    /// Takes in an event that these rules, in their order, matched. It stands once in a chain.
    pub(crate) fn add(&mut self, event: EventRef, rules: &[usize]) {
        // From the last rule to the first: what the event adds to is always older than itself.
        for rule in rules.iter().rev() {
            if self.whole {
                self.extend_whole(event, *rule);
            } else {
                for length in (1..=*rule + 1).rev() {
                    self.extend(event, *rule, length);
                }
            }
        }
    }

    fn extend_whole(&mut self, event: EventRef, rule: usize) {
        let before = match rule.checked_sub(1) {
            None => with_room(&[]),
            Some(last) if self.best[last].is_empty() => return,
            Some(last) => with_room(&self.best[last]),
        };
        self.replace(rule, before, event);
    }

    fn extend(&mut self, event: EventRef, rule: usize, length: usize) {
        let before = match length {
            1 => with_room(&[]),
            _ => {
                let row = (length - 2) * self.rules;
                let shorter = self.best[row..row + rule].iter();
                let latest = shorter.max_by_key(|chain| chain.first().map(|e| e.time_ms));
                match latest.filter(|chain| !chain.is_empty()) {
                    Some(chain) => with_room(chain),
                    None => return,
                }
            }
        };
        self.replace((length - 1) * self.rules + rule, before, event);
    }

    /// Puts the chain in its place unless the one there began later.
    fn replace(&mut self, place: usize, mut chain: Vec<EventRef>, event: EventRef) {
        chain.push(event);
        let begins = |chain: &[EventRef]| chain.first().map(|e| e.time_ms);
        let old = &mut self.best[place];
        if begins(old) <= begins(&chain) {
            *old = chain;
        }
    }

    /// Forgets chains that began at `limit` or before.
    pub(crate) fn expire(&mut self, limit: i64) {
        for chain in &mut self.best {
            if chain.first().is_some_and(|first| first.time_ms <= limit) {
                *chain = Vec::new();
            }
        }
    }

    /// Rules in the longest chain; with `whole`, 0 unless it is all of them.
    pub(crate) fn longest(&self) -> usize {
        if self.whole {
            return self.best.last().map_or(0, Vec::len);
        }
        self.best.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The events of the longest chain.
    pub(crate) fn evidence(&self) -> Vec<EventRef> {
        if self.whole {
            return self.best.last().cloned().unwrap_or_default();
        }
        let longest = self.best.iter().max_by_key(|chain| chain.len());
        longest.cloned().unwrap_or_default()
    }

    /// The most bytes outside the value itself, all of which count from the start: chains come and go
    /// with every event. `allocation` is what each allocation costs besides.
    pub(crate) fn most_bytes(&self, allocation: usize) -> usize {
        let chain = self.rules * size_of::<EventRef>() + allocation;
        self.best.len() * (size_of::<Vec<EventRef>>() + chain) + allocation
    }
}

/// A copy with room for one more and nothing beyond.
fn with_room(chain: &[EventRef]) -> Vec<EventRef> {
    let mut copy = Vec::with_capacity(chain.len() + 1);
    copy.extend_from_slice(chain);
    copy
}
