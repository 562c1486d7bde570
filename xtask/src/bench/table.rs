//! Figures of one kernel, and the table of them.

use std::collections::BTreeMap;

use super::RULES;
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

/// What each recorder adds over nothing, a table in Markdown for each set of rules.
pub(super) fn print(kernel: &Kernel, figures: &Figures) {
    let ours = || figures.keys().filter(|key| key.recorder == "auklet");
    for rules in RULES.iter().map(|(rules, _)| *rules) {
        if !ours().any(|key| key.rules == rules) {
            continue;
        }
        println!("\n**{}, {rules}**\n", kernel.series);
        println!("| operation | nothing | auditd adds | Auklet adds | Auklet/auditd | more |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        for key in ours().filter(|key| key.rules == rules) {
            println!("{}", row(figures, key));
        }
    }
}

/// `auklet`'s figure beside nothing's and auditd's.
fn row(figures: &Figures, auklet: &Key) -> String {
    let of = |recorder: &str, rules: &str| {
        let count = figures.get(&Key::new(recorder, rules, &auklet.op)).copied();
        count.map(u64::cast_signed)
    };
    let Some(nothing) = of("nothing", "none") else {
        return format!("| {} | - | - | - | - | - |", auklet.op);
    };
    let auditd = of("auditd", &auklet.rules).map(|count| count - nothing);
    let added = of("auklet", &auklet.rules).unwrap_or(nothing) - nothing;
    format!(
        "| {} | {} | {} | {} | {} | {:+.2} % |",
        auklet.op,
        thousands(nothing),
        auditd.map_or_else(
            || "-".to_owned(),
            |n| format!("{}{}", sign(n), thousands(n))
        ),
        format_args!("{}{}", sign(added), thousands(added)),
        ratio(added, auditd),
        share(added, nothing.cast_unsigned()) * 100.0,
    )
}

fn sign(n: i64) -> &'static str {
    if n < 0 { "-" } else { "+" }
}

/// Digits in threes, without the sign.
fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    fn a_row_is_what_is_added() {
        let mut figures = Figures::new();
        for (recorder, rules, count) in [
            ("nothing", "none", 6_000),
            ("auditd", "opens", 131_000),
            ("auklet", "opens", 18_500),
            ("auklet", "none", 5_940),
        ] {
            figures.insert(Key::new(recorder, rules, "open"), count);
        }
        assert_eq!(
            row(&figures, &Key::new("auklet", "opens", "open")),
            "| open | 6,000 | +125,000 | +12,500 | 0.10 | +208.33 % |"
        );
        assert_eq!(
            row(&figures, &Key::new("auklet", "none", "open")),
            "| open | 6,000 | - | -60 | - | -1.00 % |"
        );
    }

    #[test]
    fn ratios_need_a_recorder_that_costs() {
        assert_eq!(ratio(50, Some(200)), "0.25");
        assert_eq!(ratio(50, Some(0)), "-");
        assert_eq!(ratio(50, None), "-");
    }
}
