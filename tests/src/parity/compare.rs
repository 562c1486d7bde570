//! Pairs the events of two logs by process, call and order, and compares all that they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AUID,
    again::Differences,
    blind::Blind,
    log::{Event, Record},
};

/// A number with this is io_uring's, not a system call's.
pub(super) const OPERATION: u32 = 1 << 30;

/// Process, system call, which of the process's calls of that number.
pub(super) type Key = (u32, u32, u32);

#[derive(Default)]
struct Score {
    same: usize,
    all: usize,
}

impl Score {
    fn count(&mut self, same: bool) {
        self.all += 1;
        self.same += usize::from(same);
    }
}

#[derive(Default)]
struct Report {
    events: Score,
    records: Score,
    fields: Score,
    listed: usize,
    /// What auditd has and Auklet is known not to have: docs/parity.md, "Missing".
    missing: usize,
    /// Distinct differences, with how often and where first.
    differences: BTreeMap<String, (usize, String)>,
    /// The same, as another run would tell them.
    places: Differences,
}

/// Prints the score and each difference. Gives those that are not listed.
pub(super) fn paired(
    theirs: &BTreeMap<Key, &Event>,
    ours: &BTreeMap<Key, &Event>,
    plan: &str,
) -> Differences {
    let mut report = Report::default();
    for (key, event) in theirs {
        match ours.get(key) {
            Some(our) => report.event(*key, event, our, plan),
            None if is_missing(event) => report.missing += 1,
            None => {
                report.events.count(false);
                report.differ(
                    *key,
                    event,
                    "no event of auklet",
                    format!("auklet has no such event: {}", names(event)),
                );
            }
        }
    }
    for (key, event) in ours.iter().filter(|(key, _)| !theirs.contains_key(key)) {
        report.events.count(false);
        report.differ(
            *key,
            event,
            "no event of auditd",
            format!("auditd has no such event: {}", names(event)),
        );
    }
    report.print(plan);
    if report.events.all == 0 {
        report.places.insert("no events at all".to_owned());
    }
    report.places
}

/// What an event is about, without what differs from run to run.
fn names(event: &Event) -> String {
    let fields = event.iter().flat_map(|record| {
        let wanted =
            |(name, _): &&(String, String)| ["key", "name", "nametype", "cwd"].contains(&&**name);
        record
            .fields
            .iter()
            .filter(wanted)
            .map(|(name, value)| format!("{name}={value}"))
    });
    fields.collect::<Vec<_>>().join(" ")
}

/// Keys of the events that say the same in both logs, but for PROCTITLE.
pub(super) fn equal(theirs: &BTreeMap<Key, &Event>, ours: &BTreeMap<Key, &Event>) -> BTreeSet<Key> {
    let same = |(key, event): (&Key, &&Event)| {
        let mut report = Report::default();
        report.event(*key, event, ours.get(key)?, "");
        // Its second item is the link in /proc, of which Auklet has less (listed).
        let by_descriptor = |r: &Record| r.get("name").is_some_and(|n| n.starts_with("\"/dev/fd/"));
        let told = report.differences.is_empty() && report.missing == 0;
        let same = told && !event.iter().any(by_descriptor);
        same.then_some(*key)
    };
    theirs.iter().filter_map(same).collect()
}

/// Whether a SYSCALL is of the parity workload.
pub(super) fn of_workload(call: &Record) -> bool {
    call.get("auid").and_then(|auid| auid.parse().ok()) == Some(AUID)
}

/// Events whose SYSCALL is wanted, by key.
pub(super) fn keyed(events: &[Event], wanted: impl Fn(&Record) -> bool) -> BTreeMap<Key, &Event> {
    let mut counts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut keyed = BTreeMap::new();
    for event in events {
        let Some(call) = event.iter().find(|record| record.kind == "SYSCALL") else {
            let operation = event.iter().find(|record| record.kind == "URINGOP");
            let number = |name| operation?.get(name)?.parse::<u32>().ok();
            // It has no login uid; nobody else uses io_uring here.
            if let (Some(pid), Some(op)) = (number("pid"), number("uring_op")) {
                let count = counts.entry((pid, OPERATION | op)).or_default();
                keyed.insert((pid, OPERATION | op, *count), event);
                *count += 1;
            }
            continue;
        };
        let number = |name| call.get(name).and_then(|value| value.parse::<u32>().ok());
        // Behind the write that sets a login uid, the caller's is another; nobody else sets one here.
        let sets_login_uid = event.iter().any(|record| record.kind == "LOGIN");
        if !wanted(call) && !sets_login_uid {
            continue;
        }
        if let (Some(pid), Some(nr)) = (number("pid"), number("syscall")) {
            let count = counts.entry((pid, nr)).or_default();
            keyed.insert((pid, nr, *count), event);
            *count += 1;
        }
    }
    keyed
}

impl Report {
    fn event(&mut self, key: Key, theirs: &Event, ours: &Event, plan: &str) {
        let blind = Blind::of(theirs, plan);
        let left = blind
            .as_ref()
            .and_then(|blind| blind.without_replaced(theirs, ours));
        self.listed += usize::from(left.is_some());
        let theirs = left.as_ref().unwrap_or(theirs);
        let blind = blind.as_ref();
        let kinds =
            |event: &Event| -> Vec<String> { event.iter().map(|r| r.kind.clone()).collect() };
        let in_order = kinds(theirs) == kinds(ours);
        if !in_order && theirs.len() == ours.len() {
            let (theirs_kinds, ours_kinds) = (kinds(theirs).join(" "), kinds(ours).join(" "));
            let what = format!("order: auditd {theirs_kinds}, auklet {ours_kinds}");
            self.differ(key, theirs, "order", what);
        }
        let mut unpaired: Vec<&Record> = ours.iter().collect();
        let (mut same, mut lacked) = (true, 0);
        for record in theirs {
            let Some(found) = unpaired.iter().position(|r| r.kind == record.kind) else {
                if blind.is_some_and(|blind| blind.lacks(record)) {
                    lacked += 1;
                    continue;
                }
                same = false;
                self.records.count(false);
                if is_missing_record(record) {
                    self.missing += 1;
                } else {
                    let place = format!("no {} of auklet", record.kind);
                    self.differ(
                        key,
                        theirs,
                        &place,
                        format!("auklet has no {}", record.text()),
                    );
                }
                continue;
            };
            let equal = self.record(key, theirs, record, unpaired.remove(found), blind);
            self.records.count(equal);
            same &= equal;
        }
        same &= unpaired.is_empty() && (in_order || lacked > 0);
        self.listed += lacked;
        for record in unpaired {
            let place = format!("no {} of auditd", record.kind);
            self.differ(
                key,
                theirs,
                &place,
                format!("auditd has no {}", record.text()),
            );
        }
        self.events.count(same);
    }

    fn record(
        &mut self,
        key: Key,
        event: &Event,
        theirs: &Record,
        ours: &Record,
        blind: Option<&Blind>,
    ) -> bool {
        let listed = |field: &str| {
            let of_plan = |blind: &Blind| blind.differs(theirs, field, ours.get(field));
            listed(theirs, field) || blind.is_some_and(of_plan)
        };
        let names = |record: &Record| -> Vec<String> {
            record.fields.iter().map(|(name, _)| name.clone()).collect()
        };
        let mut same = true;
        for (name, value) in &theirs.fields {
            let our = ours.get(name);
            let equal = our == Some(value);
            if !equal && listed(name) {
                self.listed += 1;
                continue;
            }
            self.fields.count(equal);
            if !equal {
                same = false;
                let item = theirs
                    .get("item")
                    .map_or(String::new(), |n| format!("[{n}]"));
                let our = our.unwrap_or("nothing");
                let kind = &theirs.kind;
                self.differ(
                    key,
                    event,
                    &format!("{kind}.{name}"),
                    format!("{kind}{item}.{name}: auditd {value}, auklet {our}"),
                );
            }
        }
        let missing = |name: &String| ours.get(name).is_none() && listed(name);
        let their_names: Vec<String> = names(theirs).into_iter().filter(|n| !missing(n)).collect();
        if names(ours) != their_names {
            same = false;
            let our_names = names(ours).join(" ");
            self.differ(
                key,
                event,
                &format!("{}: fields", theirs.kind),
                format!("{}: fields of auklet: {our_names}", theirs.kind),
            );
        }
        same
    }

    /// Notes a difference under what it is, with the event where it was first seen. `place` is what any run
    /// would say of it: no serial, no pid, no inode.
    fn differ(&mut self, key: Key, event: &Event, place: &str, what: String) {
        let of = |kind: &str, field: &str| {
            let record = event.iter().find(|record| record.kind == kind);
            record.and_then(|r| r.get(field)).unwrap_or("-").to_owned()
        };
        let family = event.iter().find_map(|record| record.get("key"));
        let family = family.unwrap_or("-").trim_matches('"');
        let arch = of("SYSCALL", "arch");
        let stable = format!("{family}, call {} of {arch}, {place}", key.1);
        self.places.insert(stable);
        let place = format!(
            "pid {} call {} exit {} comm {} item0 {}",
            key.0,
            key.1,
            of("SYSCALL", "exit"),
            of("SYSCALL", "comm"),
            of("PATH", "name")
        );
        let entry = self.differences.entry(what).or_insert((0, place));
        entry.0 += 1;
    }

    fn print(&self, plan: &str) {
        for (what, (count, place)) in &self.differences {
            println!("differs ({count}×, {place}): {what}");
        }
        let Self {
            events,
            records,
            fields,
            listed,
            missing,
            ..
        } = self;
        println!(
            "parity {plan}: events {}/{}, records {}/{}, fields {}/{}, listed {listed}, missing {missing}",
            events.same, events.all, records.same, records.all, fields.same, fields.all
        );
    }
}

fn has(event: &Event, kind: &str, field: &str, value: &str) -> bool {
    let mut records = event.iter().filter(|record| record.kind == kind);
    records.any(|record| record.get(field) == Some(value))
}

/// Events that Auklet is known not to have: the end of a BPF program, which audit logs with whatever call
/// frees it; calls that the kernel has no function for.
fn is_missing(event: &Event) -> bool {
    // uselib, fchmodat2
    let numbers = ["134", "452"].map(|number| has(event, "SYSCALL", "syscall", number));
    let unknown = numbers.contains(&true) && has(event, "SYSCALL", "exit", "-38");
    unknown || has(event, "BPF", "op", "UNLOAD")
}

/// Records that Auklet is known not to have: what is logged beside changes of audit's own features.
fn is_missing_record(record: &Record) -> bool {
    record.kind == "FEATURE_CHANGE"
}

/// What may differ, with the reasons in docs/parity.md.
fn listed(theirs: &Record, field: &str) -> bool {
    let by_descriptor = theirs
        .get("name")
        .is_some_and(|name| name.starts_with("\"/dev/fd/"));
    match (theirs.kind.as_str(), field) {
        ("PROCTITLE", "proctitle") => true,
        ("PATH", "inode" | "dev" | "mode" | "ouid" | "ogid" | "rdev") => by_descriptor,
        _ => false,
    }
}
