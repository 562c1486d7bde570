//! Processes begin and end. Tracepoints, the same under every attach plan.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use aya_log_ebpf::warn;
use sensor_ebpf::{
    fields::Field,
    loss::cause,
    wire::{Lifecycle, Task, kind},
};

use crate::{kernel::Ptr, output, slot, task};

/// match-proto: void sched_process_fork(struct task_struct *parent, struct task_struct *child)
#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub(crate) fn sched_process_fork(ctx: RawTracePointContext) -> i32 {
    let child = Ptr(ctx.arg(1));
    let thread = child.read::<u32>(Field::TaskPid) != child.read::<u32>(Field::TaskTgid);
    if !thread {
        send(kind::FORK, child);
    }
    0
}

/// match-proto: void sched_process_exit(struct task_struct *p)
#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: RawTracePointContext) -> i32 {
    if let Some(slot) = slot::under_way() {
        let (kind, nr) = (slot.prefix.header.kind, slot.prefix.call.nr);
        output::count(kind, cause::NO_EXIT);
        slot::give_back();
        warn!(
            &ctx,
            "a task ended, the end of its system call {} was not seen", nr
        );
    }
    let task = Ptr(ctx.arg(0));
    // `signal->live` was lowered before this tracepoint: 0 in the last thread of the group.
    if task
        .follow(Field::TaskSignal)
        .read::<u32>(Field::SignalLive)
        == 0
    {
        send(kind::EXIT, task);
    }
    0
}

#[inline(always)]
fn send(kind: u16, process: Ptr) {
    let len = size_of::<Lifecycle>();
    let mut record = Lifecycle {
        header: output::header(kind, len as u32, 0, output::now()),
        task: Task {
            pid: 0,
            tid: 0,
            ppid: 0,
            auid: 0,
            ses: 0,
            personality: 0,
            cred: [0; 8],
            start_ns: 0,
            exec_id: 0,
            comm: [0; 16],
            tty: [0; 32],
        },
    };
    task::fill(&mut record.task, process);
    // SAFETY: `record` is `len` initialised bytes of stack.
    unsafe { output::send(kind, (&raw const record).cast(), len as u64) };
}
