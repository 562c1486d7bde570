//! The kernel's filter is sound: two sensors with the same random rules watch the same random operations,
//! one whose programs drop what no rule can want, one whose programs send every call that a rule names.
//! Their records are the same.

mod acts;
mod rules;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use self::acts::act;
use crate::{parity, sensor::Sensor};

/// The workload's last act opens this, so that the logs tell when they are whole.
const END: &str = "/soundness-end";

const AGAIN: u32 = 3;

#[derive(clap::Args)]
pub(crate) struct Selection {
    /// By kprobe the kernel skips no program, however many run at once.
    #[arg(long, default_value = "kprobe")]
    plan: String,
    /// Rule sets.
    #[arg(long, default_value_t = 4)]
    rounds: u64,
    /// Operations of each round.
    #[arg(long, default_value_t = 300)]
    acts: u32,
    /// The first round's; the next has the next number.
    #[arg(long)]
    seed: Option<u64>,
}

/// What both sensors told of one round.
#[derive(Default)]
struct Told {
    records: usize,
    received: [u64; 2],
}

pub(crate) fn soundness(selection: &Selection) -> ExitCode {
    let seed = selection.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let mut sum = Told::default();
    for seed in seed..seed + selection.rounds {
        match round(selection, seed, AGAIN) {
            Ok(told) => {
                sum.records += told.records;
                sum.received[0] += told.received[0];
                sum.received[1] += told.received[1];
            }
            Err(error) => {
                println!("soundness: seed {seed}: {error:#}");
                println!("0 passed, 1 failed");
                return ExitCode::FAILURE;
            }
        }
    }
    let [narrow, wide] = sum.received;
    println!(
        "soundness {}: {} rounds, {} records the same, calls sent {narrow} with the filter, {wide} without",
        selection.plan, selection.rounds, sum.records
    );
    // Rules that want nothing, or a filter that drops nothing, would show nothing.
    let telling = sum.records > 0 && narrow < wide;
    println!(
        "{} passed, {} failed",
        u8::from(telling),
        u8::from(!telling)
    );
    ExitCode::from(u8::from(!telling))
}

/// One round; `again` times more where records were lost, which the sensor counts, or where the kernel skipped a
/// program (it skips one that another task interrupted on the same CPU) and the records differ.
fn round(selection: &Selection, seed: u64, again: u32) -> Result<Told> {
    let dir = tempfile::tempdir()?;
    let (file, work) = (dir.path().join("audit.rules"), dir.path().join("work"));
    fs::create_dir(&work)?;
    acts::prepare(&work)?;
    // A path= is bound to what is there.
    fs::write(END, "")?;
    let rules = rules::random(&mut fastrand::Rng::with_seed(seed), &work);
    fs::write(&file, &rules)?;
    let logs = ["narrow", "wide"].map(|name| dir.path().join(name));
    // The first has the other's start, too: were it the one with the filter, it could have more.
    let wide = sensor(&selection.plan, &file, &logs[1], &["--no-kernel-filter"])?;
    let narrow = sensor(&selection.plan, &file, &logs[0], &[])?;
    let status = Command::new(parity::driver())
        .args(["act", "soundness"])
        .arg(&work)
        .args([seed.to_string(), selection.acts.to_string()])
        .status()?;
    if !status.success() {
        bail!("the operations ended with {status}");
    }
    for log in &logs {
        until_whole(log)?;
    }
    let statuses = [narrow.stop()?, wide.stop()?];
    let lost = statuses.iter().find(|status| status["lost_total"] != 0);
    if let Some(status) = lost {
        let told = format!("records lost: {}", status["lost"]);
        if again == 0 {
            bail!("{told}; rules:\n{rules}");
        }
        println!("soundness: {told}; seed {seed} once more");
        return round(selection, seed, again - 1);
    }
    let [narrow, wide] = [events(&logs[0])?, events(&logs[1])?];
    let skipped = |status: &serde_json::Value| status["recursion_misses"].as_u64() > Some(0);
    if narrow != wide && again > 0 && statuses.iter().any(skipped) {
        println!("soundness: the kernel skipped programs; seed {seed} once more");
        return round(selection, seed, again - 1);
    }
    if narrow != wide {
        differ(&narrow, &wide);
        bail!("the records differ; rules:\n{rules}");
    }
    let sent = |status: &serde_json::Value| {
        let of = |kind: &str| status["received"][kind].as_u64().unwrap_or(0);
        of("open") + of("syscall")
    };
    Ok(Told {
        records: narrow.values().map(Vec::len).sum(),
        received: [sent(&statuses[0]), sent(&statuses[1])],
    })
}

fn sensor(plan: &str, rules: &Path, log: &Path, more: &[&str]) -> Result<Sensor> {
    let [rules, log] = [rules, log].map(|path| path.display().to_string());
    let common = [
        "--attach",
        plan,
        "--json",
        "--no-shipped-rules",
        "--opens",
        "none",
        "--socket",
        "none",
        "--audit-rules",
        &rules,
        "--audit-log",
        &log,
    ];
    Sensor::start(&[&common, more].concat())
}

/// Process, call, which of the process's calls of that number; and its records.
type Events = BTreeMap<(String, String, u32), Vec<String>>;

/// The operations' events, without times and serials, which each log has its own of.
fn events(log: &Path) -> Result<Events> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut events = Events::new();
    for event in parity::read_log(log)? {
        let call = event.iter().find(|record| record.kind == "SYSCALL");
        let Some(call) = call.filter(|call| call.get("comm") == Some("\"auklet-guest\"")) else {
            continue;
        };
        let field = |name: &str| call.get(name).unwrap_or_default().to_owned();
        // This process began before the second sensor did. What an open that failed would have opened is
        // looked up after the call: each sensor in its own time, when it may be another file.
        let own = field("pid") == std::process::id().to_string();
        let opens = ["2", "85", "257"].contains(&field("syscall").as_str());
        if own || (opens && field("success") == "no" && field("exit") != "-2") {
            continue;
        }
        let of = (field("pid"), field("syscall"));
        let count = counts.entry(of.clone()).or_default();
        let records = event.iter().map(parity::Record::text).collect();
        events.insert((of.0, of.1, *count), records);
        *count += 1;
    }
    Ok(events)
}

fn differ(narrow: &Events, wide: &Events) {
    let only = |of: &Events, other: &Events, who: &str| {
        for (key, records) in of
            .iter()
            .filter(|(key, r)| other.get(*key) != Some(*r))
            .take(5)
        {
            println!("{who}: {key:?}: {}", records.join(" | "));
        }
    };
    only(narrow, wide, "with the filter");
    only(wide, narrow, "without");
}

fn until_whole(log: &Path) -> Result<()> {
    parity::until_named(log, END).with_context(|| "the rules always want the last act")
}
