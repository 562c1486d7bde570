//! The guests of a test run: which kernel runs what, two at once, and once more what failed.

use std::{sync::Mutex, thread, time::Duration};

use anyhow::Result;

use super::tally::{Tally, tally_of};
use crate::{
    build::Built,
    setup::kernels::{Kernel, NEWEST},
    setup::rootfs::Root,
    vm::{Clock, Guest, boot, kernels},
};

/// What each kernel's guests run.
const DRIVES: [&str; 4] = ["test", "parity", "accounts --against auklet", "soundness"];

/// The rule sets that auditd ships: some 7,000 events; what differs between kernels, parity shows.
const SETS: (&str, &str) = ("6.12", "rulesets");

/// Of all kernels together these drives run so: what is left out runs on the others, and with `--kernel`.
const SHORTER: [(&str, &str, &str, &str); 9] = [
    (
        "5.10",
        "test",
        "test --shared",
        "cases with their own sensor",
    ),
    (
        "6.1",
        "test",
        "test --shared",
        "cases with their own sensor",
    ),
    (
        "7.x",
        "test",
        "test --shared",
        "cases with their own sensor",
    ),
    (
        "5.10",
        "parity",
        "parity --plan kprobe",
        "by fentry, by tracepoint, and what reads logs",
    ),
    (
        "6.1",
        "parity",
        "parity --plan kprobe",
        "by fentry, by tracepoint, and what reads logs",
    ),
    (
        "6.12",
        "parity",
        "parity --plan fentry",
        "by kprobe, by tracepoint",
    ),
    (
        "7.x",
        "parity",
        "parity --except tracepoint",
        "by tracepoint",
    ),
    ("6.1", "soundness", "", "all of it"),
    ("6.12", "soundness", "", "all of it"),
];

/// Guests at once: two cores' worth.
const AT_ONCE: usize = 2;

/// Longest that a guest may take.
const TIMEOUT: Duration = Duration::from_secs(2400);

/// A kernel and what its guest runs.
type Job = (Kernel, &'static str);

/// A guest's tally, and the lines that say how much of auditd's log is equal.
type Told = (Tally, Vec<String>);

/// Every guest of the named kernels, or of all; a row each.
pub(super) fn guests(named: &[String], built: &Built) -> Result<Vec<(String, Tally)>> {
    let jobs = Mutex::new(jobs(named)?.into_iter());
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kernel, drive)) = next(&jobs) {
                    let (tally, figures) = twice(|run| guest(&kernel, drive, built, run));
                    if let Ok(mut rows) = rows.lock() {
                        let name = format!("guest {} {}", kernel.series, verb(drive));
                        rows.push((name, tally, figures));
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    if named.is_empty() {
        rows.extend(SHORTER.map(left_out));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, _, figures) in &rows {
        for figure in figures {
            println!("{name}: {figure}");
        }
    }
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

/// A drive that is shorter where all kernels run is a skip, told and counted.
fn left_out((kernel, drive, _, what): (&str, &str, &str, &str)) -> (String, Tally, Vec<String>) {
    println!(
        "skipped guest {kernel} {drive}, {what}: runs on other kernels, here with --kernel {kernel}"
    );
    let tally = Tally {
        skipped: 1,
        ..Tally::default()
    };
    (format!("guest {kernel} {drive}: {what}"), tally, Vec::new())
}

/// What a drive is where all kernels run; `None`: it does not.
fn shorter(series: &str, drive: &'static str) -> Option<&'static str> {
    let row = SHORTER
        .iter()
        .find(|(kernel, whole, ..)| *kernel == series && *whole == drive);
    match row {
        Some((_, _, "", _)) => None,
        Some((_, _, short, _)) => Some(short),
        None => Some(drive),
    }
}

fn jobs(named: &[String]) -> Result<Vec<Job>> {
    let all = vec!["all".to_owned()];
    let names = if named.is_empty() { &all } else { named };
    let mut jobs = Vec::new();
    // The longest first: no guest runs on alone at the end.
    let (kernel, drive) = SETS;
    if named.is_empty() || names.iter().any(|name| name == kernel || name == "all") {
        jobs.push((Kernel::named(kernel)?, drive));
    }
    for drive in DRIVES {
        for kernel in kernels(names)? {
            let drive = if named.is_empty() {
                shorter(kernel.series, drive)
            } else {
                Some(drive)
            };
            jobs.extend(drive.map(|drive| (kernel, drive)));
        }
    }
    if named.is_empty() {
        jobs.push((Kernel::named(NEWEST)?, "demo"));
    }
    Ok(jobs)
}

fn next(jobs: &Mutex<impl Iterator<Item = Job>>) -> Option<Job> {
    jobs.lock().ok()?.next()
}

/// A guest that failed is run once more. Emulated guests are slow enough for races that no machine has; what
/// is wrong fails twice.
fn twice(mut run: impl FnMut(&str) -> Told) -> Told {
    let first = run("");
    if first.0.failed == 0 {
        return first;
    }
    let (mut tally, figures) = run(" again");
    tally.repeated = u32::from(tally.failed == 0);
    (tally, figures)
}

/// A drive without its options.
fn verb(drive: &str) -> &str {
    drive.split(' ').next().unwrap_or(drive)
}

/// The lines that say how much of auditd's log is equal: `parity fentry: events 9/9, records …`.
fn figures(text: &str) -> Vec<String> {
    let is_figure = |line: &&str| {
        let told = [
            "parity ",
            "accounts: ",
            "tools: ",
            "replay: ",
            "rules ",
            "soundness ",
        ];
        let figure = line.contains('/') || line.contains(" rounds, ");
        told.iter().any(|start| line.starts_with(start)) && figure
    };
    text.lines().filter(is_figure).map(str::to_owned).collect()
}

/// One guest; its lines come with the kernel's name before them.
fn guest(kernel: &Kernel, drive: &str, built: &Built, run: &str) -> Told {
    let place = format!("[{} {}{run}]", kernel.series, verb(drive));
    let command = format!("auklet-guest {drive}");
    let guest = Guest {
        kernel,
        root: Root::Base,
        built,
        command: Some(&command),
        timeout: TIMEOUT,
        append: "",
        clock: Clock::Time,
    };
    let mut text = String::new();
    let outcome = boot(&guest, |line| {
        println!("{place} {line}");
        text.push_str(line);
        text.push('\n');
    });
    let repeat = format!("cargo xtask vm {} -- {command}", kernel.series);
    let tally = match outcome {
        Ok(outcome) => {
            println!("{place} {:.0} s", outcome.seconds);
            tally_of(&text, outcome.code == 0, &repeat)
        }
        Err(error) => {
            println!("FAILED {place} {error:#}\nrepeat: {repeat}");
            Tally::FAILED
        }
    };
    (tally, figures(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_again() {
        let text = "not compared: pid: each run has its own\naccounts: records 149/149\n\
                    parity fentry: events 9/9, records 9/9, fields 9/9, listed 0\n\
                    accounts: auditd.conf: missing\n1 passed, 0 failed\n";
        let expect = [
            "accounts: records 149/149",
            "parity fentry: events 9/9, records 9/9, fields 9/9, listed 0",
        ];
        assert_eq!(figures(text), expect);
        assert_eq!(
            DRIVES.map(verb),
            ["test", "parity", "accounts", "soundness"]
        );
    }

    #[test]
    fn rule_sets_and_demo_run_on_one_kernel() {
        let of = |named: &[&str]| {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            let jobs = jobs(&named).expect("kernels");
            let of = |drive| jobs.iter().filter(|job| job.1 == drive).count();
            [of("soundness"), of("rulesets"), of("demo")]
        };
        // Two kernels' are left out where all run, and told.
        assert_eq!(of(&[]), [2, 1, 1]);
        assert_eq!(of(&["6.1"]), [1, 0, 0]);
        assert_eq!(of(&["6.12"]), [1, 1, 0]);
        assert_eq!(of(&["5.10", "7.x"]), [2, 0, 0]);
    }

    #[test]
    fn what_is_left_out_is_a_drive_of_that_kernel() {
        for (kernel, drive, short, _) in SHORTER {
            assert!(DRIVES.contains(&drive), "{drive}");
            assert!(Kernel::named(kernel).is_ok(), "{kernel}");
            assert!(short.is_empty() || short.starts_with(drive), "{short}");
            assert_eq!(left_out((kernel, drive, short, "")).1.skipped, 1);
        }
    }

    #[test]
    fn what_fails_is_run_once_more() {
        let passed = Tally {
            passed: 4,
            ..Tally::default()
        };
        let check = |outcomes: &[Tally], expect: Tally| {
            let mut runs = outcomes.iter();
            let (tally, _) = twice(|_| (*runs.next().expect("no further run"), Vec::new()));
            assert_eq!((tally, runs.len()), (expect, 0), "{outcomes:?}");
        };
        check(&[passed], passed);
        check(&[Tally::FAILED, Tally::FAILED], Tally::FAILED);
        let again = Tally {
            repeated: 1,
            ..passed
        };
        check(&[Tally::FAILED, passed], again);
    }
}
