//! What recording costs, in guest instructions: one recorder, one set of rules, one workload.
//!
//! In a guest of `-icount shift=0,sleep=off` with one processor a nanosecond is an instruction. What is measured is
//! the time that the processor ran tasks (`rq_cpu_time` of /proc/schedstat, kernel/sched/stats.h: kernel threads and
//! daemons, too; idle time is not in it) from before the first operation until the recorder is quiet, over the
//! operations. `cargo xtask bench vm` boots one guest for each recorder and set.

mod ops;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{parity, sensor::Sensor};

/// Whose log the rules fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Recorder {
    /// Nobody's: audit is off.
    Nothing,
    /// The kernel's audit and the real auditd.
    Auditd,
    /// `auklet run`.
    Auklet,
}

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Selection {
    #[arg(long, value_enum)]
    recorder: Recorder,
    #[arg(long, value_enum, default_value_t = rules::Set::None)]
    rules: rules::Set,
    /// This operation only; may be repeated.
    #[arg(long)]
    op: Vec<String>,
    /// How Auklet attaches.
    #[arg(long, default_value = "auto")]
    plan: String,
}

/// Where Auklet writes.
const OURS: &str = "/var/log/auklet-bench.log";

/// Prints `bench OP COUNT INSTRUCTIONS` for each operation: instructions for one, with the recorder's share; and of
/// Auklet what its own threads ran of these.
pub(crate) fn bench(selection: &Selection) -> ExitCode {
    match measured(selection) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(selection: &Selection) -> Result<()> {
    let ops = ops::ops()?;
    let file = rules::write(selection.rules)?;
    let sensor = start(selection, &file)?;
    let log = match selection.recorder {
        Recorder::Nothing => None,
        Recorder::Auditd => Some(PathBuf::from(parity::AUDITD_LOG)),
        Recorder::Auklet => Some(PathBuf::from(OURS)),
    };
    let wanted = |name: &str| selection.op.is_empty() || selection.op.iter().any(|o| o == name);
    for op in ops.iter().filter(|op| wanted(op.name)) {
        // Once beforehand: caches are warm, programs are loaded.
        op.some(1)?;
        op.tidy()?;
        until_quiet(log.as_deref());
        let (begin, own) = (busy()?, daemon(sensor.as_ref())?);
        op.some(op.count)?;
        until_quiet(log.as_deref());
        let (spent, own) = (busy()? - begin, daemon(sensor.as_ref())? - own);
        op.tidy()?;
        let each = |sum: u64| sum / u64::from(op.count);
        println!("bench {} {} {}", op.name, op.count, each(spent));
        if sensor.is_some() {
            println!("share {} {} the daemon's own", op.name, each(own));
        }
    }
    lost(selection.recorder)?;
    if let Some(sensor) = sensor {
        let status = sensor.stop()?;
        println!("status {status}");
        if status["lost_total"] != 0 {
            bail!("auklet lost records: {status}");
        }
    }
    Ok(())
}

fn start(selection: &Selection, file: &Path) -> Result<Option<Sensor>> {
    match selection.recorder {
        Recorder::Nothing => Ok(None),
        Recorder::Auditd => {
            parity::start_auditd()?;
            parity::tool("auditctl", &["-D"])?;
            parity::tool("auditctl", &["-b", "65536", "-e", "1"])?;
            parity::tool("auditctl", &["-R", &file.display().to_string()])?;
            Ok(None)
        }
        Recorder::Auklet => {
            let mut args = vec!["--json", "--attach", &selection.plan];
            let file = file.display().to_string();
            if selection.rules != rules::Set::Alerts {
                args.extend(["--no-shipped-rules", "--opens", "none"]);
                args.extend(["--audit-rules", &file, "--audit-log", OURS]);
                args.extend(["--max-log-file-action", "ignore"]);
            }
            Sensor::start(&args).map(Some)
        }
    }
}

/// Nanoseconds that the processor ran tasks, since the boot.
fn busy() -> Result<u64> {
    // The running task's share is added when it is taken off the processor.
    thread::sleep(Duration::from_millis(5));
    let text = fs::read_to_string("/proc/schedstat").context("/proc/schedstat")?;
    let cpus: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("cpu"))
        .collect();
    let [cpu] = cpus[..] else {
        bail!("{} processors: this measures one", cpus.len());
    };
    // cpu0, six counts, rq_cpu_time, run_delay, pcount.
    let time = cpu.split(' ').nth(7).context("rq_cpu_time")?;
    time.parse().context("rq_cpu_time")
}

/// Nanoseconds that Auklet's threads ran, in the kernel, too (sum_exec_runtime).
fn daemon(sensor: Option<&Sensor>) -> Result<u64> {
    let Some(sensor) = sensor else { return Ok(0) };
    let threads = fs::read_dir(format!("/proc/{}/task", sensor.pid()))?;
    let ran = threads.map(|thread| {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let ran = text.split(' ').next().unwrap_or_default();
        ran.parse::<u64>().context("schedstat")
    });
    ran.sum()
}

/// Until the log has not grown for a while; without a log, until the processor had time for everything.
fn until_quiet(log: Option<&Path>) {
    let length = || log.map_or(0, |log| fs::metadata(log).map_or(0, |meta| meta.len()));
    let (mut last, mut same) = (length(), 0);
    while same < 4 {
        thread::sleep(Duration::from_millis(250));
        let now = length();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
}

/// A recorder that drops is cheap.
fn lost(recorder: Recorder) -> Result<()> {
    if recorder != Recorder::Auditd {
        return Ok(());
    }
    let status = std::process::Command::new("auditctl").arg("-s").output()?;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    if !status.lines().any(|line| line == "lost 0") {
        bail!("auditd lost records: {status}");
    }
    Ok(())
}
