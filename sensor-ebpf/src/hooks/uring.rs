//! Operations of io_uring, where the kernel tells audit of them (io_uring/io_uring.c: audit_uring_entry and
//! audit_uring_exit around an operation's own function), and the names that it takes for them.
//!
//! What ends inside io_uring_enter is a part of that call's record, as in audit; what a worker or the ring's
//! own thread does is a record of kind URING.

use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    config::setting,
    fields::Field,
    wire::{
        ItemFacts, OperationFacts, Syscall, TakenName, flag, item::op, kind, tag, uring::BY_RING,
    },
};

use crate::{
    call,
    file::file_facts,
    hooks::{names::put_name, other::FORCED},
    kernel::{Ptr, config, current, has},
    path::put_path,
    policy,
    slot::{self, Slot},
};

/// IORING_OP_NOP, IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_SETUP_SQPOLL of include/uapi/linux/io_uring.h.
const NOP: u32 = 0;
const OPENAT: u32 = 18;
const OPENAT2: u32 = 28;
const SETUP_SQPOLL: u32 = 2;

/// Whose name the item before it is.
#[inline(always)]
pub(crate) fn put_taken(slot: &mut Slot, name: Ptr) {
    if slot.is_uring() {
        let taken = TakenName {
            address: name.0,
            ..TakenName::default()
        };
        slot.put(tag::TAKEN_NAME, 0, &taken);
    }
}

/// The same of an open, and how it opened.
#[inline(always)]
pub(crate) fn put_opened(slot: &mut Slot, dirfd: u32, name: Ptr, open_flags: Ptr) {
    let taken = TakenName {
        address: name.0,
        dirfd: dirfd as i32,
        flags: open_flags.read(Field::OpenFlagsFlag),
        mode: open_flags.read::<u16>(Field::OpenFlagsMode).into(),
        reserved: 0,
    };
    slot.put(tag::TAKEN_NAME, 0, &taken);
}

/// The functions of operations that audit is told of, and those alone; one may call another.
/// match-proto: int io_openat2(struct io_kiocb *req, unsigned int issue_flags)
#[kprobe]
pub(crate) fn kprobe_uring(ctx: ProbeContext) -> u32 {
    if !has(Field::UringRequestOpcode) {
        return 0;
    }
    let request = Ptr(ctx.arg(0).unwrap_or(0));
    let op = u32::from(request.read::<u8>(Field::UringRequestOpcode));
    if let Some(slot) = slot::under_way() {
        if slot.is_uring() {
            if slot.operation == 0 {
                slot.operation = op + 1;
            }
            return 0;
        }
    }
    let ring = request.follow(Field::UringRequestRing);
    let by_ring = ring.read::<u32>(Field::UringRingFlags) & SETUP_SQPOLL != 0;
    let opens = (op == OPENAT || op == OPENAT2) && config(setting::OPENS) != 0;
    let flags = if by_ring { BY_RING } else { 0 };
    if !call::is_self() {
        call::enter_operation(op, flags, opens);
    }
    0
}

/// The ring's own thread tells audit of an operation that is none before it takes any: io_sq_thread of
/// io_uring/sqpoll.c, since 6.10 and in stable kernels. The kernel comes here only while audit is on.
/// match-proto: void __audit_uring_entry(u8 op)
#[kprobe]
pub(crate) fn kprobe_audit_uring_entry(ctx: ProbeContext) -> u32 {
    let op = ctx.arg::<u64>(0).unwrap_or(0) & 0xff;
    if op == u64::from(NOP) && slot::under_way().is_none() && !call::is_self() {
        call::enter_operation(NOP, BY_RING, false);
        call::exit_known::<{ kind::URING }>(0);
    }
    0
}

#[kretprobe]
pub(crate) fn kretprobe_uring(ctx: RetProbeContext) -> u32 {
    let Some(slot) = slot::under_way() else {
        return 0;
    };
    if !slot.is_uring() || slot.operation == 0 {
        return 0;
    }
    let ret = ctx.ret::<u64>() as i32;
    if slot.prefix.header.kind == kind::URING {
        call::exit_known::<{ kind::URING }>(ret.into());
    } else {
        ended_inside(slot, ret);
    }
    0
}

/// An operation ended inside io_uring_enter: audit asks the rules for both, as if the call had ended so.
#[inline(always)]
fn ended_inside(slot: &mut Slot, ret: i32) {
    let op = slot.operation - 1;
    slot.operation = 0;
    let facts = OperationFacts {
        op,
        ret,
        cred: current().follow(Field::TaskCred).read(Field::CredUid),
    };
    slot.put(tag::OPERATION, 0, &facts);
    let call = slot.prefix.call;
    slot.prefix.call.ret = ret.into();
    if policy::admits_end(slot) {
        slot.marks |= FORCED;
    }
    slot.prefix.call = Syscall {
        nr: op,
        arch: policy::NO_ARCH,
        args: [0; 6],
        ret: ret.into(),
    };
    if policy::admits_end(slot) {
        slot.marks |= FORCED;
    }
    slot.prefix.call = call;
}

/// The operation ends. False if nothing wants it.
#[inline(always)]
pub(crate) fn finish(slot: &mut Slot) -> bool {
    // A return probe that the kernel skipped: what the function did is not in the event.
    if slot.saved[0] != 0 {
        slot.mark(flag::READ_FAILED);
    }
    slot.marks & FORCED != 0 || policy::admits_end(slot)
}

/// `getname_flags` and what compilers make it a part of; `complete_getname` from 7.0 on: the kernel takes a name, and audit notes it.
/// match-proto: struct filename *getname_flags(const char __user *filename, int flags)
#[kretprobe]
pub(crate) fn kretprobe_getname(ctx: RetProbeContext) -> u32 {
    let name = Ptr(ctx.ret());
    if name.is_err() || name.is_null() {
        return 0;
    }
    if let Some(slot) = slot::under_way() {
        if slot.is_uring() {
            let facts = ItemFacts {
                op: op::TAKEN,
                ..ItemFacts::default()
            };
            slot.put(tag::ITEM, 0, &facts);
            put_name(slot, name.follow(Field::FilenameName));
            put_taken(slot, name);
        }
    }
    0
}

/// `file_setxattr`, `file_getxattr`, since 6.13: audit notes the file, which may be in the ring alone.
/// match-proto: int file_setxattr(struct file *f, struct kernel_xattr_ctx *ctx)
#[kprobe]
pub(crate) fn kprobe_file_xattr(ctx: ProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        if slot.is_uring() {
            let file = Ptr(ctx.arg(0).unwrap_or(0));
            let mut facts = file_facts(file);
            facts.op = op::LOOKED_UP;
            slot.put(tag::ITEM, 0, &facts);
            put_path(slot, tag::PATH, file.at(Field::FilePath));
        }
    }
    0
}
