//! auditd's records and Auklet's, of the same workload in the same boot: every record, every field.

mod again;
mod blind;
mod compare;
pub(crate) mod log;
mod replayed;
mod rules;
pub(crate) mod rulesets;
mod tools;
mod workload;

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{preempt::preempts_itself, sensor::Sensor};
use again::{Differences, Run, until_agreed};
pub(crate) use log::{Record, read as read_log};
use tools::Log;
pub(crate) use workload::{open_by_ring, paced, run as act, tell_audit};

/// Who the workload is to both: a login uid that nobody else has.
const AUID: u32 = 7777;
/// The workload's last act opens this, so that the logs tell when they are whole.
const END: &str = "/parity-end";
pub(crate) const AUDITD_LOG: &str = "/var/log/audit/audit.log";

/// Not that of any other open; rules tell it by this.
const END_MODE: u32 = 0xe0d;
/// Not an attach plan: auditd alone, and how many events it has of each family.
const ALONE: &str = "none";

/// What to compare.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// This plan only; may be repeated. `none`: auditd alone, its events counted.
    #[arg(long)]
    plan: Vec<String>,
    /// Not this plan; may be repeated.
    #[arg(long, conflicts_with = "plan")]
    except: Vec<String>,
    /// This family of the workload only; may be repeated.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(workload::names()))]
    family: Vec<String>,
    /// At most so many runs of a plan: what differs in each fails.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    runs: u32,
}

/// Runs the workload under both, with each plan; fails on any difference that is not listed and is there in
/// each run.
pub(crate) fn parity(selection: &Selection) -> ExitCode {
    let all = ["fentry", "kprobe", "tracepoint"].map(str::to_owned);
    let plans = match selection.plan.as_slice() {
        [] => &all[..],
        some => some,
    };
    let families = workload::chosen(&selection.family);
    let (mut passed, mut failed, mut skipped, mut repeated) = (0, 0, 0, 0);
    if families.iter().any(|family| family == "network") {
        skipped += load_filters();
    }
    let ready = start_auditd().and_then(|()| set_rules(&families));
    // By fentry such a kernel skips programs in nearly every run of the workload.
    let preempts = match ready.and_then(|()| preempts_itself()) {
        Ok(preempts) => preempts,
        Err(error) => {
            println!("parity: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let first = if preempts { "kprobe" } else { "fentry" };
    for plan in plans.iter().filter(|plan| !selection.except.contains(plan)) {
        // Asked for by name it runs.
        let reason = match plan.as_str() {
            "fentry" | "tracepoint" if preempts => {
                Some("this kernel skips programs, docs/parity.md")
            }
            _ => None,
        };
        if let Some(reason) = reason.filter(|_| selection.plan.is_empty()) {
            println!("skipped parity {plan}: {reason}");
            skipped += 1;
            continue;
        }
        let seen = seen(plan, &families, &mut skipped);
        match until_agreed(plan, selection.runs, || one(plan, &seen, first)) {
            Ok(verdict) => {
                repeated += verdict.repeated;
                passed += u32::from(verdict.same);
                failed += u32::from(!verdict.same);
            }
            Err(error) => {
                println!("parity {plan}: {error:#}");
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped, {repeated} repeated");
    ExitCode::from(u8::from(failed > 0))
}

/// The families that a plan can see.
fn seen(plan: &str, families: &[String], skipped: &mut u32) -> Vec<String> {
    const BY_RING: &str = workload::BY_RING;
    let mut seen = families.to_vec();
    if plan == "tracepoint" && families.iter().any(|family| family == BY_RING) {
        println!(
            "skipped family {BY_RING} under {plan}: no tracepoint tells of io_uring's operations"
        );
        seen.retain(|family| family != BY_RING);
        *skipped += 1;
    }
    seen
}

/// The real auditd, of RAW records.
pub(crate) fn start_auditd() -> Result<()> {
    let conf = fs::read_to_string("/etc/audit/auditd.conf").context("auditd.conf")?;
    // A log that is rotated would be compared in part.
    let ours = ["log_format", "flush", "max_log_file_action"];
    let keep = |line: &&str| !ours.iter().any(|name| line.starts_with(name));
    let mut lines: Vec<&str> = conf.lines().filter(keep).collect();
    lines.extend([
        "log_format = RAW",
        "flush = NONE",
        "max_log_file_action = IGNORE",
        "",
    ]);
    fs::write("/etc/audit/auditd.conf", lines.join("\n"))?;
    fs::create_dir_all("/var/log/audit")?;
    tool("auditd", &[])
}

/// Packet filters, for acts of the family `network`; before anybody watches. How many there are not: their acts
/// are refused under both.
fn load_filters() -> u32 {
    let mut skipped = 0;
    if let Err(error) = tool("depmod", &["-a"]) {
        println!("parity: {error:#}");
    }
    // The second is not in every kernel.
    for module in ["nf_tables", "iptable_filter"] {
        if let Err(error) = tool("modprobe", &[module]) {
            println!("skipped changes by {module}: {error:#}");
            skipped += 1;
        }
    }
    skipped
}

/// The workload's calls alone.
fn set_rules(families: &[String]) -> Result<()> {
    tool("auditctl", &["-D"])?;
    tool("auditctl", &["-b", "65536", "-e", "1"])?;
    rules::load(families)
}

pub(crate) fn tool(program: &str, args: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(args)
        .output()
        .context(program.to_owned())?;
    if !output.status.success() {
        bail!(
            "{program}: {} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// One run: where both logs differ. `first`: the plan under which what reads the logs is asked, too.
fn one(plan: &str, families: &[String], first: &str) -> Result<Run> {
    let dir = tempfile::tempdir()?;
    let ours = dir.path().join("audit.log");
    let theirs = PathBuf::from(AUDITD_LOG);
    fs::write(&theirs, "")?;
    let sensor = (plan != ALONE).then(|| sensor(plan, &ours)).transpose()?;
    let work = dir.path().join("work");
    fs::create_dir(&work)?;
    workload(&work, families, plan, &ours)?;
    until_whole(&theirs)?;
    let Some(sensor) = sensor else {
        let counted = rules::count(&log::read(&theirs)?, families)?;
        return Ok(Run::Compared(failed(counted, "count")));
    };
    until_whole(&ours)?;
    let status = sensor.stop()?;
    let skipped = status["recursion_misses"].as_u64().unwrap_or(0);
    if status["lost_total"] != 0 && skipped > 0 {
        return Ok(Run::Skipped(skipped));
    }
    if status["lost_total"] != 0 {
        bail!("auklet lost records: {status}");
    }
    let [their_events, our_events] = [log::read(&theirs)?, log::read(&ours)?];
    let [auditd, auklet] =
        [(&theirs, &their_events), (&ours, &our_events)].map(|(path, events)| Log {
            path,
            events: compare::keyed(events, compare::of_workload),
        });
    let mut differences = compare::paired(&auditd.events, &auklet.events, plan);
    // What reads logs knows nothing of plans: once is enough. Events that differ are told above.
    if plan == first {
        let equal = compare::equal(&auditd.events, &auklet.events);
        let same = replayed::compare(&theirs, &ours, &equal)?;
        differences.extend(failed(same, "replay"));
        let same = tools::compare(&auditd, &auklet, &equal, dir.path())?;
        differences.extend(failed(same, "tools"));
    }
    Ok(Run::Compared(differences))
}

/// A check beside the comparison as a difference, if it did not pass.
fn failed(passed: bool, check: &str) -> Differences {
    (!passed).then(|| check.to_owned()).into_iter().collect()
}

fn sensor(plan: &str, log: &Path) -> Result<Sensor> {
    let log = log.display().to_string();
    Sensor::start(&[
        "--attach",
        plan,
        "--json",
        "--no-shipped-rules",
        "--opens",
        "none",
        "--audit-rules",
        rules::FILE,
        "--audit-log",
        &log,
    ])
}

/// This program. Not by its link in /proc, whose inode lives no longer than the process: a look-up after
/// the call may come too late for it.
pub(crate) fn driver() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| "/usr/local/bin/auklet-guest".into())
}

/// In a process of its own, under its own login uid; at the pace of Auklet's log where there is one.
fn workload(dir: &Path, families: &[String], plan: &str, log: &Path) -> Result<()> {
    let mut child = Command::new(driver());
    if plan != ALONE {
        child.env(workload::LOG, log);
    }
    if plan == "tracepoint" {
        child.env(workload::EVERY, "1");
    }
    child.args(["act", "parity"]).arg(dir).args(families);
    child.stdin(Stdio::null());
    // SAFETY: only system calls that are safe between fork and exec: open, write, close.
    unsafe {
        child.pre_exec(|| fs::write("/proc/self/loginuid", AUID.to_string()));
    }
    let status = child.status()?;
    if !status.success() {
        bail!("the workload ended with {status}");
    }
    Ok(())
}

fn until_whole(log: &Path) -> Result<()> {
    until_named(log, END)
}

/// Until a log has the event whose PATH has this name, whole.
pub(crate) fn until_named(log: &Path, name: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    let mark = format!("name=\"{name}\"");
    while Instant::now() < end {
        let text = fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // Its PATH, and behind that the event's last record.
        let mut lines = text.lines();
        let path = lines.find(|line| line.contains(&mark));
        let id = path.and_then(|line| Some(line.split_once("msg=")?.1.split_once(": ")?.0));
        if id.is_some_and(|id| lines.any(|l| l.starts_with("type=PROCTITLE") && l.contains(id))) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{} never told the workload's end", log.display())
}
