//! `auklet replay` of both logs: the same events, and each log's own lines made again from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{
    AUID,
    compare::{Key, OPERATION},
};
use crate::sensor::binary;

/// What no two recorders share of an event: their numbers and clocks, and PROCTITLE (docs/parity.md).
const APART: [&str; 3] = ["serial", "time_ns", "proctitle"];
/// Differences shown.
const SHOWN: usize = 20;

/// Of the events that say the same in both logs, prints each difference and the score.
pub(super) fn compare(theirs: &Path, ours: &Path, equal: &BTreeSet<Key>) -> Result<bool> {
    let (auditd, auklet) = (events(theirs)?, events(ours)?);
    let mut differences: BTreeMap<String, usize> = BTreeMap::new();
    let mut differ = |what: String| *differences.entry(what).or_default() += 1;
    let mut same = 0;
    for key in equal {
        let (Some(event), Some(our)) = (auditd.get(key), auklet.get(key)) else {
            differ(format!("not in both logs: {key:?}"));
            continue;
        };
        let mut places = Vec::new();
        unequal("", event, our, &mut places);
        same += usize::from(places.is_empty());
        places.into_iter().for_each(&mut differ);
    }
    let all = equal.len();
    let (mut lines, mut all_lines) = (0, 0);
    for (whose, log) in [("auditd", theirs), ("auklet", ours)] {
        let (equal, of) = remade(log)?;
        if equal < of {
            differ(format!(
                "{whose}'s log: {} lines are not made again",
                of - equal
            ));
        }
        (lines, all_lines) = (lines + equal, all_lines + of);
    }
    for (what, count) in differences.iter().take(SHOWN) {
        println!("differs ({count}×): {what}");
    }
    println!("replay: events {same}/{all}, lines {lines}/{all_lines}");
    Ok(differences.is_empty() && same > 0)
}

/// The workload's events of a log, without what may differ.
fn events(log: &Path) -> Result<BTreeMap<Key, Value>> {
    let (printed, _) = replay("--events", log)?;
    let mut counts: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut events = BTreeMap::new();
    for line in printed
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
    {
        let mut event: Value = serde_json::from_slice(line).context("an event")?;
        // An operation of io_uring has no login uid; nobody else uses io_uring here.
        let of_workload = event["who"]["auid"] == AUID || event["uring"].is_object();
        // Behind the write that sets a login uid, the caller's is another.
        let sets_login_uid = event["aux"]
            .as_array()
            .is_some_and(|a| a.iter().any(|r| r["type"] == "LOGIN"));
        if event["type"] != "event" || !(of_workload || sets_login_uid) {
            continue;
        }
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let operation = || number(&event["uring"]["op"]).map(|op| OPERATION | op);
        let call = number(&event["syscall"]["nr"]).or_else(operation);
        let process = number(&event["who"]["pid"])
            .zip(call)
            .context("an event of nobody")?;
        let count = counts.entry(process).or_default();
        if let Some(object) = event.as_object_mut() {
            APART.iter().for_each(|name| drop(object.remove(*name)));
        }
        events.insert((process.0, process.1, *count), event);
        *count += 1;
    }
    Ok(events)
}

/// Lines of a log, EOE aside, that `--records` gives again, and all. Those that it copies, as the event can't
/// make them (`records_as_logged`), are no such lines: the events are counted.
fn remade(log: &Path) -> Result<(usize, usize)> {
    let (printed, told) = replay("--records", log)?;
    let text = fs::read(log)?;
    let logged = by_event(&text);
    let again = by_event(&printed);
    let all = logged.values().map(Vec::len).sum();
    let same = |(id, lines): &(&Vec<u8>, &Vec<&[u8]>)| again.get(*id) == Some(lines);
    let equal: usize = logged
        .iter()
        .filter(same)
        .map(|(_, lines)| lines.len())
        .sum();
    let copied = told
        .split_once("records_as_logged=")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    Ok((equal.saturating_sub(copied.unwrap_or(0)), all))
}

/// A log's lines by the event that they belong to: the records of two may be mixed.
fn by_event(text: &[u8]) -> BTreeMap<Vec<u8>, Vec<&[u8]>> {
    let mut events: BTreeMap<Vec<u8>, Vec<&[u8]>> = BTreeMap::new();
    let lines = text.split_inclusive(|b| *b == b'\n');
    for line in lines.filter(|line| !line.starts_with(b"type=EOE ")) {
        let id = line
            .split(|b| *b == b' ')
            .find(|word| word.starts_with(b"msg=audit("));
        events
            .entry(id.unwrap_or_default().to_vec())
            .or_default()
            .push(line);
    }
    events
}

/// What replay prints, and what it tells.
fn replay(what: &str, log: &Path) -> Result<(Vec<u8>, String)> {
    let mut replay = Command::new(binary());
    replay.args(["replay", "--no-shipped-rules", what]).arg(log);
    replay.env("AUKLET_LOG", "info").stdin(Stdio::null());
    let output = replay.output().context("auklet replay")?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() || !told.contains("replay lines=") {
        bail!(
            "auklet replay {what} {}: {} {told}",
            log.display(),
            output.status
        );
    }
    Ok((output.stdout, told))
}

/// Each place where two values differ.
fn unequal(place: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a
                .keys()
                .chain(b.keys().filter(|name| !a.contains_key(*name)))
            {
                let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned();
                let (a, b) = (value(a).unwrap_or_default(), value(b).unwrap_or_default());
                unequal(&format!("{place}.{name}"), &a, &b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                unequal(&format!("{place}[{at}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{place}: auditd {a}, auklet {b}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_named() {
        let mut found = Vec::new();
        let theirs = json!({"a": [1, {"b": 2}], "c": null, "d": 4});
        let ours = json!({"a": [1, {"b": 3}], "d": 4, "e": 5});
        unequal("", &theirs, &ours, &mut found);
        assert_eq!(
            found,
            [".a[1].b: auditd 2, auklet 3", ".e: auditd null, auklet 5"]
        );
    }
}
