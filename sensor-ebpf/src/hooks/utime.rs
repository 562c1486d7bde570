//! utimensat, utimes, futimesat, utime: the file, its times before and after.

use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    calls::shape,
    fields::Field,
    wire::{Stamp, TimeFacts, flag, kind, tag},
};

use crate::{
    arch::ARCHES,
    call::{name_address, only_tracepoints, put_base, put_user_name},
    file::{behind, path_facts, put_descriptor},
    kernel::{Ptr, load_user},
    path::put_path,
    slot::{self, Slot},
};

/// UTIME_NOW of include/linux/stat.h.
const UTIME_NOW: u32 = (1 << 30) - 1;

/// Number of utimensat_time64 in the 32-bit table of x86.
const UTIMENSAT_TIME64: u32 = 412;

/// include/uapi/linux/fcntl.h
const AT_EMPTY_PATH: u64 = 0x1000;

/// `Slot::marks`: the call names its file by descriptor alone.
const BY_DESCRIPTOR: u64 = 1;

/// The call begins.
#[inline(always)]
pub(crate) fn entered(slot: &mut Slot, call_shape: u32) {
    slot.late_name = name_address(slot, call_shape);
    put_user_name(slot);
    if !only_tracepoints() {
        return;
    }
    put_base(slot, call_shape);
    let args = slot.prefix.call.args;
    let descriptor = match call_shape {
        shape::UTIMENSAT => args[1] == 0 || (args[3] & AT_EMPTY_PATH != 0 && is_empty(args[1])),
        shape::FUTIMESAT => args[1] == 0,
        _ => false,
    };
    let asked = asked_by_user(slot, call_shape);
    slot.put(tag::TIMES, flag::FROM_USER, &asked);
    if descriptor {
        slot.marks = BY_DESCRIPTOR;
        put_descriptor(slot, args[0] as u32);
        put_times(slot, behind(args[0] as u32), TimeFacts::OLD);
    }
}

#[inline(always)]
fn is_empty(string: u64) -> bool {
    load_user::<u8>(string) == 0
}

/// The call ends: without hooks on objects, the times of what a descriptor leads to.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot) -> bool {
    if slot.marks & BY_DESCRIPTOR != 0 {
        let file = behind(slot.prefix.call.args[0] as u32);
        put_times(slot, file, TimeFacts::NEW);
    }
    true
}

/// What the caller asked for, from its memory: no kernel object is in sight.
#[inline(always)]
fn asked_by_user(slot: &Slot, call_shape: u32) -> TimeFacts {
    let call = &slot.prefix.call;
    let times = match call_shape {
        shape::UTIMENSAT | shape::FUTIMESAT => call.args[2],
        _ => call.args[1],
    };
    let mut facts = TimeFacts {
        valid: TimeFacts::ASKED,
        ..TimeFacts::default()
    };
    let now = Stamp {
        sec: 0,
        nsec: UTIME_NOW,
        reserved: 0,
    };
    if times == 0 {
        (facts.asked_atime, facts.asked_mtime) = (now, now);
        return facts;
    }
    // Of the 32-bit calls only utimensat_time64 has times as wide as ours.
    let wide = call.arch == ARCHES[0] || call.nr == UTIMENSAT_TIME64;
    let size = if wide { 8 } else { 4 };
    facts.asked_atime.sec = seconds(times, wide);
    if call_shape == shape::UTIME {
        facts.asked_mtime.sec = seconds(times + size, wide);
        return facts;
    }
    let unit = if call_shape == shape::UTIMENSAT {
        1
    } else {
        1000
    };
    facts.asked_atime.nsec = load_user::<u32>(times + size).wrapping_mul(unit);
    facts.asked_mtime.sec = seconds(times + 2 * size, wide);
    facts.asked_mtime.nsec = load_user::<u32>(times + 3 * size).wrapping_mul(unit);
    facts
}

#[inline(always)]
fn seconds(at: u64, wide: bool) -> i64 {
    if wide {
        load_user(at)
    } else {
        load_user::<i32>(at).into()
    }
}

#[inline(always)]
fn put_times(slot: &mut Slot, file: Ptr, which: u32) {
    if !file.is_null() {
        let dentry = file.at(Field::FilePath).follow(Field::PathDentry);
        let mut facts = TimeFacts {
            valid: which,
            ..TimeFacts::default()
        };
        fill_times(&mut facts, dentry.follow(Field::DentryInode), which);
        slot.put(tag::TIMES, 0, &facts);
    }
}

#[inline(always)]
fn fill_times(facts: &mut TimeFacts, inode: Ptr, which: u32) {
    let atime = stamp(inode, Field::InodeAtimeSec, Field::InodeAtimeNsec);
    let mtime = stamp(inode, Field::InodeMtimeSec, Field::InodeMtimeNsec);
    let ctime = stamp(inode, Field::InodeCtimeSec, Field::InodeCtimeNsec);
    if which == TimeFacts::OLD {
        (facts.old_atime, facts.old_mtime, facts.old_ctime) = (atime, mtime, ctime);
    } else {
        (facts.new_atime, facts.new_mtime, facts.new_ctime) = (atime, mtime, ctime);
    }
}

/// Kernels from 6.13 keep change bits above the nanoseconds of a ctime: I_CTIME_QUERIED.
const NSEC: u32 = (1 << 30) - 1;

#[inline(always)]
fn stamp(inode: Ptr, sec: Field, nsec: Field) -> Stamp {
    Stamp {
        sec: inode.read(sec),
        nsec: inode.read::<u32>(nsec) & NSEC,
        reserved: 0,
    }
}

/// `vfs_utimes` begins: the target, its times, what is asked for.
#[inline(always)]
fn before(path: Ptr, times: Ptr) {
    let Some(slot) = slot::under_way() else {
        return;
    };
    if slot.prefix.header.kind != kind::UTIME {
        return;
    }
    slot.saved[0] = path.0;
    let facts = path_facts(path);
    slot.put(tag::ITEM, 0, &facts);
    put_path(slot, tag::PATH, path);
    let now = Stamp {
        sec: 0,
        nsec: UTIME_NOW,
        reserved: 0,
    };
    let mut facts = TimeFacts {
        valid: TimeFacts::OLD | TimeFacts::ASKED,
        ..TimeFacts::default()
    };
    if times.is_null() {
        (facts.asked_atime, facts.asked_mtime) = (now, now);
    } else {
        facts.asked_atime = kernel_stamp(times);
        facts.asked_mtime = kernel_stamp(times.add(16));
    }
    let inode = path.follow(Field::PathDentry).follow(Field::DentryInode);
    fill_times(&mut facts, inode, TimeFacts::OLD);
    slot.put(tag::TIMES, 0, &facts);
}

/// A `struct timespec64`.
#[inline(always)]
fn kernel_stamp(at: Ptr) -> Stamp {
    Stamp {
        sec: at.load(),
        nsec: at.add(8).load(),
        reserved: 0,
    }
}

/// `vfs_utimes` returned: the times now.
#[inline(always)]
fn after(path: Ptr) {
    let Some(slot) = slot::under_way() else {
        return;
    };
    if slot.prefix.header.kind != kind::UTIME || path.is_null() {
        return;
    }
    let mut facts = TimeFacts {
        valid: TimeFacts::NEW,
        ..TimeFacts::default()
    };
    let inode = path.follow(Field::PathDentry).follow(Field::DentryInode);
    fill_times(&mut facts, inode, TimeFacts::NEW);
    slot.put(tag::TIMES, 0, &facts);
}

/// match-proto: int vfs_utimes(const struct path *path, struct timespec64 *times)
#[fentry]
pub(crate) fn fentry_vfs_utimes(ctx: FEntryContext) -> i32 {
    before(Ptr(ctx.arg(0)), Ptr(ctx.arg(1)));
    0
}

#[fexit]
pub(crate) fn fexit_vfs_utimes(ctx: FExitContext) -> i32 {
    after(Ptr(ctx.arg(0)));
    0
}

#[kprobe]
pub(crate) fn kprobe_vfs_utimes(ctx: ProbeContext) -> u32 {
    before(Ptr(ctx.arg(0).unwrap_or(0)), Ptr(ctx.arg(1).unwrap_or(0)));
    0
}

#[kretprobe]
pub(crate) fn kretprobe_vfs_utimes(_: RetProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        after(Ptr(slot.saved[0]));
    }
    0
}
