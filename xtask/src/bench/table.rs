//! Figures of one kernel, and the table of them.

use std::collections::BTreeMap;

use crate::setup::kernels::Kernel;

/// What a figure is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) recorder: String,
    pub(super) rules: String,
    pub(super) op: String,
}

impl Key {
    pub(super) fn new(recorder: &str, rules: &str, op: &str) -> Self {
        let [recorder, rules, op] = [recorder, rules, op].map(str::to_owned);
        Self {
            recorder,
            rules,
            op,
        }
    }
}

/// Guest instructions of one operation.
pub(super) type Figures = BTreeMap<Key, u64>;

/// From the driver's line: `bench OP COUNT INSTRUCTIONS`.
pub(super) fn figure(line: &str) -> Option<(&str, u64)> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["bench", op, _, instructions] = words[..] else {
        return None;
    };
    Some((op, instructions.parse().ok()?))
}

/// What each recorder adds over nothing, under each set of rules.
pub(super) fn print(kernel: &Kernel, figures: &Figures) {
    println!(
        "\nadded guest instructions for one operation, Linux {}",
        kernel.series
    );
    println!(
        "{:<18} {:<10} {:>12} {:>12} {:>12} {:>8} {:>8}",
        "operation", "rules", "nothing", "auditd", "auklet", "ratio", "more"
    );
    let of = |recorder: &str, rules: &str, op: &str| {
        figures.get(&Key::new(recorder, rules, op)).copied()
    };
    for key in figures.keys().filter(|key| key.recorder == "auklet") {
        let Some(nothing) = of("nothing", "none", &key.op) else {
            continue;
        };
        let added = |recorder| {
            Some(of(recorder, &key.rules, &key.op)?.cast_signed() - nothing.cast_signed())
        };
        let (auditd, auklet) = (added("auditd"), added("auklet").unwrap_or(0));
        println!(
            "{:<18} {:<10} {nothing:>12} {:>12} {auklet:>12} {:>8} {:>7.1}%",
            key.op,
            key.rules,
            auditd.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            ratio(auklet, auditd),
            share(auklet, nothing) * 100.0,
        );
    }
}

/// Auklet's part of what auditd adds.
fn ratio(auklet: i64, auditd: Option<i64>) -> String {
    auditd.filter(|n| *n > 0).map_or_else(
        || "-".to_owned(),
        |auditd| format!("{:.2}", share(auklet, auditd.cast_unsigned())),
    )
}

/// A share of some instructions; both are far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "printed with two digits")]
pub(super) fn share(part: i64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_figures_or_not() {
        assert_eq!(figure("bench open 3000 6083"), Some(("open", 6083)));
        assert_eq!(figure("bench: auditd lost records"), None);
        assert_eq!(figure("bench open 3000 many"), None);
    }

    #[test]
    fn ratios_need_a_recorder_that_costs() {
        assert_eq!(ratio(50, Some(200)), "0.25");
        assert_eq!(ratio(50, Some(0)), "-");
        assert_eq!(ratio(50, None), "-");
    }
}
