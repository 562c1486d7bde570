//! open, openat, openat2, creat: which are wanted, and the file that came of it.

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str,
    macros::{fexit, kprobe, kretprobe, map},
    maps::HashMap,
    programs::{FExitContext, ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    calls::shape,
    config::{AS_FILE, AS_POLICY, NAME_KEY, opens, setting},
    fields::Field,
    wire::{ItemFacts, OpenHow, flag, kind, tag},
};

use crate::{
    file::{behind, file_facts},
    hooks::{other::FORCED, uring},
    kernel::{Ptr, config, load_user},
    path::put_path,
    policy,
    slot::{self, Slot},
};

/// `Slot::marks`: nothing wants this open unless its name is watched.
const ONLY_IF_WATCHED: u64 = 1;
/// `Slot::marks`: openat2, whose flags are not in a register.
const HOW: u64 = 2;
/// `Slot::marks`: no rule wants it.
pub(crate) const DROPPED: u64 = 4;
/// `Slot::marks`: the policy may want it.
pub(crate) const BY_POLICY: u64 = 16;

/// `Slot::marks`: if its file has a name that the policy watches.
pub(crate) const BY_NAME: u64 = 32;

/// `Slot::marks`: a hook on kernel objects saw it.
const SEEN: u64 = 8;

/// O_ACCMODE | O_CREAT | O_TRUNC of include/uapi/asm-generic/fcntl.h.
pub(crate) const WRITES: u64 = 0o3 | 0o100 | 0o1000;

/// Bits of `open_how.flags` that `open_flags.open_flag` lacks or has more: O_CLOEXEC, O_LARGEFILE,
/// O_DSYNC.
const REBUILT: u64 = 0o2_000_000 | 0o100_000 | 0o10_000;

/// Names of files and directories whose read-only opens a rule wants.
#[map]
static WATCHED_NAMES: HashMap<[u8; NAME_KEY], u32> = HashMap::with_max_entries(1024, 0);

/// First look, from the registers alone: `None` for an open that nothing can want.
#[inline(always)]
pub(crate) fn judge(call_shape: u32, args: &[u64; 6]) -> Option<u64> {
    let flags = match call_shape {
        shape::OPEN => args[1],
        shape::OPENAT => args[2],
        shape::CREAT => WRITES,
        _ => return Some(HOW),
    };
    by_flags(flags)
}

#[inline(always)]
pub(crate) fn by_flags(flags: u64) -> Option<u64> {
    let wanted = config(setting::OPENS);
    if wanted & opens::ALL != 0 || (wanted & opens::WRITES != 0 && flags & WRITES != 0) {
        Some(0)
    } else if wanted & opens::WATCHED != 0 {
        Some(ONLY_IF_WATCHED)
    } else {
        None
    }
}

/// Whether a rule names this file.
#[inline(always)]
fn watched(dentry: Ptr) -> bool {
    roles(dentry) & AS_FILE != 0
}

/// Whether the policy may watch this file: by its name, by that of its directory (which a watched name can
/// become), under another name that it has or that something mounted on gives it.
#[inline(always)]
fn may_be_watched(path: Ptr) -> bool {
    let dentry = path.follow(Field::PathDentry);
    if path.follow(Field::PathMnt).follow(Field::VfsmountRoot) == dentry {
        return true;
    }
    let links: u32 = dentry.follow(Field::DentryInode).read(Field::InodeNlink);
    links != 1
        || roles(dentry) & AS_POLICY != 0
        || roles(dentry.follow(Field::DentryParent)) & AS_POLICY != 0
}

/// What is wanted of files of this name.
#[inline(always)]
fn roles(dentry: Ptr) -> u32 {
    let mut key = [0u8; NAME_KEY];
    let name = dentry.follow(Field::DentryName);
    // SAFETY: the destination is `NAME_KEY` bytes; the helper checks the source.
    unsafe {
        bpf_probe_read_kernel_str((&raw mut key).cast(), NAME_KEY as u32, name.0 as *const _)
    };
    // SAFETY: entries are only ever read here; user space may replace them meanwhile.
    unsafe { WATCHED_NAMES.get(key) }.copied().unwrap_or(0)
}

/// `do_filp_open` (`do_file_open` from 7.x on) returned: a path of an open or of an exec.
#[inline(always)]
fn opened(dirfd: u32, name: Ptr, open_flags: Ptr, file: Ptr) {
    // From 7.x on a name that could not be taken comes this far.
    if name.is_err() {
        return;
    }
    let Some(slot) = slot::under_way() else {
        return;
    };
    match slot.prefix.header.kind {
        kind::OTHER | kind::URING if slot.is_uring() => {
            let flags: u32 = open_flags.read(Field::OpenFlagsFlag);
            if is_wanted(flags, file) {
                slot.marks |= FORCED;
            }
            put_opened(slot, name, file);
            uring::put_opened(slot, dirfd, name, open_flags);
        }
        kind::EXEC | kind::OTHER => put_opened(slot, name, file),
        kind::OPEN => {
            if slot.marks & HOW != 0 {
                let flags = put_kernel_how(slot, open_flags);
                slot.marks =
                    by_flags(flags).unwrap_or(DROPPED) | slot.marks & (BY_POLICY | BY_NAME);
            }
            slot.marks |= SEEN;
            if slot.marks & BY_NAME != 0
                && !file.is_err()
                && !may_be_watched(file.at(Field::FilePath))
            {
                slot.marks &= !BY_POLICY;
            }
            if keep(slot, file) {
                put_opened(slot, name, file);
            }
        }
        _ => {}
    }
}

/// Whether the rules want an open that no call asked for.
#[inline(always)]
fn is_wanted(flags: u32, file: Ptr) -> bool {
    let watches = by_flags(flags.into());
    !file.is_err()
        && watches.is_some_and(|marks| {
            marks != ONLY_IF_WATCHED || watched(file.at(Field::FilePath).follow(Field::PathDentry))
        })
}

/// Decides a call that hangs on its name; marks it dropped if nothing wants it.
#[inline(always)]
fn keep(slot: &mut Slot, file: Ptr) -> bool {
    if slot.marks & ONLY_IF_WATCHED != 0
        && (file.is_err() || !watched(file.at(Field::FilePath).follow(Field::PathDentry)))
    {
        slot.marks = DROPPED | slot.marks & (BY_POLICY | SEEN);
    }
    slot.marks & (DROPPED | BY_POLICY) != DROPPED
}

#[inline(always)]
fn put_opened(slot: &mut Slot, name: Ptr, file: Ptr) {
    let facts = if file.is_err() {
        ItemFacts {
            err: file.0 as i32,
            ..ItemFacts::default()
        }
    } else {
        file_facts(file)
    };
    slot.put(tag::ITEM, 0, &facts);
    if let Some(start) = slot.begin_early() {
        if slot.push_kernel_str::<4096>(name.follow(Field::FilenameName)) == 0 {
            slot.mark(flag::READ_FAILED);
        }
        slot.end(start, tag::NAME, 0);
        // Other calls may have names that are not opened, or have it opened under another one.
        if !slot.is_other() {
            slot.late_name = 0;
        }
    }
    if !file.is_err() {
        put_path(slot, tag::PATH, file.at(Field::FilePath));
    }
}

/// openat2's `struct open_how` as the caller passed it.
#[inline(always)]
fn put_user_how(slot: &mut Slot) -> u64 {
    let how = slot.prefix.call.args[2];
    let flags = load_user(how);
    slot.put(
        tag::OPEN_HOW,
        flag::FROM_USER,
        &OpenHow {
            flags,
            mode: load_user(how + 8),
            resolve: load_user(how + 16),
        },
    );
    flags
}

/// The same with flags and mode as the kernel took them, so that the caller can't show one thing
/// and do another; but for the bits that build_open_flags (fs/open.c) drops or adds.
#[inline(always)]
fn put_kernel_how(slot: &mut Slot, open_flags: Ptr) -> u64 {
    let how = slot.prefix.call.args[2];
    let taken: u32 = open_flags.read(Field::OpenFlagsFlag);
    let asked: u64 = load_user(how);
    let flags = (u64::from(taken) & !REBUILT) | (asked & REBUILT);
    slot.put(
        tag::OPEN_HOW,
        0,
        &OpenHow {
            flags,
            mode: open_flags.read::<u16>(Field::OpenFlagsMode).into(),
            resolve: load_user(how + 16),
        },
    );
    flags
}

/// The call ends. False if nothing wants it after all.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot) -> bool {
    let ret = slot.prefix.call.ret;
    if slot.marks & HOW != 0 {
        let flags = put_user_how(slot);
        slot.marks = by_flags(flags).unwrap_or(DROPPED) | slot.marks & (BY_POLICY | BY_NAME);
    }
    // No hook on objects: the plan has none, the call failed before it, the kernel skipped it.
    if slot.marks & SEEN == 0 {
        let file = if ret < 0 {
            Ptr(ret as u64)
        } else {
            behind(ret as u32)
        };
        if keep(slot, file) && ret >= 0 && !file.is_null() {
            let facts = file_facts(file);
            slot.put(tag::ITEM, 0, &facts);
            put_path(slot, tag::PATH, file.at(Field::FilePath));
        }
    }
    slot.marks & DROPPED == 0 || (slot.marks & BY_POLICY != 0 && policy::admits_end(slot))
}

/// match-proto: struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)
#[fexit]
pub(crate) fn fexit_do_filp_open(ctx: FExitContext) -> i32 {
    opened(
        ctx.arg(0),
        Ptr(ctx.arg(1)),
        Ptr(ctx.arg(2)),
        Ptr(ctx.arg(3)),
    );
    0
}

/// Leaves the arguments for the return probe.
#[kprobe]
pub(crate) fn kprobe_do_filp_open(ctx: ProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        let arg = |n| ctx.arg(n).unwrap_or(0);
        (slot.saved[0], slot.saved[1], slot.saved[2]) = (arg(1), arg(2), arg(0));
    }
    0
}

#[kretprobe]
pub(crate) fn kretprobe_do_filp_open(ctx: RetProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        let [name, open_flags, dirfd, _] = slot.saved;
        if slot.is_uring() {
            slot.saved[0] = 0;
        }
        opened(dirfd as u32, Ptr(name), Ptr(open_flags), Ptr(ctx.ret()));
    }
    0
}
