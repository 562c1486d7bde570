//! The frame of every system call hook: what is done when a wanted call begins and ends.

use aya_ebpf::{helpers::bpf_get_current_pid_tgid, macros::map, maps::Array};
use sensor_ebpf::{
    calls::{name_argument, of_table, other},
    config::{CALL_TABLE, plan, setting},
    fields::Field,
    loss::cause,
    wire::{Syscall, flag, kind, tag},
};

use crate::{
    arch,
    file::behind,
    hooks,
    kernel::{Ptr, config, current},
    output,
    own::has_our_root,
    path::put_path,
    policy,
    slot::{self, Slot},
    subject::put_subject,
    task,
};

/// Bytes of the command line that auditd prints: MAX_PROCTITLE_AUDIT_LEN of kernel/auditsc.c.
const PROCTITLE: usize = 128;

/// The result of a call whose name the kernel could not read either.
const EFAULT: i64 = -14;

/// System call number (native table, then the 32-bit one) → kind and shape; 0: not wanted.
#[map]
static WANTED_CALLS: Array<u32> = Array::with_max_entries(2 * CALL_TABLE, 0);

/// Whether the caller is the sensor.
#[inline(always)]
pub(crate) fn is_self() -> bool {
    (bpf_get_current_pid_tgid() >> 32) as u32 == config(setting::SELF_TGID)
}

/// Whether this attach plan has no hooks on kernel objects.
#[inline(always)]
pub(crate) fn only_tracepoints() -> bool {
    config(setting::PLAN) == plan::TRACEPOINT
}

/// A call begins; kind and shape come from the table.
#[inline(always)]
pub(crate) fn enter_by_table(pt_regs: Ptr, nr: u32) {
    let index = arch::table_index(nr);
    if index >= CALL_TABLE {
        return;
    }
    let Some(wanted) = WANTED_CALLS.get(arch::abi() as u32 * CALL_TABLE + index) else {
        return;
    };
    let (kind, shape) = of_table(*wanted);
    if kind != 0 {
        enter(kind, shape, pt_regs);
    }
}

/// A call of a known kind begins.
#[inline(always)]
pub(crate) fn enter(kind: u16, shape: u32, pt_regs: Ptr) {
    begin(kind, shape, pt_regs, policy::decides(kind));
}

/// First look at a native open, at its flags and its number alone, before anything is taken for it: false
/// for one that nothing can want.
#[inline(always)]
pub(crate) fn may_want_open(flags: u64, nr: u32) -> bool {
    let wanted = hooks::open::by_flags(flags).is_some()
        || (policy::decides(kind::OPEN) && policy::passes_gate(nr, flags as u32));
    if !wanted {
        forget_last(kind::OPEN);
    }
    wanted
}

/// The same for a native change of times, which has no flags.
#[inline(always)]
pub(crate) fn may_want_times(nr: u32) -> bool {
    let wanted = !policy::decides(kind::UTIME) || policy::passes_gate(nr, 0);
    if !wanted {
        forget_last(kind::UTIME);
    }
    wanted
}

/// A call that is told whatever the policy says.
#[inline(always)]
pub(crate) fn enter_forced(pt_regs: Ptr) {
    begin(kind::OTHER, 0, pt_regs, false);
}

#[inline(always)]
fn begin(kind: u16, shape: u32, pt_regs: Ptr, by_policy: bool) {
    if is_self() {
        return;
    }
    let abi = arch::abi();
    let args = [
        arch::arg(pt_regs, abi, 0),
        arch::arg(pt_regs, abi, 1),
        arch::arg(pt_regs, abi, 2),
        arch::arg(pt_regs, abi, 3),
        arch::arg(pt_regs, abi, 4),
        arch::arg(pt_regs, abi, 5),
    ];
    let marks = match kind {
        kind::OPEN => match hooks::open::judge(shape, &args) {
            Some(marks) => marks,
            None if by_policy => hooks::open::DROPPED,
            None => {
                forget_last(kind);
                return;
            }
        },
        kind::EXEC => shape.into(),
        _ => 0,
    };
    let Some(slot) = slot::take(kind) else { return };
    slot.marks = marks;
    slot.prefix.header.kind = kind;
    slot.prefix.header.ktime_ns = output::now();
    slot.prefix.call = Syscall {
        nr: arch::nr(pt_regs),
        arch: arch::ARCHES[abi & 1],
        args,
        ret: 0,
    };
    if by_policy && !begins_by_policy(slot, shape) {
        slot::give_back();
        return;
    }
    if kind == kind::EXEC {
        slot.old_caps = hooks::other::caps();
    }
    match kind {
        kind::MODULE => hooks::module::entered(slot, shape),
        kind::UTIME => hooks::utime::entered(slot, shape),
        kind::OTHER => hooks::other::entered(slot, shape),
        _ if only_tracepoints() => {
            slot.late_name = name_address(slot, shape);
            put_user_name(slot);
            put_base(slot, shape);
        }
        // For a call that fails before the kernel's copy of its name is seen.
        _ => slot.late_name = name_address(slot, shape),
    }
}

/// An operation of io_uring begins that is no part of a call: in a worker, in the ring's own thread, before
/// the caller returns to its program. `by_rules`: rules may want what it opens.
#[inline(always)]
pub(crate) fn enter_operation(op: u32, flags: u64, by_rules: bool) {
    let Some(slot) = slot::take(kind::URING) else {
        return;
    };
    slot.prefix.header.kind = kind::URING;
    slot.prefix.header.ktime_ns = output::now();
    slot.prefix.call = Syscall {
        nr: op,
        arch: policy::NO_ARCH,
        args: [0, 0, 0, 0, 0, flags],
        ret: 0,
    };
    slot.operation = op + 1;
    if !(by_rules || policy::admits_begin(slot)) {
        slot::give_back();
    }
}

/// What the task still holds is of a call whose end was not seen; the end of the call that begins must not
/// be taken for it.
#[inline(always)]
fn forget_last(kind: u16) {
    if slot::give_back() {
        output::count(kind, cause::NO_EXIT);
    }
}

/// Whether a call that the policy may want goes on. A change of times it alone decides about. An open that the rules want does in any case.
#[inline(always)]
fn begins_by_policy(slot: &mut Slot, shape: u32) -> bool {
    let admitted = policy::admits_begin(slot);
    if slot.prefix.header.kind == kind::OTHER {
        // What ends inside it may be wanted.
        return admitted || shape & other::URING != 0;
    }
    if slot.prefix.header.kind == kind::UTIME {
        return admitted;
    }
    if admitted {
        slot.marks |= hooks::open::BY_POLICY;
        if policy::by_name(slot) {
            slot.marks |= hooks::open::BY_NAME;
        }
    }
    slot.marks != hooks::open::DROPPED
}

/// NAME as the caller's memory has it now, from `late_name`. A page that was never touched can't be read
/// before the kernel itself has faulted it in: then the end of the call tries again.
#[inline(always)]
pub(crate) fn put_user_name(slot: &mut Slot) {
    put_late_name(slot);
}

/// BASE: where a relative name starts from when that is a descriptor. The caller may close it before
/// anybody can look the name up.
#[inline(always)]
pub(crate) fn put_base(slot: &mut Slot, shape: u32) {
    let fd = slot.prefix.call.args[0] as i32;
    if name_argument(shape) == Some(1) && fd >= 0 {
        let file = behind(fd as u32);
        if !file.is_null() {
            put_path(slot, tag::BASE, file.at(Field::FilePath));
        }
    }
}

#[inline(always)]
pub(crate) fn name_address(slot: &Slot, shape: u32) -> u64 {
    match name_argument(shape) {
        Some(0) => slot.prefix.call.args[0],
        Some(_) => slot.prefix.call.args[1],
        None => 0,
    }
}

#[inline(always)]
fn put_late_name(slot: &mut Slot) {
    if slot.late_name == 0 {
        return;
    }
    let Some(start) = slot.begin() else { return };
    if slot.push_user_str::<4096>(slot.late_name) == 0 {
        slot.cancel(start);
    } else {
        slot.end(start, tag::NAME, flag::FROM_USER);
        slot.late_name = 0;
    }
}

/// The call under way ends; its kind is in the slot.
#[inline(always)]
pub(crate) fn exit_any(ret: i64) {
    let Some(slot) = slot::under_way() else {
        return;
    };
    match slot.prefix.header.kind {
        kind::EXEC => exit::<{ kind::EXEC }>(slot, ret),
        kind::MODULE => exit::<{ kind::MODULE }>(slot, ret),
        kind::OPEN => exit::<{ kind::OPEN }>(slot, ret),
        kind::OTHER => exit::<{ kind::OTHER }>(slot, ret),
        _ => exit::<{ kind::UTIME }>(slot, ret),
    }
    slot::give_back();
}

/// A call of a known kind ends.
#[inline(always)]
pub(crate) fn exit_known<const KIND: u16>(ret: i64) {
    let Some(slot) = slot::under_way() else {
        return;
    };
    exit::<KIND>(slot, ret);
    slot::give_back();
}

#[inline(always)]
fn exit<const KIND: u16>(slot: &mut Slot, ret: i64) {
    slot.prefix.call.ret = ret;
    // After a successful exec the caller's memory is gone.
    if KIND != kind::EXEC || ret < 0 {
        put_late_name(slot);
        if slot.late_name != 0 && ret != EFAULT {
            slot.mark(flag::READ_FAILED);
        }
    }
    let wanted = match KIND {
        kind::EXEC => hooks::exec::finish(slot),
        kind::OPEN => hooks::open::finish(slot),
        kind::UTIME => {
            hooks::utime::finish(slot)
                && (!policy::decides(kind::UTIME) || policy::admits_end(slot))
        }
        kind::OTHER => hooks::other::finish(slot),
        kind::URING => hooks::uring::finish(slot),
        _ => true,
    };
    if wanted {
        slot::lend(slot, |slot| put_process_global(slot));
        send(KIND, slot);
    }
}

/// CWD, EXE and PROCTITLE, and who: a global function, as [`put_path`]'s.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn put_process_global(slot: u32) -> u32 {
    if let Some(slot) = slot::numbered(slot) {
        put_process(slot);
    }
    0
}

#[inline(always)]
fn put_process(slot: &mut Slot) {
    let task = current();
    // Where the call changes it, it was taken when the call began.
    let other = slot.prefix.header.kind == kind::OTHER;
    if !(other && slot.marks & u64::from(other::CWD_FIRST) != 0) {
        put_path(slot, tag::CWD, task.follow(Field::TaskFs).at(Field::FsPwd));
    }
    let mm = task.follow(Field::TaskMm);
    put_path(
        slot,
        tag::EXE,
        mm.follow(Field::MmExeFile).at(Field::FilePath),
    );
    let start = mm.read::<u64>(Field::MmArgStart);
    let len = mm.read::<u64>(Field::MmArgEnd).wrapping_sub(start);
    if let Some(section) = slot.begin() {
        slot.push_user_bytes::<PROCTITLE>(start, len);
        slot.end(section, tag::PROCTITLE, flag::FROM_USER);
    }
    if !has_our_root() {
        slot.mark(flag::OTHER_ROOT);
    }
    put_subject(slot);
    task::fill(&mut slot.prefix.task, task);
}

#[inline(always)]
fn send(kind: u16, slot: &mut Slot) {
    let flags = slot.prefix.header.flags;
    if flags & u32::from(flag::TRUNCATED) != 0 {
        output::count(kind, cause::TRUNCATED);
    }
    if flags & u32::from(flag::READ_FAILED) != 0 {
        output::count(kind, cause::READ_FAILED);
    }
    let ktime = slot.prefix.header.ktime_ns;
    let (data, len) = slot.sendable();
    slot.prefix.header = output::header(kind, len as u32, flags, ktime);
    // SAFETY: `sendable` gives a pointer into the slot and a length that ends inside it.
    unsafe { output::send(kind, data, len) };
}
