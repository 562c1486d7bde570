//! What the parts of a test run did, counted and told.

use std::{process::ExitCode, time::Instant};

/// What a part did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
    /// Guests that failed, and then passed in a fresh guest.
    pub(super) repeated: u32,
}

impl Tally {
    /// A part that ended before it could count.
    pub(super) const FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
        repeated: 0,
    };
}

/// Prints the table, the parts that passed only when they were repeated, and the sum.
pub(super) fn report(rows: &[(String, Tally)], start: Instant) -> ExitCode {
    let row = |name: &str, cells: [String; 4]| {
        let [passed, failed, skipped, repeated] = cells;
        println!("{name:<28} {passed:>7} {failed:>7} {skipped:>8} {repeated:>9}");
    };
    println!();
    let head = ["passed", "failed", "skipped", "repeated"];
    row("part", head.map(str::to_owned));
    for (name, tally) in rows {
        let cells = [tally.passed, tally.failed, tally.skipped, tally.repeated];
        row(name, cells.map(|n| n.to_string()));
    }
    println!("\n{:.0} s", start.elapsed().as_secs_f64());
    let repeated = repeated(rows);
    if !repeated.is_empty() {
        println!(
            "failed once and passed in a fresh guest: {}",
            repeated.join(", ")
        );
    }
    let sum = sum(rows);
    println!(
        "{} passed, {} failed, {} skipped, {} repeated",
        sum.passed, sum.failed, sum.skipped, sum.repeated
    );
    if sum.failed == 0 && sum.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn sum(rows: &[(String, Tally)]) -> Tally {
    rows.iter().fold(Tally::default(), |sum, (_, tally)| Tally {
        passed: sum.passed + tally.passed,
        failed: sum.failed + tally.failed,
        skipped: sum.skipped + tally.skipped,
        repeated: sum.repeated + tally.repeated,
    })
}

fn repeated(rows: &[(String, Tally)]) -> Vec<&str> {
    let again = rows.iter().filter(|(_, tally)| tally.repeated > 0);
    again.map(|(name, _)| name.as_str()).collect()
}

/// From the driver's closing line. A driver that failed without saying so counts as one failure.
pub(super) fn tally_of(text: &str, success: bool, repeat: &str) -> Tally {
    let last = text
        .lines()
        .rev()
        .find(|line| line.contains(" passed, "))
        .unwrap_or_default();
    let count = |what| count_before(last, what).unwrap_or(0);
    let mut tally = Tally {
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("skipped"),
        repeated: 0,
    };
    if !success || (tally.passed == 0 && tally.failed == 0) {
        tally.failed = tally.failed.max(1);
    }
    if tally.failed > 0 {
        println!("repeat: {repeat}");
    }
    tally
}

/// The number before a word.
pub(super) fn count_before(line: &str, word: &str) -> Option<u32> {
    let words: Vec<&str> = line
        .split([' ', ',', ';'])
        .filter(|w| !w.is_empty())
        .collect();
    let at = words.iter().position(|w| *w == word)?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u32, failed: u32, skipped: u32) -> Tally {
        Tally {
            passed,
            failed,
            skipped,
            repeated: 0,
        }
    }

    #[test]
    fn closing_lines_are_counted() {
        let line = "test result: ok. 36 passed; 1 failed; 2 ignored; 0 measured";
        assert_eq!(count_before(line, "passed"), Some(36));
        assert_eq!(count_before(line, "ignored"), Some(2));
        let told = tally_of("ok a\n12 passed, 0 failed, 3 skipped\n", true, "x");
        assert_eq!(told, tally(12, 0, 3));
    }

    #[test]
    fn silence_is_a_failure() {
        assert_eq!(tally_of("", true, "x").failed, 1);
        assert_eq!(tally_of("3 passed, 0 failed\n", false, "x").failed, 1);
    }

    #[test]
    fn repeated_parts_are_named_and_counted_apart() {
        let again = Tally {
            repeated: 1,
            ..tally(5, 0, 1)
        };
        let rows = [("a".to_owned(), tally(3, 0, 0)), ("b".to_owned(), again)];
        assert_eq!(repeated(&rows), ["b"]);
        let expect = Tally {
            repeated: 1,
            ..tally(8, 0, 1)
        };
        assert_eq!(sum(&rows), expect);
    }
}
