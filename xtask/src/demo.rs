//! `cargo xtask demo`: the whole main job, seen: attacks in a guest and what is raised.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    build, setup,
    setup::kernels::Kernel,
    setup::rootfs::Root,
    vm::{Clock, Guest, boot},
};

pub(crate) fn demo() -> Result<ExitCode> {
    let start = Instant::now();
    setup::setup(false)?;
    let built = build::build()?;
    let kernel = Kernel::named("newest")?;
    println!("demo: booting {} in QEMU", kernel.release()?);
    let timeout = Duration::from_secs(300);
    let guest = Guest {
        kernel: &kernel,
        root: Root::Base,
        built: &built,
        command: Some("auklet-guest demo"),
        timeout,
        append: "",
        clock: Clock::Time,
    };
    let outcome = boot(&guest, |line| println!("{line}"))?;
    let total = start.elapsed().as_secs_f64();
    println!(
        "demo: {total:.1} s in all, {:.1} s of them the guest",
        outcome.seconds
    );
    Ok(ExitCode::from(outcome.code))
}
