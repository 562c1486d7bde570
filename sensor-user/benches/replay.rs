//! How fast logs are read: `cargo bench -p sensor-user --bench replay`. The log is 10,000 events made
//! from the examples in tests/data/replay, with serials, times and processes of their own.

use std::{fmt::Write as _, fs, hint::black_box};

use auklet::{enrich::Enricher, process::ProcessTable, records, replay::Parser};
use auklet_rules::RuleSet;
use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};

const EVENTS: u32 = 10_000;
/// One of each family that rules ask for, and what else a log is full of.
const EXAMPLES: [&str; 8] = ["e01", "e02", "e04", "e05", "e07", "e09", "e11", "e16"];

fn main() {
    divan::main();
}

/// The log, and how many lines it has.
fn log() -> (String, usize) {
    let read = |name: &str| {
        let path = format!(
            "{}/../tests/data/replay/{name}.log",
            env!("CARGO_MANIFEST_DIR")
        );
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let examples = EXAMPLES.map(read);
    let (mut log, mut lines) = (String::new(), 0);
    for (serial, example) in (0..EVENTS).zip(examples.iter().cycle()) {
        for line in example.lines() {
            let (head, rest) = line.split_once("msg=audit(").expect("a record");
            let (_, rest) = rest.split_once("): ").expect("a record");
            let (seconds, ms) = (1_700_000_000 + serial / 1000, serial % 1000);
            let pid = format!(" pid={}", 1000 + serial % 2000);
            let rest = match rest.split_once(" pid=") {
                Some((before, after)) => {
                    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
                    format!("{before}{pid}{after}")
                }
                None => rest.to_owned(),
            };
            writeln!(log, "{head}msg=audit({seconds}.{ms:03}:{serial}): {rest}").expect("a String");
            lines += 1;
        }
    }
    (log, lines)
}

/// Hands each event to `take`; how many there were.
fn parse(log: &str, mut take: impl FnMut(auklet::replay::Replayed)) -> u32 {
    let mut parser = Parser::default();
    let mut events = 0;
    let mut drain = |parser: &mut Parser| {
        while let Some(replayed) = parser.next_event() {
            events += 1;
            take(replayed);
        }
    };
    for line in log.lines() {
        parser.line(line.as_bytes()).expect("a record");
        drain(&mut parser);
    }
    parser.end();
    drain(&mut parser);
    assert_eq!(events, EVENTS);
    events
}

#[divan::bench]
fn parse_lines(bencher: Bencher<'_, '_>) {
    let (log, lines) = log();
    bencher
        .counter(ItemsCount::new(lines))
        .counter(BytesCount::of_str(&log))
        .bench(|| parse(&log, |replayed| drop(black_box(replayed))));
}

#[divan::bench]
fn parse_events(bencher: Bencher<'_, '_>) {
    let (log, _) = log();
    bencher
        .counter(ItemsCount::new(EVENTS))
        .bench(|| parse(&log, |replayed| drop(black_box(replayed))));
}

#[divan::bench]
fn parse_and_format(bencher: Bencher<'_, '_>) {
    let (log, _) = log();
    let mut text = Vec::new();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        parse(&log, |replayed| {
            text.clear();
            records::format(&replayed.event, &mut text);
            black_box(&text);
        })
    });
}

#[divan::bench]
fn parse_and_shipped_rules(bencher: Bencher<'_, '_>) {
    let (log, _) = log();
    let rules = RuleSet::shipped().expect("the shipped rules");
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let (mut enricher, mut processes) = (Enricher::of_host(b"x"), ProcessTable::new(32_768));
        let mut findings = 0;
        parse(&log, |replayed| {
            processes.replayed(&replayed.event);
            for observation in enricher.observe(&replayed.event, &processes) {
                findings += rules.evaluate(&observation).len();
            }
        });
        findings
    });
}
