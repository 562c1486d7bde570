//! The same questions to ausearch and aureport (ausearch(8), aureport(8)) about both logs: the same answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{
    compare::Key,
    log::{self, Event, Record},
};

/// What is asked, `PID` being that of the first event and `NODES` all that `-i` makes of it. `ausearch`
/// and `aureport` with `-if LOG` and a line's words.
const QUESTIONS: &str = include_str!("../../data/tools.txt");
/// Events of one shape that are asked about: of ten thousand, most differ from others in a name only.
const OF_A_SHAPE: usize = 2;
/// Differences shown of one answer.
const SHOWN: usize = 4;

/// A log, and its events of the workload.
pub(super) struct Log<'a> {
    pub(super) path: &'a Path,
    pub(super) events: BTreeMap<Key, &'a Event>,
}

/// Asks about the events that both logs have, and that say the same, prints each difference and the score.
pub(super) fn compare(
    theirs: &Log<'_>,
    ours: &Log<'_>,
    equal: &BTreeSet<Key>,
    dir: &Path,
) -> Result<bool> {
    let pid = excerpts(theirs, ours, equal, dir)?;
    let (mut same, mut all, mut told) = (0, 0, 0);
    for question in QUESTIONS.lines().filter(|line| !line.starts_with('#')) {
        let question = question.replace("PID", &pid);
        let auditd = answer(&question, &dir.join("auditd"))?;
        let auklet = answer(&question, &dir.join("auklet"))?;
        told += usize::from(auditd.lines().count() > 8);
        all += 1;
        let differences = differences(&question, &auditd, &auklet);
        same += usize::from(differences.is_empty());
        for (theirs, ours) in differences.iter().take(SHOWN) {
            println!("differs: {question}\n  auditd {theirs}\n  auklet {ours}");
        }
        if differences.len() > SHOWN {
            println!("  and {} more lines", differences.len() - SHOWN);
        }
    }
    println!("tools: {same}/{all} answers the same, {told} of them long");
    Ok(same == all && told > 0)
}

/// Writes `auditd/log` and `auklet/log`: the lines of the same events of the workload, as they are. Gives
/// the process of the first of them.
fn excerpts(theirs: &Log<'_>, ours: &Log<'_>, equal: &BTreeSet<Key>, dir: &Path) -> Result<String> {
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut chosen: Vec<[&str; 2]> = Vec::new();
    for key in equal {
        let (Some(event), Some(our)) = (theirs.events.get(key), ours.events.get(key)) else {
            continue;
        };
        if second(&event[0].id) != second(&our[0].id) {
            continue;
        }
        let count = shapes.entry(shape(event)).or_default();
        *count += 1;
        if *count <= OF_A_SHAPE {
            chosen.push([&event[0].id, &our[0].id]);
        }
    }
    let chosen = in_both_orders(chosen, [&positions(theirs)?, &positions(ours)?]);
    let their_ids: BTreeSet<&str> = chosen.iter().map(|ids| ids[0]).collect();
    let our_ids: BTreeSet<&str> = chosen.iter().map(|ids| ids[1]).collect();
    excerpt(theirs.path, &their_ids, &dir.join("auditd"))?;
    excerpt(ours.path, &our_ids, &dir.join("auklet"))?;
    println!("tools: asked about {} events", their_ids.len());
    let (pid, ..) = equal.first().context("no event is the same in both logs")?;
    Ok(pid.to_string())
}

/// The second of an event's id. The tools hold events back until one comes that is some seconds later
/// (src/ausearch-lol.c), and put newer ones in the places of those that they gave: where auditd's clock, which
/// goes in ticks, is still in another second than Auklet's, the answer's order would be another.
fn second(id: &str) -> Option<&str> {
    id.split_once('.').map(|(second, _)| second)
}

/// Where each event of a log stands: by its first record, and by time and serial. The tools read in one order
/// and give in one that is near the other.
fn positions(log: &Log<'_>) -> Result<BTreeMap<String, [usize; 2]>> {
    let events = log::read(log.path)?;
    let ids: Vec<String> = events
        .into_iter()
        .map(|mut event| event.swap_remove(0).id)
        .collect();
    let number = |text: &str| text.replace('.', "").parse::<u64>().unwrap_or(u64::MAX);
    let mut by_time: Vec<usize> = (0..ids.len()).collect();
    by_time.sort_by_key(|at| {
        let (time, serial) = ids[*at].split_once(':').unwrap_or((&ids[*at], ""));
        (number(time), number(serial))
    });
    let mut positions: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for (place, at) in by_time.into_iter().enumerate() {
        positions.insert(ids[at].clone(), [at, place]);
    }
    Ok(positions)
}

/// As many of the events as stand in one order in both logs, by records and by time: processes that run at the
/// same time end their calls as they like, and each log has the ends in its own order.
fn in_both_orders<'a>(
    chosen: Vec<[&'a str; 2]>,
    positions: [&BTreeMap<String, [usize; 2]>; 2],
) -> Vec<[&'a str; 2]> {
    let mut placed: Vec<([[usize; 2]; 2], [&str; 2])> = chosen
        .into_iter()
        .filter_map(|ids| {
            let at = |log: usize| positions[log].get(ids[log]).copied();
            Some(([at(0)?, at(1)?], ids))
        })
        .collect();
    placed.sort_unstable();
    let precedes = |a: &[[usize; 2]; 2], b: &[[usize; 2]; 2]| {
        let mut both = a.as_flattened().iter().zip(b.as_flattened());
        both.all(|(a, b)| a < b)
    };
    // For each event the longest line of such that ends with it: its length, and the one before.
    let mut lines: Vec<(usize, Option<usize>)> = Vec::with_capacity(placed.len());
    for (at, (places, _)) in placed.iter().enumerate() {
        let below = (0..at).filter(|before| precedes(&placed[*before].0, places));
        let before = below.max_by_key(|before| lines[*before].0);
        lines.push((before.map_or(1, |before| lines[before].0 + 1), before));
    }
    let mut next = (0..lines.len()).max_by_key(|at| lines[*at].0);
    let mut kept = Vec::new();
    while let Some(at) = next {
        kept.push(placed[at].1);
        next = lines[at].1;
    }
    kept
}

/// What the tools tell events apart by, names aside.
fn shape(event: &Event) -> String {
    let word = |record: &Record, name| record.get(name).unwrap_or("-").to_owned();
    let words = event.iter().flat_map(|record| {
        let names = match record.kind.as_str() {
            "SYSCALL" => &["arch", "syscall", "exit", "key"][..],
            "URINGOP" => &["uring_op", "exit", "key"][..],
            "PATH" => &["nametype"][..],
            _ => &[],
        };
        let values = names.iter().map(|name| word(record, name));
        std::iter::once(record.kind.clone()).chain(values)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn excerpt(from: &Path, ids: &BTreeSet<&str>, to: &Path) -> Result<()> {
    let text = fs::read(from)?;
    let wanted = |line: &&[u8]| {
        let line = String::from_utf8_lossy(line);
        let id = line
            .split_once("msg=audit(")
            .and_then(|(_, rest)| Some(rest.split_once("):")?.0.to_owned()));
        id.is_some_and(|id| ids.contains(id.as_str()))
    };
    let lines: Vec<&[u8]> = text
        .split_inclusive(|b| *b == b'\n')
        .filter(wanted)
        .collect();
    fs::create_dir_all(to)?;
    fs::write(to.join("log"), lines.concat())?;
    Ok(())
}

/// What the tool prints, also of errors.
fn answer(question: &str, dir: &Path) -> Result<String> {
    let mut words = question.split(' ');
    let tool = words.next().context("an empty question")?;
    let mut asked = Command::new(tool);
    asked.args(["-if", "log"]).args(words).current_dir(dir);
    let output = asked.output().context(tool.to_owned())?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("usage:") || printed.contains("usage:") {
        bail!("{question}: {errors}");
    }
    let code = output.status;
    Ok(format!("{printed}{errors}{code}"))
}

/// Lines that differ, in pairs.
fn differences<'a>(question: &str, theirs: &'a str, ours: &'a str) -> Vec<(&'a str, &'a str)> {
    let (mut theirs, mut ours) = (theirs.lines(), ours.lines());
    let mut differences = Vec::new();
    loop {
        match (theirs.next(), ours.next()) {
            (None, None) => return differences,
            (a, b) => {
                let pair = (a.unwrap_or("nothing"), b.unwrap_or("nothing"));
                if !same_line(question, pair.0, pair.1) {
                    differences.push(pair);
                }
            }
        }
    }
}

/// Whether two lines say the same but for what no two recorders share: an event's number, which each counts
/// by itself, and its time, which auditd has from the kernel's coarse clock and Auklet from the exact one;
/// and but for PROCTITLE's text (docs/parity.md).
fn same_line(question: &str, theirs: &str, ours: &str) -> bool {
    let listed = |line: &str| line.find(" proctitle=").unwrap_or(line.len());
    let words = |line: &str| -> Vec<String> {
        let word = line[..listed(line)].split([' ', ',', '(', ')']);
        word.map(str::to_owned).collect()
    };
    if theirs == ours {
        return true;
    }
    let (theirs, ours) = (words(theirs), words(ours));
    let number = |words: &[String]| serial(question, words);
    theirs.len() == ours.len()
        && number(&theirs) == number(&ours)
        && theirs.iter().zip(&ours).enumerate().all(|(at, (a, b))| {
            let close = clock(a)
                .zip(clock(b))
                .is_some_and(|(a, b)| a.abs_diff(b) <= 1);
            a == b || close || number(&theirs) == Some(at)
        })
}

/// Which word of a line is an event's number.
fn serial(question: &str, words: &[String]) -> Option<usize> {
    let is_number = |at: &usize| {
        words
            .get(*at)
            .is_some_and(|word| word.parse::<u64>().is_ok())
    };
    let row = words.first()?.strip_suffix('.');
    let at = if question.contains("csv") {
        4
    } else if question.starts_with("aureport") && row.is_some_and(|n| n.parse::<u64>().is_ok()) {
        match question.split(' ').any(|word| word == "-e") {
            true => 3,
            false => words.len() - 1,
        }
    } else {
        return None;
    };
    Some(at).filter(is_number)
}

/// Seconds of `HH:MM:SS[.mmm][:SERIAL]` or `SECONDS.mmm:SERIAL`.
fn clock(word: &str) -> Option<u64> {
    let whole = |text: &str| text.parse::<u64>().ok();
    let parts: Vec<&str> = word.split(':').collect();
    let second = |text: &str| whole(text.split('.').next()?);
    match *parts.as_slice() {
        [seconds, serial] if seconds.contains('.') => whole(serial).and(second(seconds)),
        [hours, minutes, seconds] => {
            Some(whole(hours)? * 3600 + whole(minutes)? * 60 + second(seconds)?)
        }
        [hours, minutes, seconds, serial] => {
            whole(serial)?;
            Some(whole(hours)? * 3600 + whole(minutes)? * 60 + second(seconds)?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_and_numbers_may_differ() {
        let check = |question: &str, theirs: &str, ours: &str, same: bool| {
            assert_eq!(same_line(question, theirs, ours), same, "{theirs}\n{ours}");
        };
        let raw = |id: &str, rest: &str| format!("type=PATH msg=audit({id}): {rest}");
        let (a, b) = (raw("5.999:7", "item=0"), raw("6.001:9", "item=0"));
        check("ausearch", &a, &b, true);
        check("ausearch", &a, &raw("8.001:9", "item=0"), false);
        check("ausearch", &a, &raw("6.001:9", "item=1"), false);
        let (a, b) = (
            raw("11/25/26 00:45:45.910:29", ": a0=1"),
            raw("11/25/26 00:45:46.001:2", ": a0=1"),
        );
        check("ausearch -i", &a, &b, true);
        let title = |text: &str| raw("5.999:7", &format!("proctitle={text}"));
        check("ausearch", &title("a b"), &title("c"), true);
        let row = "1. 11/25/26 00:45:45 257 134 auklet-guest 7777 59";
        check("aureport -s", row, &row.replace("59", "60"), true);
        check("aureport -s", row, &row.replace("134", "135"), false);
        check("aureport -s --summary", "12  257", "12  258", false);
        let row = ",SYSCALL,11/25/26,00:45:45,29,audit-rule,1";
        check(
            "ausearch --format csv",
            row,
            &row.replace(",29,", ",30,"),
            true,
        );
        check(
            "ausearch --format csv",
            row,
            &row.replace("rule,1", "rule,2"),
            false,
        );
    }

    #[test]
    fn only_one_order_is_kept() {
        let kept = |theirs: [[usize; 2]; 4], ours: [[usize; 2]; 4]| {
            let names = ["a", "b", "c", "d"];
            let at = |places: [[usize; 2]; 4]| -> BTreeMap<String, [usize; 2]> {
                names.map(str::to_owned).into_iter().zip(places).collect()
            };
            let chosen = names.map(|id| [id, id]).to_vec();
            let kept = in_both_orders(chosen, [&at(theirs), &at(ours)]);
            kept.iter().rev().map(|ids| ids[0]).collect::<String>()
        };
        let even = [[0, 0], [1, 1], [2, 2], [3, 3]];
        assert_eq!(kept(even, even), "abcd");
        // Of two that stand otherwise, by records or by time alone, one is left.
        let by_records = [[0, 0], [2, 1], [1, 2], [3, 3]];
        let by_time = [[0, 0], [1, 2], [2, 1], [3, 3]];
        for other in [by_records, by_time] {
            let kept = kept(even, other);
            assert!(kept == "abd" || kept == "acd", "{kept}");
        }
    }

    #[test]
    fn every_question_is_one() {
        for line in QUESTIONS.lines().filter(|line| !line.starts_with('#')) {
            assert!(
                line.starts_with("ausearch") || line.starts_with("aureport"),
                "{line}"
            );
        }
    }
}
