//! Windows against a model that keeps everything, and the store against floods.
use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher as _, RandomState},
};

use proptest::prelude::*;

use super::{
    measure::{Measure, Threshold},
    store::{Key, Store},
    window::{Arrival, MAX_NUMBERS, Shape, Statistic, Window},
};
use crate::evidence::EventRef;

/// One event as the model keeps it.
#[derive(Debug, Clone)]
struct Seen {
    time: i64,
    rules: Vec<usize>,
    value: u64,
    number: i64,
}

fn seen() -> impl Strategy<Value = Seen> {
    let rules = proptest::collection::btree_set(0usize..4, 1..3);
    // Small steps, so that many events lie exactly at a window's edge.
    (0i64..4, rules, 0u64..5, -9i64..10).prop_map(|(time, rules, value, number)| Seen {
        time,
        rules: rules.into_iter().collect(),
        value,
        number,
    })
}

/// Steps between events become times.
fn history() -> impl Strategy<Value = Vec<Seen>> {
    proptest::collection::vec(seen(), 1..60).prop_map(|mut events| {
        let mut now = 0;
        for event in &mut events {
            now += event.time;
            event.time = now;
        }
        events
    })
}

/// The longest list of events, each later in the history than the one before, that rules in rising
/// order matched.
fn longest_in_order(events: &[&Seen], from_rule: usize) -> usize {
    let mut best = 0;
    for (at, event) in events.iter().enumerate() {
        for rule in event.rules.iter().filter(|rule| **rule >= from_rule) {
            best = best.max(1 + longest_in_order(&events[at + 1..], rule + 1));
        }
    }
    best
}

/// Whether rules 0 to `rules` matched one after the other.
fn all_in_order(events: &[&Seen], rules: usize) -> bool {
    let mut next = 0;
    for event in events {
        if next < rules && event.rules.contains(&next) {
            next += 1;
        }
    }
    next == rules
}

fn model(shape: Shape, window: &[&Seen]) -> Option<Measure> {
    let numbers = || window.iter().map(|e| e.number);
    let sum = || numbers().map(i128::from).sum::<i128>();
    Some(match shape {
        Shape::Events { .. } => Measure::count(window.len()),
        Shape::Values { .. } => {
            let values: BTreeSet<u64> = window.iter().map(|e| e.value).collect();
            Measure::count(values.len())
        }
        Shape::Share => {
            let latest = window.last()?.value;
            let alike = window.iter().filter(|e| e.value == latest).count();
            Measure::quotient(alike as i128 * 100, window.len())?
        }
        Shape::Numbers(Statistic::Sum) => Measure::whole(sum()),
        Shape::Numbers(Statistic::Average) => Measure::quotient(sum(), window.len())?,
        Shape::Numbers(Statistic::Max) => Measure::whole(numbers().max()?),
        Shape::Numbers(Statistic::Min) => Measure::whole(numbers().min()?),
        Shape::Numbers(Statistic::Percentile(p)) => {
            let mut sorted: Vec<i64> = numbers().collect();
            sorted.sort_unstable();
            let enough = |n: &&i64| {
                let below = sorted.iter().filter(|m| m <= n).count();
                below * 100 >= usize::from(p) * sorted.len()
            };
            Measure::whole(*sorted.iter().find(enough)?)
        }
        Shape::Together { .. } => {
            let rules: BTreeSet<usize> = window.iter().flat_map(|e| e.rules.clone()).collect();
            Measure::count(rules.len())
        }
        Shape::InOrder { rules, whole: true } => Measure::count(if all_in_order(window, rules) {
            rules
        } else {
            0
        }),
        Shape::InOrder { whole: false, .. } => Measure::count(longest_in_order(window, 0)),
    })
}

fn shapes() -> Vec<Shape> {
    let statistics = [
        Statistic::Sum,
        Statistic::Max,
        Statistic::Min,
        Statistic::Average,
        Statistic::Percentile(0),
        Statistic::Percentile(50),
        Statistic::Percentile(95),
        Statistic::Percentile(100),
    ];
    let numbers = statistics.map(Shape::Numbers);
    let others = [
        Shape::Events { keep: 5 },
        Shape::Events { keep: 1 },
        Shape::Values { keep: 4 },
        Shape::Share,
        Shape::Together { rules: 4 },
        Shape::InOrder {
            rules: 4,
            whole: true,
        },
        Shape::InOrder {
            rules: 4,
            whole: false,
        },
    ];
    numbers.into_iter().chain(others).collect()
}

/// What a window keeps is enough: every count up to it is told exactly, all above are alike.
fn kept(shape: Shape, measure: Measure) -> Measure {
    let (Shape::Events { keep } | Shape::Values { keep }) = shape else {
        return measure;
    };
    let most = Measure::count(keep);
    if Threshold::at_least(keep).holds(measure) {
        most
    } else {
        measure
    }
}

proptest! {
    #[test]
    fn windows_are_exact(events in history(), span in 1i64..12) {
        for shape in shapes() {
            let mut window = Window::default();
            for (at, event) in events.iter().enumerate() {
                window.expire(event.time - span);
                let growth = window.heap_bytes() + window.growth(shape);
                let arrival = Arrival {
                    event: EventRef { time_ms: event.time, serial: at as u32 },
                    rules: &event.rules,
                    value: Some(event.value),
                    number: Some(event.number),
                };
                prop_assert!(!window.add(shape, &arrival));
                prop_assert!(window.heap_bytes() <= growth, "{:?}", shape);
                prop_assert!(window.heap_bytes() <= Window::most_bytes(shape), "{:?}", shape);
                let within: Vec<&Seen> =
                    events[..=at].iter().filter(|e| e.time > event.time - span).collect();
                let want = model(shape, &within).map(|m| kept(shape, m));
                prop_assert_eq!(window.measure(shape), want, "{:?} at {}", shape, at);
                for kept in window.events() {
                    prop_assert!(kept.time_ms > event.time - span && kept.serial <= at as u32);
                }
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_store_with_room_is_exact_and_never_above_its_bytes(
        events in proptest::collection::vec((0u64..6, seen()), 1..120), span in 1i64..12,
    ) {
        for shape in shapes() {
            let bytes = Store::least_bytes(shape) * 8;
            let mut store = Store::new(shape, span, bytes).unwrap();
            let mut now = 0;
            let mut past: HashMap<u64, Vec<Seen>> = HashMap::new();
            for (at, (group, event)) in events.iter().enumerate() {
                now += event.time;
                let event = Seen { time: now, ..event.clone() };
                let of_group = past.entry(*group).or_default();
                of_group.push(event.clone());
                let within: Vec<&Seen> =
                    of_group.iter().filter(|e| e.time > now - span).collect();
                let arrival = Arrival {
                    event: EventRef { time_ms: now, serial: at as u32 },
                    rules: &event.rules,
                    value: Some(event.value),
                    number: Some(event.number),
                };
                let stepped = store.step((*group, *group), &arrival).unwrap();
                let want = model(shape, &within).map(|m| kept(shape, m));
                prop_assert_eq!(stepped.measure, want, "{:?} at {}", shape, at);
                prop_assert!(store.bytes() <= bytes);
            }
            prop_assert_eq!(store.tally, Default::default());
        }
    }
}

#[test]
fn the_least_bytes_are_enough_and_few_are_refused() {
    for shape in shapes().into_iter().chain([Shape::Events { keep: 65_536 }]) {
        assert!(
            Store::new(shape, 1, Store::least_bytes(shape)).is_some(),
            "{shape:?}"
        );
        assert!(Store::new(shape, 1, 100).is_none(), "{shape:?}");
    }
}

#[test]
fn a_group_of_too_many_numbers_forgets_the_oldest_and_says_so() {
    let shape = Shape::Numbers(Statistic::Sum);
    let mut store = Store::new(shape, 1000, Store::least_bytes(shape)).unwrap();
    for serial in 0..MAX_NUMBERS as u32 + 5 {
        let event = EventRef { time_ms: 1, serial };
        let arrival = Arrival {
            event,
            rules: &[0],
            value: Some(1),
            number: Some(1),
        };
        store.step((1, 1), &arrival).unwrap();
    }
    assert_eq!(store.tally.trimmed, 5);
}

/// A key as the state makes them.
fn keys() -> impl Fn(u64) -> Key {
    let (a, b) = (RandomState::new(), RandomState::new());
    move |n| (a.hash_one(n), b.hash_one(n))
}

/// Distinct keys in a minute, beside one that comes every `gap_ms`: how many of its events were
/// counted together in the end, and the most bytes that were in use.
pub(super) fn flood(keys_in_a_minute: u64, gap_ms: u64, bytes: usize) -> (usize, usize, Store) {
    let key = keys();
    let shape = Shape::Events { keep: 100 };
    let mut store = Store::new(shape, 60_000, bytes).unwrap();
    let (mut found, mut most) = (0, 0);
    let mut next = 0;
    for n in 0..keys_in_a_minute {
        let now = n * 60_000 / keys_in_a_minute;
        let event = EventRef {
            time_ms: now as i64,
            serial: n as u32,
        };
        let arrival = Arrival {
            event,
            rules: &[0],
            value: None,
            number: None,
        };
        store.step(key(n + 1), &arrival);
        if now >= next {
            next += gap_ms;
            if let Some(stepped) = store.step(key(0), &arrival) {
                found = found.max(store.events(&stepped).len());
            }
        }
        if n % 4096 == 0 {
            most = most.max(store.bytes());
        }
    }
    (found, most.max(store.bytes()), store)
}

#[test]
fn a_flood_of_keys_does_not_hide_one_that_comes_back() {
    // A tenth of the keys in a tenth of the bytes: the release run in tests/flood.rs has all.
    let bytes = 1 << 20;
    let (found, most, store) = flood(1_000_000, 2000, bytes);
    assert!(most <= bytes, "{most}");
    assert!(found >= 20, "{found}: {:?}", store.tally);
    assert!(
        store.tally.refused + store.tally.evicted > 900_000,
        "{:?}",
        store.tally
    );
}

#[test]
fn keys_that_come_once_find_no_room_among_those_with_history() {
    let key = keys();
    let mut store = Store::new(Shape::Events { keep: 10 }, 60_000, 1 << 18).unwrap();
    let (_, capacity) = store.groups();
    let step = |store: &mut Store, n: u64, time_ms: i64| {
        let event = EventRef { time_ms, serial: 0 };
        let arrival = Arrival {
            event,
            rules: &[0],
            value: None,
            number: None,
        };
        store.step(key(n), &arrival).map(|s| store.events(&s).len())
    };
    let regulars = capacity as u64 / 4;
    for round in 0..5 {
        for n in 0..regulars {
            step(&mut store, n, round);
        }
    }
    for n in 0..200_000 {
        step(&mut store, 1_000_000 + n, 10);
    }
    let kept = (0..regulars)
        .filter(|n| step(&mut store, *n, 20) == Some(6))
        .count();
    assert!(
        kept as u64 > regulars * 95 / 100,
        "{kept} of {regulars}: {:?}",
        store.tally
    );
    // Once their time is over, they give way without anything being lost.
    let evicted = store.tally.evicted;
    assert_eq!(step(&mut store, 5_000_000, 70_000), Some(1));
    assert_eq!(store.tally.evicted, evicted);
}

#[test]
fn a_store_of_another_size_keeps_the_latest_groups() {
    let key = keys();
    let mut store = Store::new(Shape::Events { keep: 10 }, 60_000, 1 << 18).unwrap();
    let mut serial = 0;
    let mut step = |store: &mut Store, n: u64| {
        serial += 1;
        let event = EventRef { time_ms: 5, serial };
        let arrival = Arrival {
            event,
            rules: &[0],
            value: None,
            number: None,
        };
        let stepped = store.step(key(n), &arrival).unwrap();
        store.events(&stepped).len()
    };
    for n in 0..500 {
        step(&mut store, n);
        step(&mut store, n);
    }
    let (groups, _) = store.groups();
    assert_eq!(groups, 500);
    let mut store = store.resized(1 << 15).unwrap();
    assert!(store.bytes() <= 1 << 15);
    assert!(store.groups().0 > 50, "{:?}", store.groups());
    assert_eq!(step(&mut store, 499), 3);
    assert!(store.groups().0 < 500 && store.tally.evicted > 0);
    let mut store = store.resized(1 << 20).unwrap();
    assert_eq!(step(&mut store, 499), 4);
}
