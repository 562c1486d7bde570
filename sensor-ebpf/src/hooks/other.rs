//! Calls beyond the four families: what their shapes ask for when they begin and end.

use sensor_ebpf::{
    calls::other::{self, place},
    config::OPEN_FDS,
    fields::Field,
    wire::{CapFacts, flag, kind, tag},
};

use crate::{
    call::{only_tracepoints, put_user_name},
    file::{behind, put_descriptor},
    hooks::address,
    kernel::{Ptr, current, load_user},
    path::put_path,
    policy,
    slot::Slot,
};

/// BPF_PROG_LOAD of include/uapi/linux/bpf.h.
const PROG_LOAD: u64 = 5;

/// The result of a pipe whose caller can't be written to.
const EFAULT: i64 = -14;
/// Where pipe and pipe2, alone, put their descriptors.
const PIPE: u32 = 1;

/// `Slot::marks`: the kernel logs something of the call itself, and with that the call, whatever the
/// rules say.
pub(crate) const FORCED: u64 = 1 << 33;

/// Marks the call so. Calls of the four families are asked for otherwise.
#[inline(always)]
pub(crate) fn force(slot: &mut Slot) {
    if slot.prefix.header.kind == kind::OTHER {
        slot.marks |= FORCED;
    }
}

/// `Slot::saved` under the tracepoint plan: the second name was read when the call began.
const SECOND_READ: usize = 1;

/// The argument at a place of the shape; 0 if there is none.
#[inline(always)]
pub(crate) fn argument(slot: &Slot, shape: u32, bit: u32) -> u64 {
    let args = &slot.prefix.call.args;
    match place(shape, bit) {
        1 => args[0],
        2 => args[1],
        3 => args[2],
        4 => args[3],
        5 => args[4],
        _ => 0,
    }
}

/// The call begins.
#[inline(always)]
pub(crate) fn entered(slot: &mut Slot, shape: u32) {
    slot.marks = shape.into();
    if place(shape, other::FILE) != 0 {
        let fd = argument(slot, shape, other::FILE) as u32;
        put_descriptor(slot, fd);
    }
    if shape & other::CWD_FIRST != 0 {
        let pwd = current().follow(Field::TaskFs).at(Field::FsPwd);
        put_path(slot, tag::CWD, pwd);
    }
    slot.late_name = argument(slot, shape, other::NAME);
    if only_tracepoints() {
        if slot.late_name != 0 {
            put_bases(slot, shape);
            put_user_name(slot);
            put_second_name(slot, shape);
        }
        address::entered(slot, shape);
    }
}

/// BASE and SECOND_BASE. Calls that have something else than a descriptor in that place have a base
/// that nobody asks for.
#[inline(always)]
fn put_bases(slot: &mut Slot, shape: u32) {
    let args = slot.prefix.call.args;
    match place(shape, other::NAME) {
        2 => put_start(slot, tag::BASE, args[0] as u32),
        5 => put_start(slot, tag::BASE, args[3] as u32),
        _ => {}
    }
    match place(shape, other::SECOND) {
        4 => put_start(slot, tag::SECOND_BASE, args[2] as u32),
        3 => put_start(slot, tag::SECOND_BASE, args[1] as u32),
        _ => {}
    }
}

/// Where a relative name starts, if that is a descriptor.
#[inline(always)]
fn put_start(slot: &mut Slot, tag: u16, fd: u32) {
    let file = behind(fd);
    if !file.is_null() {
        put_path(slot, tag, file.at(Field::FilePath));
    }
}

#[inline(always)]
fn put_second_name(slot: &mut Slot, shape: u32) {
    let second = argument(slot, shape, other::SECOND);
    if second == 0 || (only_tracepoints() && slot.saved[SECOND_READ] != 0) {
        return;
    }
    if let Some(start) = slot.begin_early() {
        if slot.push_user_str::<4096>(second) == 0 {
            slot.cancel(start);
        } else {
            slot.end(start, tag::SECOND_NAME, flag::FROM_USER);
            slot.saved[SECOND_READ] = 1;
        }
    }
}

/// The call ends.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot) -> bool {
    let shape = slot.marks as u32;
    // A return probe that the kernel skipped: what the function did is not in the event.
    if slot.saved[0] != 0 {
        slot.mark(flag::READ_FAILED);
    }
    put_second_name(slot, shape);
    if only_tracepoints() {
        address::finish(slot, shape);
    }
    if shape & other::ARGUMENTS != 0
        && let Some(start) = slot.begin()
    {
        // Six at most, of which the call's number says how many count.
        let from = slot.prefix.call.args[1];
        slot.push_user_bytes::<64>(from, 6 * size_of::<u64>() as u64);
        slot.end(start, tag::SOCKETCALL, flag::FROM_USER);
    }
    let ret = slot.prefix.call.ret;
    if ret == EFAULT && place(shape, other::PAIR) == PIPE {
        put_open_fds(slot);
    }
    if ret >= 0 {
        put_pair(slot, shape);
        if shape & other::BPF != 0 && slot.prefix.call.args[0] == PROG_LOAD {
            put_program(slot, ret as u32);
            slot.marks |= FORCED;
        }
        if shape & other::CAPS != 0 {
            slot.put(tag::CAPS, 0, &caps());
        }
    }
    slot.marks & FORCED != 0 || !policy::decides(kind::OTHER) || policy::admits_end(slot)
}

#[inline(always)]
fn put_pair(slot: &mut Slot, shape: u32) {
    if place(shape, other::PAIR) != 0 {
        let pair: u64 = load_user(argument(slot, shape, other::PAIR));
        slot.put(tag::FD_PAIR, flag::FROM_USER, &pair);
    }
}

/// pipe, pipe2 that could not write to their caller: audit has the descriptors that it would have got, the
/// lowest that were free (do_pipe2 of fs/pipe.c), which they are again by now.
#[inline(always)]
fn put_open_fds(slot: &mut Slot) {
    let table = current().follow(Field::TaskFiles).follow(Field::FilesFdt);
    let bytes = u64::from(table.read::<u32>(Field::FdtableMaxFds)) / 8;
    if let Some(start) = slot.begin() {
        let open = table.follow(Field::FdtableOpenFds);
        slot.push_kernel_bytes::<OPEN_FDS>(open, bytes);
        slot.end(start, tag::OPEN_FDS, 0);
    }
}

#[inline(always)]
fn put_program(slot: &mut Slot, fd: u32) {
    let file = behind(fd);
    if !file.is_null() {
        let aux = file
            .follow(Field::FilePrivateData)
            .follow(Field::BpfProgAux);
        let id: u32 = aux.read(Field::BpfProgAuxId);
        slot.put(tag::BPF_PROG, 0, &id);
    }
}

/// The caller's capabilities. The sets lie in a row: inheritable, permitted, effective, bounding,
/// ambient (include/linux/cred.h).
#[inline(always)]
pub(crate) fn caps() -> CapFacts {
    let cred: Ptr = current().follow(Field::TaskCred);
    let sets = cred.at(Field::CredCaps);
    CapFacts {
        inheritable: sets.load(),
        permitted: sets.add(8).load(),
        effective: sets.add(16).load(),
        ambient: cred.read(Field::CredCapAmbient),
    }
}
