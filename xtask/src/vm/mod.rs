//! `cargo xtask vm`: guests in QEMU, without KVM: plain emulation runs everywhere.

mod image;
mod live;

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, IsTerminal as _},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

pub(crate) use self::live::Live;
use crate::{
    build::{self, Built},
    command::{command, quiet},
    setup::rootfs::Root,
    setup::{self, kernels::Kernel},
};

#[derive(Args)]
pub(crate) struct VmArgs {
    /// 5.10, 6.1, 6.12, 7.x, newest, or all.
    #[arg(required = true)]
    kernels: Vec<String>,
    /// Take the binaries that are there.
    #[arg(long)]
    no_build: bool,
    /// Seconds after which the guest is stopped.
    #[arg(long, default_value_t = 900)]
    timeout: u64,
    /// More for the kernel's command line, such as `preempt=full`.
    #[arg(long, default_value = "")]
    append: String,
    /// The command, run by sh; without one, a shell.
    #[arg(last = true)]
    command: Vec<String>,
}

/// A guest to boot.
pub(crate) struct Guest<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) root: Root,
    pub(crate) built: &'a Built,
    /// Run by sh; `None` is an interactive shell.
    pub(crate) command: Option<&'a str>,
    pub(crate) timeout: Duration,
    /// More for the kernel's command line.
    pub(crate) append: &'a str,
    pub(crate) clock: Clock,
}

/// What a guest's clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Time; two processors.
    Time,
    /// Instructions, a nanosecond each; one processor. The same run gives the same figures.
    Instructions,
}

/// How a guest's command ended.
pub(crate) struct Outcome {
    pub(crate) code: u8,
    pub(crate) seconds: f64,
}

pub(crate) fn vm(args: &VmArgs) -> Result<ExitCode> {
    let built = if args.no_build {
        build::built()?
    } else {
        setup::setup(false)?;
        build::build()?
    };
    let joined = args.command.join(" ");
    let command = (!args.command.is_empty()).then_some(joined.as_str());
    let timeout = Duration::from_secs(args.timeout);
    each(&args.kernels, &built, command, timeout, &args.append)
}

#[derive(Args)]
pub(crate) struct ParityArgs {
    /// 5.10, 6.1, 6.12, 7.x, newest, or all.
    #[arg(default_value = "newest")]
    kernels: Vec<String>,
    /// This attach plan only; may be repeated.
    #[arg(long)]
    plan: Vec<String>,
    /// This family of the workload only; may be repeated.
    #[arg(long)]
    family: Vec<String>,
}

/// auditd's records and Auklet's of one workload, compared in a guest.
pub(crate) fn parity(args: &ParityArgs) -> Result<ExitCode> {
    setup::setup(false)?;
    let built = build::build()?;
    let mut command = "auklet-guest parity".to_owned();
    for plan in &args.plan {
        command.push_str(&format!(" --plan {plan}"));
    }
    for family in &args.family {
        command.push_str(&format!(" --family {family}"));
    }
    each(
        &args.kernels,
        &built,
        Some(&command),
        Duration::from_secs(1200),
        "",
    )
}

/// The same in a guest of each kernel, one after the other; the worst exit code.
fn each(
    names: &[String],
    built: &Built,
    command: Option<&str>,
    timeout: Duration,
    append: &str,
) -> Result<ExitCode> {
    let mut worst = 0;
    for kernel in kernels(names)? {
        let guest = Guest {
            kernel: &kernel,
            root: Root::Base,
            built,
            command,
            timeout,
            append,
            clock: Clock::Time,
        };
        let outcome = boot(&guest, |line| println!("{line}"))?;
        eprintln!(
            "vm: {} ended with {} after {:.1} s",
            kernel.release()?,
            outcome.code,
            outcome.seconds
        );
        worst = worst.max(outcome.code);
    }
    Ok(ExitCode::from(worst))
}

/// The named kernels; `all` is every one.
pub(crate) fn kernels(names: &[String]) -> Result<Vec<Kernel>> {
    let all = || {
        setup::kernels::SERIES
            .iter()
            .map(|series| Kernel::named(series.name))
            .collect()
    };
    if names.iter().any(|name| name == "all") {
        all()
    } else {
        names.iter().map(|name| Kernel::named(name)).collect()
    }
}

/// Boots a guest, gives each line that its command prints, and waits for its end.
pub(crate) fn boot(guest: &Guest<'_>, on_line: impl FnMut(&str)) -> Result<Outcome> {
    let start = Instant::now();
    let dir = tempfile::tempdir().context("make a directory for the guest")?;
    image::write(guest, dir.path())?;
    let interactive = guest.command.is_none() && std::io::stdin().is_terminal();
    let _raw = interactive.then(RawTerminal::set);
    let mut qemu = qemu(guest, dir.path())?;
    if interactive {
        qemu.stdin(Stdio::inherit()).stdout(Stdio::inherit());
    } else {
        qemu.stdin(Stdio::null()).stdout(Stdio::piped());
    }
    let mut qemu = qemu
        .spawn()
        .context("start qemu-system-x86_64 (run `cargo xtask setup`)")?;
    let late = stop_when_late(qemu.id(), guest.timeout);
    if let Some(output) = qemu.stdout.take() {
        forward(output, on_line)?;
    }
    qemu.wait().context("wait for qemu")?;
    late.done.store(true, Ordering::Relaxed);
    let seconds = start.elapsed().as_secs_f64();
    let code = fs::read_to_string(dir.path().join("exit")).unwrap_or_default();
    let Ok(code) = code.trim().parse() else {
        let log = fs::read(dir.path().join("console")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let tail: Vec<&str> = log.lines().rev().take(25).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        let why = if late.fired.load(Ordering::Relaxed) {
            "was stopped: time is up"
        } else {
            "ended without an exit code"
        };
        bail!(
            "guest {} {why} after {seconds:.0} s; its console ends with:\n{}",
            guest.kernel.series,
            tail.join("\n")
        );
    };
    Ok(Outcome { code, seconds })
}

/// The kernel's command line. `no_timer_check`: where the host is busy, 5.10 takes an emulated timer for broken
/// and panics ("IO-APIC + timer doesn't work").
const COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet no_timer_check rdinit=/auklet/init";

/// Two processors on one host thread. With a thread each, QEMU 7.2 now and then runs code that the
/// kernel patched meanwhile on the other one (attaching to a function does that): an oops at the
/// function's first byte. It is also two to three times slower when two guests share two cores.
const ACCEL: &str = "tcg,thread=single";

/// Without standard input and output.
fn qemu(guest: &Guest<'_>, dir: &std::path::Path) -> Result<Command> {
    let accel = std::env::var("AUKLET_QEMU_ACCEL").unwrap_or_else(|_| ACCEL.to_owned());
    let mut qemu = command(&["qemu-system-x86_64", "-accel", &accel, "-cpu", "max"]);
    match guest.clock {
        Clock::Time => qemu.args(["-m", "2048", "-smp", "2"]),
        // Records that wait for auditd, and its log, are in memory.
        Clock::Instructions => {
            qemu.args(["-m", "3072", "-smp", "1", "-icount", "shift=0,sleep=off"])
        }
    };
    qemu.args(["-display", "none", "-no-reboot", "-nodefaults"]);
    // The kernel's console, the command's output, its exit code: each a port of its own.
    qemu.arg("-serial")
        .arg(format!("file:{}", dir.join("console").display()));
    qemu.args(["-serial", "stdio"]);
    qemu.arg("-serial")
        .arg(format!("file:{}", dir.join("exit").display()));
    qemu.arg("-kernel")
        .arg(guest.kernel.vmlinuz())
        .arg("-initrd")
        .arg(dir.join("initrd"));
    qemu.arg("-append")
        .arg(format!("{COMMAND_LINE} {}", guest.append));
    qemu.stderr(File::create(dir.join("qemu-errors"))?);
    Ok(qemu)
}

fn forward(output: impl std::io::Read, mut on_line: impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .context("read the guest's output")?
        > 0
    {
        let text = String::from_utf8_lossy(&line);
        on_line(text.trim_end_matches(['\n', '\r']));
        line.clear();
    }
    Ok(())
}

/// Ends the guest when its time is up.
struct Late {
    done: Arc<AtomicBool>,
    fired: Arc<AtomicBool>,
}

fn stop_when_late(pid: u32, timeout: Duration) -> Late {
    let late = Late {
        done: Arc::default(),
        fired: Arc::default(),
    };
    let (done, fired) = (late.done.clone(), late.fired.clone());
    let end = Instant::now() + timeout;
    thread::spawn(move || {
        while !done.load(Ordering::Relaxed) {
            if Instant::now() > end {
                fired.store(true, Ordering::Relaxed);
                let _ended = quiet(&mut command(&["kill", "-9", &pid.to_string()])).is_ok();
                return;
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
    late
}

/// The terminal passes every key to the guest while this lives.
struct RawTerminal;

impl RawTerminal {
    fn set() -> Self {
        let _set = command(&["stty", "raw", "-echo"])
            .stdin(Stdio::inherit())
            .status()
            .is_ok();
        Self
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _set = command(&["stty", "sane"])
            .stdin(Stdio::inherit())
            .status()
            .is_ok();
    }
}
