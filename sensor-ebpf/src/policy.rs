//! The policy's filter: see [`sensor_ebpf::filter`].

use core::arch::asm;

use aya_ebpf::{macros::map, maps::Array};
use sensor_ebpf::{
    config::{CALL_TABLE, OPERATIONS, policy as settings, setting},
    fields::Field,
    filter::{ALTERNATIVES, Alternative, CallFilter, REGISTERS, compare, register},
    wire::{Task, kind},
};

use crate::{
    arch,
    kernel::{config, current},
    slot::{self, Slot},
    task,
};

/// By number, like `WANTED_CALLS`; then for operations of io_uring.
#[map]
static CALL_FILTERS: Array<CallFilter> = Array::with_max_entries(2 * CALL_TABLE + OPERATIONS, 0);

/// `Syscall::arch` of an operation of io_uring.
pub(crate) const NO_ARCH: u32 = 0;

/// Whether calls of this kind are asked about.
#[inline(always)]
pub(crate) fn decides(kind: u16) -> bool {
    match kind {
        kind::OPEN => config(setting::POLICY) >= settings::ALL,
        kind::UTIME => config(setting::POLICY) >= settings::TIMES,
        kind::OTHER => config(setting::POLICY) != settings::NONE,
        _ => false,
    }
}

/// Whether the policy wants any native call of this number; of opens, any with these flags.
#[inline(always)]
pub(crate) fn passes_gate(nr: u32, flags: u32) -> bool {
    let index = arch::table_index(nr);
    if index >= CALL_TABLE {
        return true;
    }
    CALL_FILTERS.get(index).is_none_or(|filter| {
        let gate = &filter.gate;
        let open = || compare(flags, gate.holds, gate.value) != 0;
        filter.all != 0 || (filter.count != 0 && open())
    })
}

/// Whether the policy wants the call of a slot for the names that it watches alone.
#[inline(always)]
pub(crate) fn by_name(slot: &Slot) -> bool {
    let call = &slot.prefix.call;
    let row = if call.arch == arch::ARCHES[0] {
        0
    } else {
        CALL_TABLE
    };
    let index = arch::table_index(call.nr);
    index < CALL_TABLE && CALL_FILTERS.get(row + index).is_some_and(|f| f.named != 0)
}

/// Whether the policy could want the call that begins, of which its arguments and the caller are known.
#[inline(always)]
pub(crate) fn admits_begin(slot: &mut Slot) -> bool {
    let args = slot.prefix.call.args;
    for (n, arg) in args.iter().take(4).enumerate() {
        slot.registers[register::A0 + n] = *arg as u32;
    }
    let task = current();
    let auid: u32 = task.read(Field::TaskLoginuid);
    slot.registers[register::PID] = task.read(Field::TaskTgid);
    slot.registers[register::AUID] = auid;
    slot.registers[register::AUID_SET] = u32::from(auid != u32::MAX);
    slot.registers[register::SESSION_ID] = task.read(Field::TaskSessionid);
    decide(slot, register::LATE as u32)
}

/// Whether the policy could want the call that ends.
#[inline(always)]
pub(crate) fn admits_end(slot: &mut Slot) -> bool {
    task::fill(&mut slot.prefix.task, current());
    let Task {
        ppid,
        personality,
        cred,
        auid,
        ses,
        ..
    } = slot.prefix.task;
    slot.registers[register::AUID] = auid;
    slot.registers[register::AUID_SET] = u32::from(auid != u32::MAX);
    slot.registers[register::SESSION_ID] = ses;
    slot.registers[register::PPID] = ppid;
    slot.registers[register::PERSONALITY] = personality;
    for (n, id) in cred.iter().enumerate() {
        slot.registers[register::CRED + n] = *id;
    }
    let ret = slot.prefix.call.ret;
    let failed = (-4095..0).contains(&ret);
    slot.registers[register::EXIT] = shown(ret) as u32;
    slot.registers[register::RESULT] = 1 + u32::from(failed);
    decide(slot, REGISTERS as u32)
}

/// audit_return_fixup: a call that a signal interrupted has EINTR.
#[inline(always)]
fn shown(ret: i64) -> i64 {
    match ret {
        -512 | -513 | -514 | -516 => -4,
        other => other,
    }
}

/// The first rule that matches decides. Registers from `known` on are not known: an always rule then may
/// match, a never rule does not.
#[inline(always)]
fn decide(slot: &mut Slot, known: u32) -> bool {
    let call = &slot.prefix.call;
    let (row, rows) = if call.arch == arch::ARCHES[0] {
        (0, CALL_TABLE)
    } else if call.arch == NO_ARCH {
        (2 * CALL_TABLE, OPERATIONS)
    } else {
        (CALL_TABLE, CALL_TABLE)
    };
    let index = arch::table_index(call.nr);
    if index >= rows {
        return true;
    }
    let Some(filter) = CALL_FILTERS.get(row + index) else {
        return true;
    };
    if filter.all != 0 {
        return true;
    }
    slot.filter = row + index;
    for n in 0..ALTERNATIVES as u32 {
        if n >= filter.count {
            return false;
        }
        match slot::lend(slot, |slot| matches_alternative(slot, n, known)) {
            NO_MATCH => {}
            verdict => return verdict == WANTED,
        }
    }
    false
}

/// What [`matches_alternative`] gives.
const NO_MATCH: u32 = 0;
const WANTED: u32 = 1;
const NOT_WANTED: u32 = 2;

/// What alternative `n` of the filter at `Slot::filter` says. A global function: the verifier follows it once
/// for each program (docs/adr/0008).
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn matches_alternative(slot: u32, n: u32, known: u32) -> u32 {
    match slot::numbered(slot) {
        Some(slot) => verdict(slot, n, known),
        None => WANTED,
    }
}

#[inline(always)]
fn verdict(slot: &Slot, n: u32, known: u32) -> u32 {
    let Some(filter) = CALL_FILTERS.get(slot.filter) else {
        return WANTED;
    };
    let mut n = u64::from(n);
    // SAFETY: pure arithmetic on one register; in assembly as in `slot::clamp`.
    unsafe { asm!("{n} &= {mask}", n = inout(reg) n, mask = const ALTERNATIVES - 1) };
    // SAFETY: below ALTERNATIVES by the mask.
    let alternative = unsafe {
        &*(&raw const filter.alternatives)
            .cast::<Alternative>()
            .add(n as usize)
    };
    let never = alternative.never & 1;
    let mut matches = 1;
    for condition in &alternative.conditions {
        let left = slot.register(condition.register);
        let compared = compare(left, condition.holds, condition.value);
        let late =
            ((u64::from(known).wrapping_sub(1 + u64::from(condition.register))) >> 63) as u32;
        matches &= compared & (1 ^ late) | late & (1 ^ never);
    }
    match (matches, never) {
        (0, _) => NO_MATCH,
        (_, 0) => WANTED,
        _ => NOT_WANTED,
    }
}
