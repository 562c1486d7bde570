//! From a policy to what the programs see and let through: the calls that rules name, and for each the
//! comparisons that they can make. Sound: what [`Policy::decide`] records always comes through.

use std::collections::BTreeSet;

use sensor_ebpf::{
    config::OPERATIONS,
    filter::{ALTERNATIVES, Alternative, CONDITIONS, CallFilter, Condition, holds, register},
};

use crate::{
    policy::{self, Op, Place, Policy, Register, WantedRule},
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

/// More watches than that do not fit into `WATCHED_NAMES` beside the names of alert rules.
const MOST_NAMES: usize = 512;

/// Inside which operations of io_uring end.
const ENTER: &str = "io_uring_enter";

/// Calls whose end no hook sees.
pub(super) const NEVER_RETURN: [&str; 4] = ["exit", "exit_group", "rt_sigreturn", "sigreturn"];

/// Of which the kernel logs more than the call, whatever the rules say: BPF.
const LOGGED: &str = "bpf";

/// What is wanted of each call; without `narrow`, all of them.
pub(super) fn filters(policy: &Policy, narrow: bool) -> Vec<(Abi, u32, CallFilter)> {
    let wanted = policy.wanted();
    let operations = wanted
        .uring
        .iter()
        .any(|rule| !rule.never && !rule.every_call);
    let watches = wanted.rules.iter().any(|rule| rule.place.is_some());
    let mut filters = Vec::new();
    for abi in Abi::BOTH {
        let calls = syscalls::all(abi).filter(|(_, name)| !NEVER_RETURN.contains(name));
        for (nr, name) in calls {
            let has = |rule: &&WantedRule| match abi {
                Abi::Native => rule.native.contains(nr),
                Abi::Compat => rule.compat.contains(nr),
            };
            let rules: Vec<&WantedRule> = wanted.rules.iter().filter(has).collect();
            let follow = watches && CHANGE_NAMES.contains(&name);
            let asked = rules.iter().any(|rule| !rule.never);
            let inside = name == ENTER && operations;
            if asked || follow || inside || (name == LOGGED && wanted.logged_calls) {
                let mut filter = filter(&rules, flags_of(name));
                filter.all |= u32::from(follow || !narrow);
                filter.named = u32::from(narrow && opens(name) && all_named(&rules));
                filters.push((abi, nr, filter));
            }
        }
    }
    filters
}

/// What is wanted of each operation of io_uring; without `narrow`, all of those that are.
pub(super) fn operations(policy: &Policy, narrow: bool) -> Vec<(u32, CallFilter)> {
    let wanted = policy.wanted();
    let of = |op: u32| {
        let has = |rule: &&WantedRule| rule.every_call || rule.native.contains(op);
        let rules: Vec<&WantedRule> = wanted.uring.iter().filter(has).collect();
        let mut filter = filter(&rules, None);
        filter.all |= u32::from(!narrow);
        let asked = rules.iter().any(|rule| !rule.never);
        asked.then_some((op, filter))
    };
    (0..OPERATIONS).filter_map(of).collect()
}

/// The argument that has the flags of a call that opens, as `audit_match_perm` of kernel/auditsc.c has it.
fn flags_of(name: &str) -> Option<usize> {
    match name {
        "open" => Some(1),
        "openat" => Some(2),
        _ => None,
    }
}

fn opens(name: &str) -> bool {
    matches!(name, "open" | "openat" | "openat2" | "creat")
}

/// O_WRONLY, O_RDWR or 3, which is both: `ACC_MODE` of fs/internal.h.
fn opens_to_write(argument: usize) -> Condition {
    Condition {
        register: u32::try_from(register::A0 + argument).unwrap_or(0),
        holds: holds::ANY_BIT,
        value: 3,
    }
}

/// The rules of one call, in order. One that needs user space can only let through. `flags`: the argument that
/// says how the call opens.
fn filter(rules: &[&WantedRule], flags: Option<usize>) -> CallFilter {
    let mut filter = CallFilter::NOTHING;
    let mut alternatives: Vec<Alternative> = Vec::new();
    for rule in rules.iter().filter(|rule| !rule.never || is_whole(rule)) {
        let alternative = alternative(rule, flags);
        // A second one of the same kind decides nothing.
        if !alternatives.contains(&alternative) {
            alternatives.push(alternative);
        }
    }
    if alternatives.len() > ALTERNATIVES {
        filter.all = 1;
        return filter;
    }
    for (place, alternative) in filter.alternatives.iter_mut().zip(&alternatives) {
        *place = *alternative;
        filter.count += 1;
    }
    if let Some(writes) = flags.map(opens_to_write) {
        let mut always = alternatives.iter().filter(|a| a.never == 0);
        if always.all(|alternative| alternative.conditions.contains(&writes)) {
            filter.gate = writes;
        }
    }
    filter
}

/// The names of the files that rules watch, by which the programs tell opens that no rule wants.
pub(super) fn names(policy: &Policy) -> Vec<Vec<u8>> {
    let wanted = policy.wanted();
    let places = wanted.rules.iter().filter_map(|rule| rule.place.as_ref());
    let names: BTreeSet<&[u8]> = places.filter(|p| is_named(p)).map(Place::name).collect();
    names.into_iter().map(<[u8]>::to_vec).collect()
}

/// Whether every rule that records watches one file, which its name tells.
fn all_named(rules: &[&WantedRule]) -> bool {
    let mut places = rules
        .iter()
        .filter(|rule| !rule.never)
        .map(|rule| &rule.place);
    rules.len() <= MOST_NAMES && places.all(|place| place.as_ref().is_some_and(is_named))
}

/// A place that opens can only touch under its own name, in its own directory, or by another link. A missing
/// one is no place at all.
fn is_named(place: &Place) -> bool {
    !place.tree && place.has_parent() && !place.name().is_empty()
}

/// Whether the programs can tell for sure that a rule matches.
fn is_whole(rule: &WantedRule) -> bool {
    !rule.needs_user_space && rule.conditions.len() <= CONDITIONS
}

fn alternative(rule: &WantedRule, flags: Option<usize>) -> Alternative {
    let mut conditions = [Condition::ALWAYS; CONDITIONS];
    for (place, condition) in conditions.iter_mut().zip(&rule.conditions) {
        *place = condition_of(condition);
    }
    let to_write = flags.filter(|_| rule.for_writing).map(opens_to_write);
    if let (Some(writes), Some(place)) = (to_write, conditions.get_mut(rule.conditions.len())) {
        *place = writes;
    }
    Alternative {
        conditions,
        never: rule.never.into(),
    }
}

fn condition_of(condition: &policy::Condition) -> Condition {
    let holds = match condition.op {
        Op::Equal => holds::EQUAL,
        Op::NotEqual => holds::LESS | holds::GREATER,
        Op::Less => holds::LESS,
        Op::LessOrEqual => holds::LESS | holds::EQUAL,
        Op::Greater => holds::GREATER,
        Op::GreaterOrEqual => holds::GREATER | holds::EQUAL,
        Op::AnyBit => holds::ANY_BIT,
        Op::AllBits => holds::ALL_BITS,
    };
    let register = match condition.register {
        Register::A0 => register::A0,
        Register::A1 => register::A0 + 1,
        Register::A2 => register::A0 + 2,
        Register::A3 => register::A0 + 3,
        Register::Exit => register::EXIT,
        Register::Result => register::RESULT,
        Register::Personality => register::PERSONALITY,
        Register::Pid => register::PID,
        Register::Ppid => register::PPID,
        Register::Uid => register::CRED,
        Register::Gid => register::CRED + 1,
        Register::Suid => register::CRED + 2,
        Register::Sgid => register::CRED + 3,
        Register::Euid => register::CRED + 4,
        Register::Egid => register::CRED + 5,
        Register::Fsuid => register::CRED + 6,
        Register::Fsgid => register::CRED + 7,
        Register::Auid => register::AUID,
        Register::AuidSet => register::AUID_SET,
        Register::SessionId => register::SESSION_ID,
    };
    Condition {
        register: u32::try_from(register).unwrap_or(0),
        holds,
        value: condition.value,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sensor_ebpf::filter::compare;

    use super::*;

    fn policy(text: &str) -> Policy {
        let loaded = Policy::parse(Path::new("t"), text.as_bytes(), &policy::System, (6, 12));
        loaded.expect("rules")
    }

    fn of(text: &str, name: &str) -> CallFilter {
        let nr = syscalls::number(Abi::Native, name).expect("a call");
        let all = filters(&policy(text), true);
        let found = all
            .iter()
            .find(|(abi, n, _)| *abi == Abi::Native && *n == nr);
        found.expect("wanted").2
    }

    #[test]
    fn comparisons_are_the_kernels() {
        for op in [
            Op::Equal,
            Op::NotEqual,
            Op::Less,
            Op::LessOrEqual,
            Op::Greater,
            Op::GreaterOrEqual,
            Op::AnyBit,
            Op::AllBits,
        ] {
            for (left, value) in [
                (0, 0),
                (1, 0),
                (0, 1),
                (6, 2),
                (6, 9),
                (u32::MAX, 5),
                (5, u32::MAX),
            ] {
                let condition = condition_of(&policy::Condition {
                    register: Register::A0,
                    op,
                    value,
                });
                let expect = u32::from(op.compare(left, value));
                assert_eq!(
                    compare(left, condition.holds, value),
                    expect,
                    "{left} {op:?} {value}"
                );
            }
        }
    }

    #[test]
    fn rules_become_alternatives_in_order() {
        let rules = "-a never,exit -F arch=b64 -S chmod -F auid=unset\n\
                     -a always,exit -F arch=b64 -S chmod -F auid>=1000 -F exit=-EACCES\n";
        let filter = of(rules, "chmod");
        assert_eq!((filter.count, filter.all), (2, 0));
        assert_eq!(filter.alternatives[0].never, 1);
        assert_eq!(filter.alternatives[1].never, 0);
    }

    #[test]
    fn watches_are_gates_for_opens() {
        let writes = opens_to_write(2);
        let watch = "-w /etc/passwd -p wa\n-w /etc/group -p w\n";
        let filter = of(watch, "openat");
        assert_eq!((filter.count, filter.all, filter.named), (1, 0, 1));
        assert_eq!(filter.gate, writes);
        assert_eq!(
            names(&policy(watch)),
            [b"group".to_vec(), b"passwd".to_vec()]
        );
        // One that reads, one without a file: neither flags nor names tell.
        let filter = of(&format!("{watch}-w /etc/shadow -p r\n"), "openat");
        assert_eq!((filter.gate, filter.named), (Condition::ALWAYS, 1));
        let filter = of(
            &format!("{watch}-a always,exit -F arch=b64 -S openat\n"),
            "openat",
        );
        assert_eq!((filter.gate, filter.named), (Condition::ALWAYS, 0));
        let filter = of("-w /etc -p wa\n", "openat");
        assert_eq!((filter.gate, filter.named), (writes, 0));
        // The flags of openat2 are in memory.
        assert_eq!(of(watch, "openat2").gate, Condition::ALWAYS);
    }

    #[test]
    fn what_cannot_be_told_lets_through() {
        // A never rule that needs a path decides nothing; equal rules count once.
        let rules = "-a never,exit -F arch=b64 -S chmod -F path=/etc/passwd\n\
                     -a always,exit -F arch=b64 -S chmod -F path=/etc/shadow\n\
                     -a always,exit -F arch=b64 -S chmod -F path=/etc/group\n";
        assert_eq!(of(rules, "chmod").count, 1);
        let many: String = (0..9)
            .map(|n| format!("-a always,exit -F arch=b64 -S chmod -F uid={n}\n"))
            .collect();
        assert_eq!(of(&many, "chmod").all, 1);
        // Watches follow their names.
        assert_eq!(of("-w /etc/passwd -p x\n", "rename").all, 1);
    }
}
