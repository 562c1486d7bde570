//! `cargo xtask scenarios`: attacks that must be caught, innocents that must stay silent, each in a fresh machine.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{
    build::{self, Built},
    command::command,
    setup::rootfs::Root,
    setup::{self, kernels::Kernel},
    vm::{Clock, Guest, Live},
};

#[derive(Args)]
pub(crate) struct ScenarioArgs {
    /// Cases whose names start so: timestamp, timestamp/attack, …; all without one.
    names: Vec<String>,
    #[arg(long, default_value = "6.12")]
    kernel: String,
    /// Guests at once: two cores' worth.
    #[arg(long, default_value_t = 2)]
    guests: usize,
    /// Take the binaries that are there.
    #[arg(long)]
    no_build: bool,
}

/// A boot, the machine's preparation, the sensor's start.
const START: Duration = Duration::from_secs(300);
/// A case's own bounds are below it.
const CASE: Duration = Duration::from_secs(180);

/// What a case gave: its name, the verdict (`ok MS`, `MISSED`, `FALSE`, `BROKEN …`), what was raised.
struct Row {
    name: String,
    verdict: String,
    raised: String,
}

pub(crate) fn scenarios(args: &ScenarioArgs) -> Result<ExitCode> {
    let start = Instant::now();
    let built = if args.no_build {
        build::built()?
    } else {
        setup::for_scenarios()?;
        build::build()?
    };
    let kernel = Kernel::named(&args.kernel)?;
    let names = names(&built, &args.names)?;
    let jobs = Mutex::new(names.into_iter());
    let rows: Mutex<Vec<Row>> = Mutex::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..args.guests.max(1))
            .map(|_| scope.spawn(|| work(&kernel, &built, &jobs, &rows)))
            .collect();
        let ends = workers.into_iter().map(|worker| worker.join());
        ends.filter_map(|end| end.ok()?.err())
            .for_each(|error| println!("scenarios: {error:#}"));
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let left = jobs.into_inner().map_or(0, Iterator::count);
    println!("{:.0} s", start.elapsed().as_secs_f64());
    Ok(report(&rows, left))
}

/// The driver knows the cases.
fn names(built: &Built, wanted: &[String]) -> Result<Vec<String>> {
    let output = command(&[built.guest.as_os_str()])
        .args(["scenarios", "--list"])
        .output()
        .context("start auklet-guest")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{text}");
    }
    let fits = |name: &&str| {
        wanted.is_empty() || wanted.iter().any(|start| name.starts_with(start.as_str()))
    };
    let names = text.lines().filter_map(|line| line.strip_prefix("case "));
    let names: Vec<String> = names.filter(fits).map(str::to_owned).collect();
    if names.is_empty() {
        bail!("no case has a name that starts so");
    }
    Ok(names)
}

/// One guest, put back before each of its cases.
fn work(
    kernel: &Kernel,
    built: &Built,
    jobs: &Mutex<std::vec::IntoIter<String>>,
    rows: &Mutex<Vec<Row>>,
) -> Result<()> {
    let guest = Guest {
        kernel,
        root: Root::Tools,
        built,
        command: Some("auklet-guest scenarios"),
        timeout: START,
        append: "",
        clock: Clock::Time,
    };
    let mut live = Live::boot(&guest)?;
    live.line("scenarios ready", START)?;
    // The driver then waits for a name, the sensor for an event.
    thread::sleep(Duration::from_secs(3));
    live.save()?;
    let next = || jobs.lock().ok()?.next();
    for number in 0.. {
        let Some(name) = next() else { return Ok(()) };
        live.restore()?;
        live.send(&format!("{number} {name}"))?;
        let answer = live.line(&format!("result {number} "), CASE);
        let answer = answer.unwrap_or_else(|error| format!("BROKEN {error:#}"));
        let (verdict, raised) = answer.split_once(" |").unwrap_or((&answer, ""));
        println!("{verdict:<10} {name}: {raised}");
        let [verdict, raised] = [verdict, raised].map(str::to_owned);
        if let Ok(mut rows) = rows.lock() {
            rows.push(Row {
                name,
                verdict,
                raised,
            });
        }
    }
    Ok(())
}

/// For each alert: attacks caught, innocents silent, milliseconds; then every case that is neither.
fn report(rows: &[Row], left: usize) -> ExitCode {
    let mut of: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let mut words = row.name.splitn(3, '/');
        if let (Some(file), Some(kind)) = (words.next(), words.next()) {
            of.entry((file, kind)).or_default().push(row);
        }
    }
    println!(
        "\n{:<16} {:<10} {:>9} {:>8} {:>8}",
        "alert", "kind", "right", "median", "slowest"
    );
    for ((file, kind), rows) in &of {
        let mut times: Vec<u64> = rows.iter().filter_map(|row| time(row)).collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or(0);
        let slowest = times.last().copied().unwrap_or(0);
        let right = format!("{}/{}", times.len(), rows.len());
        println!("{file:<16} {kind:<10} {right:>9} {median:>5} ms {slowest:>5} ms");
    }
    for row in rows.iter().filter(|row| time(row).is_none()) {
        println!("{} {}: {}", row.verdict, row.name, row.raised);
    }
    let right = rows.iter().filter(|row| time(row).is_some()).count();
    let wrong = rows.len() - right + left;
    println!("{right} passed, {wrong} failed");
    ExitCode::from(u8::from(wrong > 0))
}

fn time(row: &Row) -> Option<u64> {
    row.verdict.strip_prefix("ok ")?.parse().ok()
}
