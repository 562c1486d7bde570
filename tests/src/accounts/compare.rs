//! Two runs of the acts: who told what, in order, word by word.

use std::collections::BTreeMap;

use crate::parity::log::Record;

/// Fields that the kernel writes, and that no two runs share.
const NORMALISED: &[(&str, &str)] = &[
    ("pid", "each run has processes of its own"),
    ("ses", "the kernel counts sessions up; unset stays unset"),
    ("old-ses", "the same"),
];
const UNSET: &str = "4294967295";

/// Prints the score and each difference. True if there is none.
pub(super) fn compare(theirs: &[Record], ours: &[Record]) -> bool {
    let (paired, mut differences) = differences(theirs, ours);
    for (kind, count) in kinds(theirs) {
        println!("auditd {kind}: {count}");
    }
    for (field, why) in NORMALISED {
        println!("not compared: {field}: {why}");
    }
    if theirs.is_empty() {
        differences.push("auditd has no record".to_owned());
    }
    for difference in &differences {
        println!("differs: {difference}");
    }
    println!(
        "accounts: records {paired}/{}",
        theirs.len().max(ours.len())
    );
    differences.is_empty()
}

fn kinds(records: &[Record]) -> BTreeMap<&str, usize> {
    let mut kinds = BTreeMap::new();
    for record in records {
        *kinds.entry(record.kind.as_str()).or_default() += 1;
    }
    kinds
}

/// How many are equal, and what is not. Records are paired by type and program, each pair's in order:
/// a record that one log lacks puts no other pair apart.
fn differences(theirs: &[Record], ours: &[Record]) -> (usize, Vec<String>) {
    let mut unpaired: Vec<&Record> = ours.iter().collect();
    let (mut equal, mut differences, mut order) = (0, Vec::new(), Vec::new());
    for record in theirs {
        let fits = |our: &&Record| our.kind == record.kind && our.get("exe") == record.get("exe");
        let same = |our: &&Record| fits(our) && normalised(our) == normalised(record);
        let Some(found) = unpaired
            .iter()
            .position(same)
            .or_else(|| unpaired.iter().position(fits))
        else {
            differences.push(format!("only auditd has {}", record.text()));
            continue;
        };
        let our = unpaired.remove(found);
        order.extend(ours.iter().position(|other| std::ptr::eq(other, our)));
        match words(record, our) {
            None => equal += 1,
            Some(difference) => differences.push(format!("{difference} in {}", record.text())),
        }
    }
    differences.extend(
        unpaired
            .iter()
            .map(|our| format!("auditd has no {}", our.text())),
    );
    if !order.is_sorted() {
        differences.push("the records are not in auditd's order".to_owned());
    }
    (equal, differences)
}

fn normalised(record: &Record) -> Vec<(&str, &str)> {
    let value = |name: &str, value| {
        let listed = NORMALISED.iter().any(|(field, _)| *field == name);
        if listed && value != UNSET { "*" } else { value }
    };
    let fields = record.fields.iter();
    fields
        .map(|(name, text)| (name.as_str(), value(name, text.as_str())))
        .collect()
}

/// The first word that differs.
fn words(theirs: &Record, ours: &Record) -> Option<String> {
    let (theirs, ours) = (normalised(theirs), normalised(ours));
    let length = theirs.len().max(ours.len());
    let at = (0..length).find(|&at| theirs.get(at) != ours.get(at))?;
    let shown = |words: &[(&str, &str)]| {
        let word = words.get(at);
        word.map_or("nothing".to_owned(), |(name, value)| {
            format!("{name}={value}")
        })
    };
    Some(format!(
        "auditd {}, the other {}",
        shown(&theirs),
        shown(&ours)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, pid: u32, acct: &str) -> Record {
        let fields = [
            ("pid", &*pid.to_string()),
            ("acct", acct),
            ("exe", "\"/bin/su\""),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Record {
            id: String::new(),
            kind: kind.to_owned(),
            fields: fields.into(),
        }
    }

    #[test]
    fn what_differs_is_told() {
        let theirs = [
            record("USER_AUTH", 1, "a"),
            record("USER_ACCT", 1, "a"),
            record("USER_AUTH", 2, "b"),
        ];
        let check = |ours: &[Record], expected: &[&str]| {
            let (_, found) = differences(&theirs, ours);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}");
            }
        };
        let other = |at: usize| record(&theirs[at].kind, 9, ["a", "a", "b"][at]);
        check(&[other(0), other(1), other(2)], &[]);
        check(&[other(0), other(2)], &["only auditd has USER_ACCT"]);
        check(&[other(0), other(2), other(1)], &["not in auditd's order"]);
        let extra = record("USER_END", 9, "a");
        check(
            &[other(0), other(1), other(2), extra],
            &["auditd has no USER_END"],
        );
        let changed = record("USER_AUTH", 9, "c");
        check(
            &[other(0), other(1), changed],
            &["auditd acct=b, the other acct=c"],
        );
    }
}
