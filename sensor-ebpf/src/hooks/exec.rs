//! execve, execveat: the arguments from the new image's memory, the executable, the interpreter.

use aya_ebpf::{
    helpers::generated::bpf_probe_read_user, macros::raw_tracepoint, programs::RawTracePointContext,
};
use sensor_ebpf::{
    calls::shape,
    config::{ARGV_INLINE, ARGV_PART, ARGV_PARTS, setting},
    fields::Field,
    loss::cause,
    wire::{ArgvPart, ExecFacts, flag, kind, tag},
};

use crate::{
    arch,
    call::only_tracepoints,
    file::file_facts,
    hooks::other::caps,
    kernel::{Ptr, config, current, load_user},
    output,
    path::put_path,
    slot::{self, FailedArgv, Progress, Slot, bound},
};

/// Arguments of a failed call that are read from where the caller keeps them.
const FAILED_ARGS: usize = 64;
const FAILED_ARG: usize = 512;

/// match-proto: void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub(crate) fn sched_process_exec(ctx: RawTracePointContext) -> i32 {
    if let Some(slot) = slot::under_way() {
        put_binprm(slot, Ptr(ctx.arg(2)));
    }
    0
}

/// Names of `struct linux_binprm`; without hooks on the opens, its file, too.
#[inline(always)]
fn put_binprm(slot: &mut Slot, bprm: Ptr) {
    let (filename, interp) = (
        bprm.follow(Field::BprmFilename),
        bprm.follow(Field::BprmInterp),
    );
    put_string(slot, tag::FILENAME, filename);
    // The same pointer unless the file is a script.
    if interp != filename {
        put_string(slot, tag::INTERP, interp);
    }
    if only_tracepoints() {
        let file = bprm.follow(Field::BprmFile);
        let facts = file_facts(file);
        slot.put(tag::ITEM, 0, &facts);
        put_path(slot, tag::PATH, file.at(Field::FilePath));
    }
}

#[inline(always)]
fn put_string(slot: &mut Slot, tag: u16, string: Ptr) {
    if let Some(start) = slot.begin_early() {
        slot.push_kernel_str::<4096>(string);
        slot.end(start, tag, 0);
    }
}

/// The call ends.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot) -> bool {
    if slot.prefix.call.ret < 0 {
        put_failed_argv(slot);
    } else {
        put_gained_caps(slot);
        put_argv(slot);
    }
    true
}

/// The capabilities before and after, unless they are what almost every exec has: none, or root's, the
/// same as before. What audit makes of them (BPRM_FCAPS), user space decides.
#[inline(always)]
fn put_gained_caps(slot: &mut Slot) {
    let (old, new) = (slot.old_caps, caps());
    let full = u64::from(config(setting::CAPS_HIGH)) << 32 | 0xffff_ffff;
    let same = new.permitted == old.permitted && new.ambient == old.ambient;
    if new.effective != 0 && !(same && new.effective == full) {
        slot.put(tag::OLD_CAPS, 0, &old);
        slot.put(tag::CAPS, 0, &new);
    }
}

/// What the kernel copied to the new stack: ARGV section and, for the rest, ARGV records.
#[inline(always)]
fn put_argv(slot: &mut Slot) {
    let mm = current().follow(Field::TaskMm);
    let start = mm.read::<u64>(Field::MmArgStart);
    let argv_bytes = mm.read::<u64>(Field::MmArgEnd).wrapping_sub(start);
    let limit = argv_bytes.min(config(setting::ARGV_MAX).into());
    let Some(section) = slot.begin() else { return };
    let inline = slot.push_user_bytes::<ARGV_INLINE>(start, limit);
    slot.end(section, tag::ARGV, 0);
    slot.progress = Progress {
        next: start + inline,
        end: start + limit,
        start,
    };
    for _ in 0..ARGV_PARTS {
        if slot::lend(slot, |slot| send_part(slot)) == 0 {
            break;
        }
    }
    let sent_bytes = slot.progress.next - start;
    if sent_bytes < argv_bytes {
        slot.mark(flag::TRUNCATED);
    }
    slot.put(
        tag::EXEC,
        0,
        &ExecFacts {
            argv_bytes,
            sent_bytes,
        },
    );
}

/// Sends the next part. 0 when there is none, or no room for it. A global function, as the steps of a path
/// are: the verifier follows it once, not in each iteration.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn send_part(slot: u32) -> u32 {
    slot::numbered(slot).is_some_and(try_part).into()
}

#[inline(always)]
fn try_part(slot: &mut Slot) -> bool {
    const RECORD: usize = size_of::<ArgvPart>() + ARGV_PART;
    let Progress { next, end, start } = slot.progress;
    if next >= end {
        return false;
    }
    let header = output::header(kind::ARGV, RECORD as u32, 0, output::now());
    let room = output::reserve(RECORD as u64);
    if room.is_null() {
        output::count(kind::ARGV, cause::RING_FULL);
        return false;
    }
    let tid = current().read(Field::TaskPid);
    let len = bound::<ARGV_PART>((end - next).min(ARGV_PART as u64));
    // SAFETY: `room` is RECORD bytes, 8-aligned; `bound` keeps `len` within ARGV_PART; the helper
    // checks the source; `room` is not used after it is submitted.
    unsafe {
        let read = bpf_probe_read_user(
            room.add(size_of::<ArgvPart>()).cast(),
            len as u32,
            next as *const _,
        );
        // All ones when the read failed.
        let failed = (read >> 63) as u64;
        room.cast::<ArgvPart>().write(ArgvPart {
            header,
            tid,
            len: (len & !failed) as u32,
            offset: next - start,
        });
        output::submit(room);
        slot.mark(flag::READ_FAILED & failed as u16);
    }
    slot.progress.next = next + len;
    true
}

/// What the caller of a failed execve passed: at most [`FAILED_ARGS`] arguments of at most
/// [`FAILED_ARG`] bytes each.
#[inline(always)]
fn put_failed_argv(slot: &mut Slot) {
    let args = &slot.prefix.call.args;
    let argv = if slot.marks == u64::from(shape::EXECVEAT) {
        args[2]
    } else {
        args[1]
    };
    let Some(section) = slot.begin() else { return };
    slot.failed = FailedArgv {
        next: argv,
        cut: 0,
        section,
    };
    for _ in 0..FAILED_ARGS {
        if slot::lend(slot, |slot| put_failed_arg(slot)) == 0 {
            break;
        }
    }
    let FailedArgv { next, cut, .. } = slot.failed;
    let cut = if next == 0 && cut == 0 {
        0
    } else {
        flag::TRUNCATED
    };
    slot.mark(cut);
    slot.end(section, tag::ARGV, flag::FROM_USER | cut);
}

/// Appends the next argument. 0 at the end of the array, or when there is no room. Global, as [`send_part`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn put_failed_arg(slot: u32) -> u32 {
    slot::numbered(slot).is_some_and(try_failed_arg).into()
}

#[inline(always)]
fn try_failed_arg(slot: &mut Slot) -> bool {
    let FailedArgv { next, section, .. } = slot.failed;
    let wide = slot.prefix.call.arch == arch::ARCHES[0];
    let arg = if wide {
        load_user::<u64>(next)
    } else {
        load_user::<u32>(next).into()
    };
    if arg == 0 {
        slot.failed.next = 0;
        return false;
    }
    if !slot.room(section, FAILED_ARG as u64) {
        return false;
    }
    let n = slot.push_user_str::<FAILED_ARG>(arg);
    let beyond: u8 = load_user(arg + FAILED_ARG as u64 - 1);
    // Cut if all of FAILED_ARG bytes were needed and the last was not the NUL.
    slot.failed.cut |= n / FAILED_ARG as u64 * u64::from(beyond);
    slot.failed.next = next + if wide { 8 } else { 4 };
    true
}
