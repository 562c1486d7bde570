//! Processes that a call is about: where the kernel calls audit_signal_info and audit_ptrace.

use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use sensor_ebpf::{
    config::LABEL,
    fields::Field,
    wire::{TargetFacts, kind, tag},
};

use crate::{kernel::Ptr, slot, subject::name_in};

#[inline(always)]
fn put_target(task: Ptr) -> u32 {
    let Some(slot) = slot::under_way() else {
        return 0;
    };
    if slot.prefix.header.kind != kind::OTHER || task.is_null() {
        return 0;
    }
    let cred = task.follow(Field::TaskCred);
    let comm = task.at(Field::TaskComm);
    let halves: [u64; 2] = [comm.load(), comm.add(8).load()];
    let facts = TargetFacts {
        pid: task.read(Field::TaskTgid),
        auid: task.read(Field::TaskLoginuid),
        uid: cred.read(Field::CredUid),
        ses: task.read(Field::TaskSessionid),
        // SAFETY: sixteen bytes either way.
        comm: unsafe { core::mem::transmute::<[u64; 2], [u8; 16]>(halves) },
    };
    slot.put(tag::TARGET, 0, &facts);
    let label = name_in(cred);
    if !label.is_null()
        && let Some(start) = slot.begin()
    {
        slot.push_kernel_str::<LABEL>(label);
        slot.end(start, tag::TARGET_SUBJ, 0);
    }
    0
}

/// match-proto: int audit_signal_info(int sig, struct task_struct *t)
#[kprobe]
pub(crate) fn kprobe_audit_signal_info(ctx: ProbeContext) -> u32 {
    put_target(Ptr(ctx.arg(1).unwrap_or(0)))
}

/// match-proto: int ptrace_attach(struct task_struct *task, long request, unsigned long addr, unsigned long flags)
#[kprobe]
pub(crate) fn kprobe_ptrace_attach(ctx: ProbeContext) -> u32 {
    put_target(Ptr(ctx.arg(0).unwrap_or(0)))
}
