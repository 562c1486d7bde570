//! What the programs must know of this process: where its root is, and where in `cred.security`
//! AppArmor keeps its label, found by what it says there.

use std::fs;

use anyhow::{Context as _, Result, anyhow};
use aya::{
    Ebpf,
    maps::Array,
    programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _},
};
use sensor_ebpf::{
    config::{LABEL, LABEL_CANDIDATES},
    fields::{self, Field},
};

use super::{programs::typed, sensor::map_mut};

/// This process's own label, without a mode, e.g. `unconfined` or `/usr/sbin/auklet`.
fn own_label() -> Option<Vec<u8>> {
    let files = [
        "/proc/self/attr/apparmor/current",
        "/proc/self/attr/current",
    ];
    let text = files.iter().find_map(|path| fs::read(path).ok())?;
    let text = text.trim_ascii_end();
    let mode = text.windows(2).rposition(|w| w == b" (");
    let label = text.get(..mode.unwrap_or(text.len()))?;
    (!label.is_empty()).then(|| label.to_vec())
}

/// Lets the programs look at this process, and tells them where its label is. What is lost, in words,
/// when there is a label that can't be found; nothing when no module gives one.
pub(super) fn find(ebpf: &mut Ebpf, offsets: &[u32; fields::COUNT]) -> Vec<String> {
    if let Err(error) = look_at_self(ebpf) {
        let lost = "subj=, and files of failed calls, which are looked up only below a known root";
        return vec![format!("{lost}: {error:#}")];
    }
    let known = |field: Field| offsets[field as usize] != fields::MISSING;
    let found = match own_label() {
        None => Ok(()),
        Some(own) if known(Field::CredSecurity) && known(Field::AaLabelHname) => place(ebpf, &own),
        Some(_) => Err(anyhow!("the module that gives it is not AppArmor")),
    };
    let lost = found.err().map(|error| format!("subj=: {error:#}"));
    lost.into_iter().collect()
}

/// In this process's own context; raw tracepoints can be run so since 5.10.
fn look_at_self(ebpf: &mut Ebpf) -> Result<()> {
    let program: &mut RawTracePoint = typed(ebpf, "look_at_self")?;
    program.load().context("load look_at_self")?;
    program
        .test_run(RawTracePointRunOptions::new())
        .context("run look_at_self")?;
    Ok(())
}

fn place(ebpf: &mut Ebpf, own: &[u8]) -> Result<()> {
    let found: Array<_, [u8; LABEL]> = Array::try_from(map_mut(ebpf, "LABELS_FOUND")?)?;
    // The first: behind this process's blob are those of others.
    let mut place = None;
    for n in 0..LABEL_CANDIDATES {
        let name = found.get(&n, 0)?;
        if place.is_none() && name.split(|b| *b == 0).next() == Some(own) {
            place = Some(n);
        }
    }
    let place = place.context("no place in cred.security says what this process's label is")?;
    let mut at: Array<_, u32> = Array::try_from(map_mut(ebpf, "LABEL_AT")?)?;
    at.set(0, place * 8 + 1, 0)?;
    Ok(())
}
