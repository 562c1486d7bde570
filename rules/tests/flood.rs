//! Millions of made-up group keys in a minute beside a brute force: it is found, and memory stays within
//! what was allowed. All ten million with `cargo test --release -p auklet-rules --test flood -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{fs, path::Path, time::Instant};

use auklet_rules::{Category, Detector, Moment, Observation, RuleSet, Value, id};

/// Distinct keys in a minute.
const KEYS: u64 = if cfg!(debug_assertions) {
    60_000
} else {
    10_000_000
};
/// What correlations may remember, in bytes; with fewer keys as much less.
const BYTES: usize = if cfg!(debug_assertions) {
    1 << 18
} else {
    32 << 20
};
/// The attacker tries every so many milliseconds.
const GAP_MS: u64 = 1500;

const RULES: &str = "\
title: A failure
name: failure
logsource: {category: process_creation}
detection:
    selection: {Arg0: login, Success: false}
    condition: selection
---
title: Brute force
id: 00000000-0000-4000-8000-000000000001
level: high
correlation:
    type: event_count
    rules: failure
    group-by: [User]
    timespan: 1m
    condition: {gte: 20}
";

/// Most memory that this process had, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn failure(user: &str) -> [Observation; 1] {
    let mut observation = Observation::new(Category::ProcessCreation);
    observation.set(id!("Arg0"), Value::Bytes(b"login".to_vec()));
    observation.set(id!("Success"), Value::Bool(false));
    observation.set(id!("User"), Value::Bytes(user.as_bytes().to_vec()));
    [observation]
}

#[test]
fn a_brute_force_is_found_beside_a_flood_of_keys() {
    let rules = RuleSet::default()
        .and_parse(Path::new("r.yml"), RULES)
        .unwrap_or_else(|e| panic!("{e}"));
    let mut detector = Detector::new(rules, BYTES).unwrap();
    let before = peak_kib();
    let start = Instant::now();
    let (mut tries, mut found, mut most) = (0u64, None, 0);
    for n in 0..KEYS {
        let time_ms = n * 60_000 / KEYS;
        let moment = Moment {
            time_ms: 1_795_512_600_000 + time_ms as i64,
            serial: n as u32,
            node: b"",
        };
        let none = detector.event(&failure(&format!("nobody-{n}")), &moment);
        assert!(none.is_empty(), "an alert about a key that came once");
        if time_ms >= tries * GAP_MS {
            tries += 1;
            let raised = detector.event(&failure("admin"), &moment);
            if let (Some(alert), None) = (raised.first(), found) {
                assert_eq!(alert.finding.matched[0].value.as_str(), "admin");
                found = Some((tries, time_ms));
            }
        }
        if n % 1024 == 0 {
            most = most.max(detector.counts().bytes);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let counts = detector.counts();
    let grown = peak_kib().saturating_sub(before);
    println!(
        "{KEYS} keys, bound {BYTES} bytes: counted {most}, peak of the process grew by {grown} KiB; \
         found at try and ms {found:?} of {tries} tries; {:.0} ns an event; {counts:?}",
        seconds * 1e9 / KEYS as f64
    );
    assert!(most.max(counts.bytes) <= BYTES);
    // Beside it there are the rules' own, the observations, the test.
    assert!(grown * 1024 <= BYTES as u64 + (4 << 20), "{grown} KiB");
    assert!(found.is_some(), "not found in {tries} tries");
    assert!(
        counts.evicted + counts.refused > KEYS / 2,
        "no flood: {counts:?}"
    );
}
