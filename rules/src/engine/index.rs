//! Which rules an event may match: one look at each of its fields answers for all rules at once.
//!
//! Whole values and last components of paths are looked up in hash tables, everything else is found
//! by one automaton for each field, over all rules. Fields by which no rule is found are not looked
//! at before a rule asks.
use std::collections::{BTreeMap, HashMap};

use aho_corasick::{
    Anchored, BuildError, MatchKind, StartKind, automaton::Automaton, dfa::DFA,
    nfa::contiguous::NFA,
};
use foldhash::fast::FixedState;
use memchr::memrchr;

use super::{
    keys::{Anchor, Key},
    matcher::each_text,
};
use crate::{fields::FIELDS, observation::Observation};

/// Bytes of texts up to which an automaton is a table of all its states; about 256 bytes each.
const MAX_TABLE: usize = 32 * 1024;

/// Numbers of rules.
type Rules = Box<[u32]>;

/// The index of a category's rules.
#[derive(Default)]
pub(crate) struct Index {
    /// By [`crate::FieldId`].
    fields: Vec<Option<Box<Lookup>>>,
    /// What may be in any field.
    anywhere: Option<Box<Lookup>>,
    /// These are tried on every event.
    always: Vec<u32>,
    /// Words of 64 bits, one bit a rule.
    words: usize,
}

/// What is kept from event to event, so that no event allocates.
#[derive(Default)]
pub(crate) struct Found {
    /// One bit a rule.
    pub(crate) rules: Vec<u64>,
    small_letters: Vec<u8>,
}

impl Index {
    /// From the keys of every rule, by its number.
    pub(crate) fn new(rules: Vec<Option<Vec<Key>>>) -> Result<Self, BuildError> {
        let mut index = Self {
            words: rules.len().div_ceil(64),
            ..Self::default()
        };
        let mut by_field: BTreeMap<_, Vec<(Key, u32)>> = BTreeMap::new();
        for (number, keys) in (0..).zip(rules) {
            match keys {
                None => index.always.push(number),
                Some(keys) => {
                    for key in keys {
                        by_field.entry(key.field).or_default().push((key, number));
                    }
                }
            }
        }
        index.fields.resize_with(FIELDS.len(), || None);
        for (field, keys) in by_field {
            let lookup = Some(Box::new(Lookup::new(keys)?));
            match field {
                Some(id) => index.fields[id.index()] = lookup,
                None => index.anywhere = lookup,
            }
        }
        Ok(index)
    }

    /// Marks every rule that the event may match, and none that it needs not be asked about.
    pub(crate) fn find(&self, event: &Observation, found: &mut Found) {
        found.rules.clear();
        found.rules.resize(self.words, 0);
        self.always
            .iter()
            .for_each(|rule| mark(&mut found.rules, *rule));
        for (id, value) in event.fields() {
            let lookups = [&self.fields[id.index()], &self.anywhere];
            for lookup in lookups.into_iter().flatten() {
                each_text(value, &mut |text| lookup.find(text, found));
            }
        }
    }

    /// How many rules are tried on every event.
    pub(crate) fn always(&self) -> usize {
        self.always.len()
    }
}

fn mark(rules: &mut [u64], rule: u32) {
    rules[rule as usize / 64] |= 1 << (rule % 64);
}

/// What is looked for in one field.
struct Lookup {
    whole: Table,
    last_component: Table,
    automaton: Option<Texts>,
}

impl Lookup {
    fn new(keys: Vec<(Key, u32)>) -> Result<Self, BuildError> {
        let mut whole = BTreeMap::new();
        let mut last = BTreeMap::new();
        let mut texts: BTreeMap<Vec<u8>, BTreeMap<Anchor, Vec<u32>>> = BTreeMap::new();
        for (key, rule) in keys {
            let rules: &mut Vec<u32> = match key.place {
                Anchor::Whole => whole.entry(key.text).or_default(),
                Anchor::LastComponent => last.entry(key.text).or_default(),
                place => texts.entry(key.text).or_default().entry(place).or_default(),
            };
            rules.push(rule);
        }
        Ok(Self {
            whole: Table::new(whole),
            last_component: Table::new(last),
            automaton: Texts::new(texts)?,
        })
    }

    fn find(&self, text: &[u8], found: &mut Found) {
        self.whole.find(text, found);
        if let Some(slash) = memrchr(b'/', text).filter(|_| self.last_component.lengths != 0) {
            self.last_component.find(&text[slash..], found);
        }
        if let Some(automaton) = &self.automaton {
            automaton.find(text, &mut found.rules);
        }
    }
}

/// Texts in small letters.
#[derive(Default)]
struct Table {
    rules: HashMap<Box<[u8]>, Rules, FixedState>,
    /// A bit for each length that there is; the last one for it and all above.
    lengths: u128,
}

impl Table {
    fn new(texts: BTreeMap<Vec<u8>, Vec<u32>>) -> Self {
        let mut table = Self::default();
        for (text, rules) in texts {
            table.lengths |= bit(text.len());
            table.rules.insert(text.into(), rules.into());
        }
        table
    }

    fn find(&self, text: &[u8], found: &mut Found) {
        if self.lengths & bit(text.len()) == 0 {
            return;
        }
        found.small_letters.clear();
        found.small_letters.extend_from_slice(text);
        found.small_letters.make_ascii_lowercase();
        let rules = self.rules.get(&found.small_letters[..]);
        rules
            .into_iter()
            .flatten()
            .for_each(|rule| mark(&mut found.rules, *rule));
    }
}

fn bit(length: usize) -> u128 {
    1 << length.min(127)
}

/// Texts that may be anywhere in a field, or at one end of it.
struct Texts {
    machine: Machine,
    /// By the automaton's pattern.
    needles: Vec<Vec<(Anchor, Rules)>>,
}

enum Machine {
    Table(Box<DFA>),
    Compact(Box<NFA>),
}

impl Texts {
    fn new(
        texts: BTreeMap<Vec<u8>, BTreeMap<Anchor, Vec<u32>>>,
    ) -> Result<Option<Self>, BuildError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let bytes: usize = texts.keys().map(Vec::len).sum();
        let machine = if bytes <= MAX_TABLE {
            let mut builder = DFA::builder();
            builder
                .match_kind(MatchKind::Standard)
                .start_kind(StartKind::Unanchored);
            builder.ascii_case_insensitive(true).prefilter(false);
            Machine::Table(Box::new(builder.build(texts.keys())?))
        } else {
            let mut builder = NFA::builder();
            builder.match_kind(MatchKind::Standard);
            builder.ascii_case_insensitive(true).prefilter(false);
            Machine::Compact(Box::new(builder.build(texts.keys())?))
        };
        let places = |places: BTreeMap<Anchor, Vec<u32>>| {
            places
                .into_iter()
                .map(|(anchor, rules)| (anchor, rules.into()))
                .collect()
        };
        let needles = texts.into_values().map(places).collect();
        Ok(Some(Self { machine, needles }))
    }

    fn find(&self, text: &[u8], rules: &mut [u64]) {
        match &self.machine {
            Machine::Table(dfa) => self.run(dfa.as_ref(), text, rules),
            Machine::Compact(nfa) => self.run(nfa.as_ref(), text, rules),
        }
    }

    fn run(&self, automaton: &impl Automaton, text: &[u8], rules: &mut [u64]) {
        // It was built without anchors, so it has this start; without one nothing could be found.
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            debug_assert!(false, "no unanchored start");
            return;
        };
        for (at, byte) in text.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, *byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for i in 0..automaton.match_len(state) {
                let pattern = automaton.match_pattern(state, i);
                let start = at + 1 - automaton.pattern_len(pattern);
                for (anchor, found) in &self.needles[pattern.as_usize()] {
                    let there = match anchor {
                        Anchor::Start => start == 0,
                        Anchor::End => at + 1 == text.len(),
                        _ => true,
                    };
                    if there {
                        found.iter().for_each(|rule| mark(rules, *rule));
                    }
                }
            }
        }
    }
}
