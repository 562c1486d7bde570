//! `--audit-rules`: the policy of what is recorded, as the loop of a running sensor needs it.

use std::path::Path;

use anyhow::Result;
use sensor_ebpf::{calls::CALLS, wire::kind};

use crate::{
    event::Event,
    kernel::Kernel,
    policy::{self, Policy, Verdict},
    syscalls::{self, Abi},
};

/// Calls that give a watched name another file.
const CHANGE_NAMES: [&str; 10] = [
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
];

/// Reads a file or a directory of audit rules; what it does not take is an error, what it takes
/// otherwise than auditctl is said.
pub(super) fn load(path: &Path) -> Result<Policy> {
    let version = Kernel::running().version;
    let policy = Policy::load(path, &policy::System, version)?;
    for note in policy.notes() {
        log::warn!("{note}");
    }
    Ok(policy)
}

/// The calls that the programs must see for it.
pub(super) fn calls(policy: &Policy) -> Vec<(Abi, u32)> {
    let wanted = policy.wanted();
    let asked = |abi: Abi, nr: u32| {
        let mut rules = wanted.rules.iter().filter(|rule| !rule.never);
        rules.any(|rule| match abi {
            Abi::Native => rule.native.contains(nr),
            Abi::Compat => rule.compat.contains(nr),
        })
    };
    let watches = wanted.rules.iter().any(|rule| rule.place.is_some());
    let of = |abi| {
        syscalls::all(abi)
            .filter(move |(_, name)| !NEVER_RETURN.contains(name))
            .filter(|(nr, name)| asked(abi, *nr) || (watches && CHANGE_NAMES.contains(name)))
            .map(move |(nr, _)| (abi, nr))
            .collect::<Vec<_>>()
    };
    Abi::BOTH.into_iter().flat_map(of).collect()
}

/// Whether a rule asks for opens: the programs then tell of every one.
pub(super) fn asks_for_opens(policy: &Policy) -> bool {
    let is_open = |name: &str| {
        let mut known = CALLS.iter().filter(|call| call.kind == kind::OPEN);
        known.any(|call| call.name == name)
    };
    calls(policy)
        .iter()
        .filter_map(|(abi, nr)| syscalls::layout(abi.arch(), *nr))
        .any(is_open)
}

/// Calls whose end no hook sees.
const NEVER_RETURN: [&str; 4] = ["exit", "exit_group", "rt_sigreturn", "sigreturn"];

/// Decides about an event, and lets watches follow their files.
pub(super) fn decide(policy: Option<&mut Policy>, event: &mut Event) -> Verdict {
    let Some(policy) = policy else {
        return Verdict {
            record: true,
            ..Verdict::default()
        };
    };
    for item in &mut event.paths {
        item.file = item.file.filter(|file| !policy.ignores(file));
    }
    let verdict = policy.decide(event);
    event.key.clone_from(&verdict.key);
    policy.follow(event);
    verdict
}
