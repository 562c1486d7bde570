//! What a running sensor may still do.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{
    harness::{Lone, LoneCtx, lone},
    sensor::Sensor,
};

pub(crate) const CASES: &[Lone] = &[lone("privileges/dropped after the start", dropped)];

/// CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_BPF of capabilities(7), as bits.
const NEEDED: u64 = 1 << 2 | 1 << 19 | 1 << 39;

fn dropped(ctx: &LoneCtx) -> Result<()> {
    let sensor = Sensor::start(&["--attach", &ctx.plan, "--json"])?;
    let status = fs::read_to_string(format!("/proc/{}/status", sensor.pid()))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).with_context(|| format!("no {name}"))
    };
    for (name, expect) in [
        ("CapEff:", NEEDED),
        ("CapPrm:", NEEDED),
        ("CapBnd:", NEEDED),
        ("CapInh:", 0),
        ("CapAmb:", 0),
    ] {
        let got = u64::from_str_radix(field(name)?, 16)?;
        if got & !expect != 0 || (!ctx.native && got != expect) {
            bail!("{name} {got:x}, expected {expect:x}");
        }
    }
    if field("NoNewPrivs:")? != "1" {
        bail!("it could gain privileges by exec");
    }
    // With what is left it still does its work, and ends well.
    sensor.stop().map(|_| ())
}
