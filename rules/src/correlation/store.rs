//! The groups of one correlation, in a fixed number of bytes, however many keys somebody makes up.
//!
//! Everything is counted: the table of groups is made once, at its full size, and what windows allocate
//! is added up. When there is no room, the group that was touched longest ago goes if it is over. If it
//! is not, it goes only for a key that was seen more often than it, by its events or by a sketch that
//! counts keys without groups, too. So a flood of keys that come once finds no room among groups with
//! history, while a key that keeps coming gets in. Keys are hashed with secrets of this process: nobody
//! can make up two that collide. Who is turned away, and who had to go, is counted.
use std::mem::{size_of, take};

use hashbrown::HashTable;

use super::{
    measure::Measure,
    sketch::Sketch,
    window::{Arrival, Shape, Window},
};
use crate::evidence::EventRef;

/// A group's key, hashed twice.
pub(crate) type Key = (u64, u64);

const NONE: u32 = u32::MAX;
/// Share of the bytes for the sketch: 1 of so many.
const SKETCH_SHARE: usize = 8;
/// Bytes of the index for each group at most: a place and its tag, at the lowest load.
const INDEX: usize = 12;
/// Groups that are looked at to make room for one.
const TRIES: usize = 4;

/// A place in the table of groups.
#[derive(Debug)]
struct Slot {
    key: Key,
    /// Neighbours in the order of the last touch.
    newer: u32,
    older: u32,
    heap: u32,
    /// The group's latest event.
    latest: i64,
    window: Window,
}

/// What became of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Groups that had to go before they were over.
    pub(crate) evicted: u64,
    /// Events of keys that got no group.
    pub(crate) refused: u64,
    /// Events that a window had no room for any more.
    pub(crate) trimmed: u64,
}

/// What an event made of its group.
#[derive(Debug)]
pub(crate) struct Stepped {
    pub(crate) measure: Option<Measure>,
    /// Where the group is, until the next step.
    slot: u32,
}

/// Groups by key.
#[derive(Debug)]
pub(crate) struct Store {
    shape: Shape,
    span_ms: i64,
    slots: Vec<Slot>,
    /// Places without a group.
    free: Vec<u32>,
    index: HashTable<u32>,
    capacity: usize,
    newest: u32,
    oldest: u32,
    /// What windows may allocate, and what they have.
    heap_limit: usize,
    heap: usize,
    sketch: Sketch,
    pub(crate) tally: Tally,
}

impl Store {
    /// A store that takes at most `bytes`. None if that is not enough for one full group.
    pub(crate) fn new(shape: Shape, span_ms: i64, bytes: usize) -> Option<Self> {
        let sketch = Sketch::new(bytes / SKETCH_SHARE);
        let left = bytes.saturating_sub(sketch.bytes());
        // Room for a window of a few events beside each place.
        let place = size_of::<Slot>() + size_of::<u32>() + INDEX;
        let first = Window::default().growth(shape).max(96);
        let capacity = (left / (place + first)).min(NONE as usize - 1);
        let heap_limit = left - capacity * place;
        if capacity == 0 || heap_limit < Window::most_bytes(shape) {
            return None;
        }
        Some(Self {
            shape,
            span_ms,
            slots: Vec::with_capacity(capacity),
            free: Vec::with_capacity(capacity),
            index: HashTable::with_capacity(capacity),
            capacity,
            newest: NONE,
            oldest: NONE,
            heap_limit,
            heap: 0,
            sketch,
            tally: Tally::default(),
        })
    }

    /// The bytes that a store needs to hold one full group.
    pub(crate) fn least_bytes(shape: Shape) -> usize {
        (Window::most_bytes(shape) + 4096) * 3
    }

    /// Groups there are, and groups there can be.
    pub(crate) fn groups(&self) -> (usize, usize) {
        (self.index.len(), self.capacity)
    }

    /// Bytes in use: the table's at its full size, and what windows allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
            + self.index.allocation_size()
            + self.sketch.bytes()
            + self.heap
    }

    /// Takes an event into its group; none if the group gets no room.
    pub(crate) fn step(&mut self, key: Key, arrival: &Arrival<'_>) -> Option<Stepped> {
        let now = arrival.event.time_ms;
        let seen = self.sketch.add(key);
        let Some(slot) = self.find(key).or_else(|| self.admit(key, seen, now)) else {
            self.tally.refused += 1;
            return None;
        };
        self.touch(slot);
        let shape = self.shape;
        let limit = now.saturating_sub(self.span_ms);
        let window = &mut self.slots[slot as usize].window;
        window.expire(limit);
        let growth = window.growth(shape);
        self.account(slot);
        if !self.make_room(slot, seen, growth, now) {
            self.remove(slot);
            self.tally.refused += 1;
            return None;
        }
        let place = &mut self.slots[slot as usize];
        place.latest = now;
        let trimmed = place.window.add(shape, arrival);
        let measure = place.window.measure(shape);
        self.tally.trimmed += u64::from(trimmed);
        self.account(slot);
        Some(Stepped { measure, slot })
    }

    /// The events of the group that was stepped last.
    pub(crate) fn events(&self, stepped: &Stepped) -> Vec<EventRef> {
        self.slots[stepped.slot as usize].window.events()
    }

    /// Whether a rule's event is in the group that was stepped last.
    pub(crate) fn has_rule(&self, stepped: &Stepped, rule: usize) -> bool {
        self.slots[stepped.slot as usize].window.has_rule(rule)
    }

    /// The same groups in a store of another size; the latest are kept.
    pub(crate) fn resized(mut self, bytes: usize) -> Option<Self> {
        let mut new = Self::new(self.shape, self.span_ms, bytes)?;
        new.tally = self.tally;
        // The sketch starts anew: what it knows is short-lived, and it has another width.
        let mut at = self.newest;
        let mut order = Vec::new();
        while at != NONE && order.len() < new.capacity {
            order.push(at);
            at = self.slots[at as usize].older;
        }
        new.tally.evicted += (self.index.len() - order.len()) as u64;
        for at in order.into_iter().rev() {
            let old = &mut self.slots[at as usize];
            let (key, latest, window) = (old.key, old.latest, take(&mut old.window));
            if new.heap + window.heap_bytes() > new.heap_limit {
                new.tally.evicted += 1;
                continue;
            }
            let slot = new.place(key, latest);
            new.slots[slot as usize].window = window;
            new.account(slot);
        }
        Some(new)
    }

    fn find(&self, key: Key) -> Option<u32> {
        let same = |at: &u32| self.slots[*at as usize].key == key;
        self.index.find(key.0, same).copied()
    }

    /// A place for a new key, if it may have one.
    fn admit(&mut self, key: Key, seen: u8, now: i64) -> Option<u32> {
        let full = |store: &Self| store.index.len() >= store.capacity;
        for _ in 0..TRIES {
            if !full(self) {
                break;
            }
            self.evict_one(usize::from(seen), now, NONE);
        }
        if full(self) {
            return None;
        }
        Some(self.place(key, now))
    }

    /// Puts an empty group in front.
    fn place(&mut self, key: Key, latest: i64) -> u32 {
        let slot = Slot {
            key,
            newer: NONE,
            older: self.newest,
            heap: 0,
            latest,
            window: Window::default(),
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        if let Some(second) = self.slots.get_mut(self.newest as usize) {
            second.newer = at;
        }
        self.newest = at;
        if self.oldest == NONE {
            self.oldest = at;
        }
        let slots = &self.slots;
        let hash = |at: &u32| slots[*at as usize].key.0;
        self.index.insert_unique(key.0, at, hash);
        at
    }

    /// Lets the group go that was touched longest ago, if it is over or was seen less often than
    /// `seen`; else it gets another round.
    fn evict_one(&mut self, seen: usize, now: i64, keep: u32) -> bool {
        let at = self.oldest;
        let Some(slot) = self.slots.get(at as usize).filter(|_| at != keep) else {
            return false;
        };
        let over = slot.latest <= now.saturating_sub(self.span_ms);
        let history = slot.window.len().max(1);
        let weight = history.max(usize::from(self.sketch.estimate(slot.key)));
        if over || weight < seen {
            self.tally.evicted += u64::from(!over);
            self.remove(at);
            return true;
        }
        self.touch(at);
        false
    }

    /// Makes room for what a group is going to allocate: at others' cost, else at its own. False if it
    /// has nothing of its own yet.
    fn make_room(&mut self, slot: u32, seen: u8, growth: usize, now: i64) -> bool {
        let history = self.slots[slot as usize].window.len();
        let seen = history.max(usize::from(seen));
        for _ in 0..TRIES {
            if self.heap + growth <= self.heap_limit {
                return true;
            }
            self.evict_one(seen, now, slot);
        }
        if self.heap + growth <= self.heap_limit {
            return true;
        }
        let own = self.slots[slot as usize].window.drop_oldest();
        self.tally.trimmed += u64::from(own);
        own
    }

    fn account(&mut self, slot: u32) {
        let slot = &mut self.slots[slot as usize];
        let heap = slot.window.heap_bytes();
        self.heap = self.heap - slot.heap as usize + heap;
        slot.heap = u32::try_from(heap).unwrap_or(u32::MAX);
    }

    fn touch(&mut self, at: u32) {
        if self.newest == at {
            return;
        }
        self.unlink(at);
        let newest = self.newest;
        let slot = &mut self.slots[at as usize];
        (slot.newer, slot.older) = (NONE, newest);
        if let Some(second) = self.slots.get_mut(newest as usize) {
            second.newer = at;
        }
        self.newest = at;
        if self.oldest == NONE {
            self.oldest = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let (newer, older) = {
            let slot = &self.slots[at as usize];
            (slot.newer, slot.older)
        };
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn remove(&mut self, at: u32) {
        self.unlink(at);
        let slot = &mut self.slots[at as usize];
        slot.window = Window::default();
        self.heap -= slot.heap as usize;
        slot.heap = 0;
        let key = slot.key;
        if let Ok(entry) = self.index.find_entry(key.0, |other| *other == at) {
            entry.remove();
        }
        self.free.push(at);
    }
}
