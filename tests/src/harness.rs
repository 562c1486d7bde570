//! Runs cases and says how each went.

use std::{collections::BTreeSet, fmt, path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::{cases, sensor::Sensor};

/// A case under a running sensor that sends every open.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Ctx) -> Result<()>,
}

/// One row of a family's table of cases.
pub(crate) const fn case(name: &'static str, run: fn(&mut Ctx) -> Result<()>) -> Case {
    Case { name, run }
}

/// A case that starts its own sensor, or none.
pub(crate) struct Lone {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&LoneCtx) -> Result<()>,
}

/// One row of a table of such cases.
pub(crate) const fn lone(name: &'static str, run: fn(&LoneCtx) -> Result<()>) -> Lone {
    Lone { name, run }
}

/// What a case works with.
pub(crate) struct Ctx {
    pub(crate) sensor: Sensor,
    pub(crate) plan: String,
    /// Its own directory, empty at first.
    pub(crate) dir: PathBuf,
    /// Not in a guest: nothing outside `dir` may be touched.
    pub(crate) native: bool,
    /// A process that is older than the sensor.
    pub(crate) elder: u32,
}

pub(crate) struct LoneCtx {
    pub(crate) plan: String,
    pub(crate) dir: PathBuf,
    pub(crate) native: bool,
}

impl Ctx {
    /// Whether names, files and times come from kernel objects.
    pub(crate) fn sees_objects(&self) -> bool {
        self.plan != "tracepoint"
    }

    /// The event of a call: by hook, by who (a process id), and by what else must hold.
    pub(crate) fn event(
        &mut self,
        hook: &str,
        pid: u32,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let what = format!("the {hook} event of process {pid}");
        self.sensor.wait_for(&what, |v| {
            v["type"] == "event" && v["hook"] == hook && v["who"]["pid"] == pid && fits(v)
        })
    }
}

/// Not a failure: this machine can't do it.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// Ends a case as skipped.
pub(crate) fn skip(why: impl Into<String>) -> anyhow::Error {
    anyhow!(Skip(why.into()))
}

#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Tally {
    fn note(&mut self, name: &str, start: Instant, result: Result<()>) {
        let ms = start.elapsed().as_millis();
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("ok {name} ({ms} ms)");
            }
            Err(error) if error.is::<Skip>() => {
                self.skipped += 1;
                println!("skipped {name}: {error}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAILED {name}: {error:#}");
            }
        }
    }
}

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// This plan only; may be repeated.
    #[arg(long)]
    plan: Vec<String>,
    /// On the developer's own machine: the tracepoint plan, nothing outside a temporary directory.
    #[arg(long)]
    native: bool,
    /// Without the cases that start a sensor of their own.
    #[arg(long)]
    shared: bool,
    /// Cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// Runs everything; the last line has the counts.
pub(crate) fn run(selection: &Selection) -> ExitCode {
    let plans: Vec<&str> = match (selection.native, selection.plan.as_slice()) {
        (true, _) => vec!["tracepoint"],
        (false, []) => vec!["fentry", "kprobe", "tracepoint"],
        (false, some) => some.iter().map(String::as_str).collect(),
    };
    let mut tally = Tally::default();
    for plan in &plans {
        shared(plan, selection, &mut tally);
    }
    // What does not depend on the plan runs under the first, the strongest.
    let first = plans.first().copied().unwrap_or("auto");
    if !selection.shared {
        alone(first, selection, &mut tally);
    }
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All cases that share one sensor.
fn shared(plan: &str, selection: &Selection, tally: &mut Tally) {
    let wanted: Vec<&Case> = cases::shared()
        .filter(|case| case.name.contains(&selection.only))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let start = Instant::now();
    let elder = std::process::Command::new("sleep").args(["10000"]).spawn();
    let (sensor, mut elder) = match (
        Sensor::start(&["--attach", plan, "--events", "--opens", "all"]),
        elder,
    ) {
        (Ok(sensor), Ok(elder)) => (sensor, elder),
        (Err(error), _) => return tally.note(&format!("{plan}/start"), start, Err(error)),
        (_, Err(error)) => return tally.note(&format!("{plan}/start"), start, Err(error.into())),
    };
    tally.note(&format!("{plan}/start"), start, Ok(()));
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return tally.note("a scratch directory", start, Err(error.into())),
    };
    let mut ctx = Ctx {
        sensor,
        plan: plan.to_owned(),
        dir: PathBuf::new(),
        native: selection.native,
        elder: elder.id(),
    };
    let mut names = BTreeSet::new();
    for case in wanted {
        assert!(
            names.insert(case.name),
            "two cases are called {}",
            case.name
        );
        ctx.dir = scratch.path().join(case.name.replace(['/', ' '], "-"));
        ctx.sensor.forget();
        let start = Instant::now();
        let made = std::fs::create_dir(&ctx.dir).map_err(Into::into);
        let result = made.and_then(|()| (case.run)(&mut ctx));
        tally.note(&format!("{plan}/{}", case.name), start, result);
    }
    let start = Instant::now();
    tally.note(
        &format!("{plan}/stop loses nothing"),
        start,
        nothing_lost(ctx.sensor),
    );
    let _ended = elder.kill().is_ok();
    let _reaped = elder.wait().is_ok();
}

fn nothing_lost(sensor: Sensor) -> Result<()> {
    let status = sensor.stop()?;
    let lost = status["lost_total"].as_u64();
    let malformed = status["malformed"].as_u64();
    if (lost, malformed) != (Some(0), Some(0)) {
        return Err(anyhow!("lost {lost:?}, malformed {malformed:?}: {status}"));
    }
    Ok(())
}

fn alone(plan: &str, selection: &Selection, tally: &mut Tally) {
    for case in cases::lone().filter(|case| case.name.contains(&selection.only)) {
        let start = Instant::now();
        let result = tempfile::tempdir().map_err(Into::into).and_then(|dir| {
            let ctx = LoneCtx {
                plan: plan.to_owned(),
                dir: dir.path().to_owned(),
                native: selection.native,
            };
            (case.run)(&ctx)
        });
        tally.note(case.name, start, result);
    }
}
