//! `auklet doctor`: what this kernel offers.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::Result;
use sensor_ebpf::config::opens;

use crate::{
    kernel,
    load::{
        Attach, Needs, Plan, Sensor, Settings,
        btf::{KernelTypes, SYS_BTF},
        order::Preemption,
        plan::kernel_has_kprobes,
    },
};

/// Prints the kernel, BTF, each attach plan and what it can't see.
///
/// # Errors
/// There is no BTF, or no plan works.
pub fn doctor() -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "kernel      {}", kernel::release())?;
    let types = KernelTypes::read(Path::new(SYS_BTF))?;
    let fields = types.offsets()?.len();
    writeln!(out, "BTF         {SYS_BTF}, all {fields} fields found")?;
    let kprobes = if kernel_has_kprobes() { "yes" } else { "no" };
    writeln!(out, "kprobes     {kprobes}")?;
    let preemption = Preemption::running(&types);
    let order = preemption.order().map(|attach| attach.to_string());
    writeln!(out, "auto        {}: {preemption}", order.join(", "))?;
    let mut works = false;
    for attach in Attach::ALL {
        let plan = Plan::new(attach, &types, &Needs::default());
        let verdict = match Sensor::start(&settings(attach)) {
            Ok(_) => {
                works = true;
                "works".to_owned()
            }
            Err(error) => format!("refused: {}", first_line(&format!("{error:#}"))),
        };
        writeln!(out, "{:<11} {verdict}", attach.to_string())?;
        let by_kprobe = plan.functions(Attach::Kprobe);
        if attach == Attach::Fentry && !by_kprobe.is_empty() {
            writeln!(out, "            by kprobe: {}", by_kprobe.join(", "))?;
        }
        for line in plan
            .missing
            .iter()
            .map(String::as_str)
            .chain(attach.blind_spots().iter().copied())
        {
            writeln!(out, "            - {line}")?;
        }
    }
    anyhow::ensure!(works, "no attach plan works here (this needs root)");
    Ok(())
}

fn settings(attach: Attach) -> Settings {
    Settings {
        attach: Some(attach),
        opens: opens::WATCHED,
        watched_names: Vec::new(),
        ring_bytes: 64 << 10,
        argv_bytes: 4096,
        slots: 16,
        calls: Vec::new(),
        filters: Vec::new(),
        times: true,
        policy: false,
        operations: Vec::new(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
