//! From the categories of alert rules to the calls that the programs must see for them, beyond the four
//! families. They never widen what is recorded: that is the policy's alone (`run/policy.rs`).

use std::collections::BTreeSet;

use auklet_rules::{Category, Interest, id};
use sensor_ebpf::filter::{ALTERNATIVES, CallFilter, Condition, holds, register};

use super::filter::NEVER_RETURN;
use crate::{
    enrich::observe,
    syscalls::{self, Abi},
};

/// PROT_EXEC of include/uapi/asm-generic/mman-common.h.
const PROT_EXEC: u32 = 4;

/// A call and what is wanted of it.
pub(super) type Wanted = (Abi, u32, CallFilter);

/// The calls that rules want, each with as little of it as they can use.
pub(super) fn calls(interest: &Interest) -> Vec<Wanted> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for category in &interest.categories {
        names.extend(observe::calls(*category));
    }
    if interest.names(id!("TrustedImage")) || interest.names(id!("TrustedAncestorImages")) {
        names.extend(["ptrace", "process_vm_writev"]);
    }
    let mut whole: BTreeSet<(Abi, u32)> = BTreeSet::new();
    if interest.audit.paths {
        let touching = [
            Category::FileEvent,
            Category::FileDelete,
            Category::FileAttribute,
        ];
        names.extend(touching.into_iter().flat_map(observe::calls));
        names.extend(["mkdir", "mkdirat"]);
    }
    for pinned in &interest.audit.calls {
        whole.extend(named(pinned));
    }
    for abi in Abi::BOTH {
        for name in &names {
            whole.extend(syscalls::number(abi, name).map(|nr| (abi, nr)));
        }
    }
    let families = sensor_ebpf::calls::CALLS;
    let mut wanted = Vec::new();
    for (abi, nr) in whole {
        let Some(name) = syscalls::layout(abi.arch(), nr) else {
            continue;
        };
        if NEVER_RETURN.contains(&name) {
            log::warn!("a rule asks for {name}, whose end no hook sees: it is silent");
            continue;
        }
        if !families.iter().any(|call| call.name == name) {
            let by_number = interest
                .audit
                .calls
                .iter()
                .any(|p| named(p).contains(&(abi, nr)));
            let filter = if by_number { all() } else { part(abi, name) };
            wanted.push((abi, nr, filter));
        }
    }
    wanted
}

/// What a rule of `service: auditd` calls a system call: its name, or its number in the native table.
fn named(pinned: &[u8]) -> Vec<(Abi, u32)> {
    let Ok(text) = std::str::from_utf8(pinned) else {
        return Vec::new();
    };
    if let Ok(nr) = text.parse() {
        return vec![(Abi::Native, nr)];
    }
    let both = Abi::BOTH.into_iter();
    both.filter_map(|abi| Some((abi, syscalls::number(abi, text)?)))
        .collect()
}

/// Whether a rule of `service: auditd` pins a call that opens files: then every open is wanted.
pub(super) fn all_opens(interest: &Interest) -> bool {
    let opens = |(abi, nr): &(Abi, u32)| {
        let name = syscalls::layout(abi.arch(), *nr);
        matches!(name, Some("open" | "openat" | "openat2" | "creat"))
    };
    let pinned = interest.audit.calls.iter();
    pinned
        .flat_map(|pinned| named(pinned))
        .any(|call| opens(&call))
}

/// Policy and rules together: what either wants is let through.
pub(super) fn merged(mut policy: Vec<Wanted>, rules: Vec<Wanted>) -> Vec<Wanted> {
    for (abi, nr, filter) in rules {
        match policy.iter_mut().find(|(a, n, _)| (*a, *n) == (abi, nr)) {
            Some((.., both)) => *both = either(&filter, both),
            None => policy.push((abi, nr, filter)),
        }
    }
    policy
}

/// The rules' alternatives before the policy's, as one of the latter may say never.
fn either(rules: &CallFilter, policy: &CallFilter) -> CallFilter {
    let (first, second) = (rules.count as usize, policy.count as usize);
    if rules.all | policy.all != 0 || first + second > ALTERNATIVES {
        return all();
    }
    let mut both = CallFilter {
        gate: Condition::ALWAYS,
        named: 0,
        ..*rules
    };
    both.alternatives[first..first + second].copy_from_slice(&policy.alternatives[..second]);
    both.count += policy.count;
    both
}

/// None of these calls.
pub(super) fn nothing() -> CallFilter {
    any_of(&[])
}

/// Every one of these calls.
fn all() -> CallFilter {
    CallFilter {
        all: 1,
        ..any_of(&[])
    }
}

/// What of a call an observation can come of.
fn part(abi: Abi, name: &str) -> CallFilter {
    let argument = |n: usize, holds: u32, value: u32| Condition {
        register: u32::try_from(register::A0 + n).unwrap_or(0),
        holds,
        value,
    };
    match name {
        // The old mmap of the 32-bit table has its arguments in memory.
        "mmap" if abi == Abi::Compat => any_of(&[]),
        _ if observe::PROTECTS.contains(&name) => any_of(&[argument(2, holds::ANY_BIT, PROT_EXEC)]),
        "ptrace" => {
            let requests = observe::PTRACE_REQUESTS;
            any_of(&requests.map(|(nr, _)| argument(0, holds::EQUAL, nr)))
        }
        "socketcall" => {
            let calls = observe::SOCKETCALLS;
            any_of(&calls.map(|nr| argument(0, holds::EQUAL, nr)))
        }
        _ => all(),
    }
}

/// One of the comparisons holds.
fn any_of(conditions: &[Condition]) -> CallFilter {
    let mut filter = CallFilter::NOTHING;
    for (place, condition) in filter.alternatives.iter_mut().zip(conditions) {
        place.conditions[0] = *condition;
        filter.count += 1;
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(categories: &[Category]) -> Interest {
        Interest {
            categories: categories.iter().copied().collect(),
            ..Interest::default()
        }
    }

    fn names(wanted: &[Wanted], abi: Abi) -> BTreeSet<&'static str> {
        let of = wanted.iter().filter(|(a, ..)| *a == abi);
        of.filter_map(|(abi, nr, _)| syscalls::name(abi.arch(), *nr))
            .collect()
    }

    #[test]
    fn categories_want_their_calls_alone() {
        assert!(
            calls(&interest(&[
                Category::ProcessCreation,
                Category::FileAccess
            ]))
            .is_empty()
        );
        let network = calls(&interest(&[Category::NetworkConnection]));
        let expect = BTreeSet::from(["accept", "accept4", "connect"]);
        assert_eq!(names(&network, Abi::Native), expect);
        let expect = BTreeSet::from(["accept4", "connect", "socketcall"]);
        assert_eq!(names(&network, Abi::Compat), expect);
        let files = calls(&interest(&[Category::FileEvent]));
        assert!(names(&files, Abi::Native).contains("renameat2"));
        assert!(!names(&files, Abi::Native).contains("unlink"));
    }

    #[test]
    fn rules_of_auditd_want_the_calls_that_they_name() {
        let mut asked = interest(&[Category::Auditd]);
        asked.audit.calls = [&b"135"[..], b"splice", b"execve", b"nonsense"]
            .map(<[u8]>::to_vec)
            .into();
        let wanted = calls(&asked);
        let expect = BTreeSet::from(["personality", "splice"]);
        assert_eq!(names(&wanted, Abi::Native), expect);
        assert!(wanted.iter().all(|(.., filter)| filter.all == 1));
        assert!(!all_opens(&asked));
        asked.audit.calls.insert(b"257".to_vec());
        assert!(all_opens(&asked));
    }

    #[test]
    fn what_a_policy_never_wants_rules_may() {
        let nr = syscalls::number(Abi::Native, "mprotect").expect("a call");
        let wanted = calls(&interest(&[Category::Memory]));
        let rules = wanted.iter().find(|w| (w.0, w.1) == (Abi::Native, nr));
        let rules = rules.expect("wanted").2;
        assert_eq!((rules.count, rules.all), (1, 0));
        let mut never = any_of(&[Condition::ALWAYS]);
        never.alternatives[0].never = 1;
        let both = merged(
            vec![(Abi::Native, nr, never)],
            vec![(Abi::Native, nr, rules)],
        );
        let (.., both) = both[0];
        assert_eq!(both.count, 2);
        assert_eq!(both.alternatives[0], rules.alternatives[0]);
        assert_eq!(both.alternatives[1].never, 1);
        let mut full = never;
        full.count = 8;
        assert_eq!(either(&rules, &full).all, 1);
        assert_eq!(merged(Vec::new(), wanted.clone()), wanted);
    }
}
