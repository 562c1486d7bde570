//! What is told of what was found: once, when it doubles, when its time is over; and no count is lost.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use auklet_rules::{
    Alert, Entity, Finding, Proof, Raised, RuleMeta, Scene, Text, Throttle, ThrottleSettings,
};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

fn rule(id: u8) -> Arc<RuleMeta> {
    Arc::new(RuleMeta {
        id: format!("rule-{id}"),
        title: format!("Rule {id}"),
        ..RuleMeta::default()
    })
}

/// One more occurrence; what is told then.
fn see(throttle: &mut Throttle, rule_id: u8, object: &str, time_ms: i64) -> Vec<Alert> {
    let raised = Raised::from(Finding {
        rule: rule(rule_id),
        matched: Vec::new(),
    });
    let entity = Entity {
        object: object.as_bytes(),
        ..Entity::default()
    };
    let scene = || Scene {
        time_ms,
        object: Some(Text::from(object)),
        ..Scene::default()
    };
    throttle.raise(raised, &entity, time_ms, scene)
}

fn told(alerts: &[Alert]) -> Vec<(u64, bool)> {
    alerts.iter().map(|a| (a.count, a.update)).collect()
}

fn throttle(per_rule: u32) -> Throttle {
    Throttle::new(ThrottleSettings {
        window_ms: 10 * MINUTE,
        per_rule,
    })
}

#[test]
fn the_same_is_told_when_its_count_doubles_and_when_its_time_is_over() {
    let mut throttle = throttle(10);
    let mut all = Vec::new();
    for n in 0..9 {
        all.extend(see(&mut throttle, 1, "/x", n * 1000));
    }
    assert_eq!(told(&all), [(1, false), (2, true), (4, true), (8, true)]);
    assert!(throttle.due(10 * MINUTE - 1).is_empty());
    let due = throttle.due(10 * MINUTE);
    assert_eq!(told(&due), [(9, true)]);
    let (first, last) = (&all[0], &due[0]);
    assert_eq!((&last.uid, &last.first_seen), (&first.uid, &first.time));
    assert_eq!(last.last_seen, "1970-01-01T00:00:08.000Z");
    // Then it is new again.
    let again = see(&mut throttle, 1, "/x", 11 * MINUTE);
    assert_eq!(told(&again), [(1, false)]);
    assert_ne!(again[0].uid, first.uid);
    assert!(throttle.finish().is_empty());
    let counts = throttle.counts();
    assert_eq!((counts.found, counts.told, counts.updates), (10, 6, 4));
}

#[test]
fn other_rules_objects_and_groups_are_others() {
    let mut throttle = throttle(10);
    let mut count = 0;
    for (rule, object) in [(1, "/x"), (1, "/y"), (2, "/x")] {
        count += see(&mut throttle, rule, object, 0).len();
    }
    for group in ["a", "b", "a"] {
        let raised = Raised {
            finding: Finding {
                rule: rule(3),
                matched: Vec::new(),
            },
            observation: 0,
            proof: Some(Proof {
                group: vec![group.to_owned()],
                ..Proof::default()
            }),
        };
        // Who completed it does not matter.
        let entity = Entity {
            object: if count % 2 == 0 { b"/x" } else { b"/y" },
            ..Entity::default()
        };
        let alerts = throttle.raise(raised, &entity, 0, Scene::default);
        count += alerts.iter().filter(|a| !a.update).count();
    }
    assert_eq!(count, 5);
}

#[test]
fn beyond_a_number_the_alerts_of_a_rule_are_one() {
    let mut throttle = throttle(3);
    let mut all = Vec::new();
    for n in 0..100 {
        all.extend(see(&mut throttle, 1, &format!("/{n}"), 0));
    }
    let new: Vec<bool> = all
        .iter()
        .filter(|a| !a.update)
        .map(|a| a.various)
        .collect();
    assert_eq!(new, [false, false, false, true]);
    let last = throttle.finish();
    assert_eq!(told(&last), [(97, true)]);
    assert!(last[0].various);
    // Another rule is not concerned; nor is this one when the time is over.
    assert!(!see(&mut throttle, 2, "/x", 0)[0].various);
    let later = see(&mut throttle, 1, "/new", 20 * MINUTE);
    assert!(!later.last().is_none_or(|a| a.various));
}

#[test]
fn without_a_window_everything_is_told() {
    let mut throttle = Throttle::new(ThrottleSettings {
        window_ms: 0,
        per_rule: 1,
    });
    let all: Vec<Alert> = (0..3)
        .flat_map(|_| see(&mut throttle, 1, "/x", 0))
        .collect();
    assert_eq!(told(&all), [(1, false); 3]);
    let uids: BTreeSet<&String> = all.iter().map(|a| &a.uid).collect();
    assert_eq!(uids.len(), 3);
}

#[test]
fn huge_alerts_are_kept_in_bounded_memory_and_none_is_lost() {
    let mut throttle = throttle(u32::MAX);
    let huge = "x".repeat(1 << 18);
    let mut last = BTreeMap::new();
    for n in 0..60 {
        for _ in 0..3 {
            for alert in see(&mut throttle, 1, &format!("{n}{huge}"), 0) {
                last.insert(alert.uid.clone(), alert.count);
            }
        }
    }
    assert!(throttle.counts().entities <= 32, "{:?}", throttle.counts());
    last.extend(throttle.finish().into_iter().map(|a| (a.uid, a.count)));
    assert_eq!(last.values().sum::<u64>(), 180);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_count_is_lost(
        seen in proptest::collection::vec((0u8..3, 0u8..8, 0i64..4 * MINUTE), 1..300),
        per_rule in 1u32..6,
    ) {
        let mut throttle = throttle(per_rule);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut now = 0;
        let mut new = 0u64;
        let mut take = |alerts: Vec<Alert>| {
            for alert in alerts {
                let before = counts.insert(alert.uid, alert.count);
                // Counts only rise, and only updates tell of what is known.
                assert_eq!(before.is_some(), alert.update);
                assert!(before < Some(alert.count));
                new += u64::from(!alert.update);
            }
        };
        for (rule, object, step) in &seen {
            now += step / 8;
            take(see(&mut throttle, *rule, &object.to_string(), now));
        }
        take(throttle.finish());
        prop_assert_eq!(counts.values().sum::<u64>(), seen.len() as u64);
        let windows = now as u64 / (10 * MINUTE as u64) + 2;
        prop_assert!(new <= 3 * windows * (u64::from(per_rule) + 1));
    }
}
