//! Hooks that nothing needs are not attached: they would cost every call of theirs.

use sensor_ebpf::{
    calls::{CALLS, Call},
    wire::kind,
};

use super::sensor::Settings;
use crate::syscalls;

/// Calls of the four families of which nothing wants any: neither the policy nor rules, those that a reload can
/// bring included. Execs and modules are always wanted.
pub(super) fn unwanted(settings: &Settings) -> Vec<&'static str> {
    let by_policy = |call: &Call| {
        let is = |(abi, nr, _): &(_, u32, _)| {
            syscalls::layout(syscalls::Abi::arch(*abi), *nr) == Some(call.name)
        };
        settings.filters.iter().any(is)
    };
    let unwanted = CALLS.iter().filter(|call| match call.kind {
        kind::OPEN => settings.opens == 0 && !by_policy(call),
        kind::UTIME => !settings.times && !by_policy(call),
        _ => false,
    });
    unwanted.map(|call| call.name).collect()
}
