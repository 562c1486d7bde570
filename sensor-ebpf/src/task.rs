//! Who: the facts of a `task_struct` that every event carries.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use sensor_ebpf::{fields::Field, wire::Task};

use crate::kernel::Ptr;

/// Fills `out`; every byte of it.
#[inline(always)]
pub(crate) fn fill(out: &mut Task, task: Ptr) {
    let leader = task.follow(Field::TaskGroupLeader);
    let signal = task.follow(Field::TaskSignal);
    out.pid = task.read(Field::TaskTgid);
    out.tid = task.read(Field::TaskPid);
    out.ppid = task.follow(Field::TaskRealParent).read(Field::TaskTgid);
    out.auid = task.read(Field::TaskLoginuid);
    out.ses = task.read(Field::TaskSessionid);
    out.personality = task.read(Field::TaskPersonality);
    out.cred = task.follow(Field::TaskCred).read(Field::CredUid);
    out.start_ns = leader.read(Field::TaskStartBoottime);
    out.exec_id = task.read::<u32>(Field::TaskSelfExecId).into();
    out.comm = [0; 16];
    out.tty = [0; 32];
    let tty = signal.follow(Field::SignalTty);
    // SAFETY: both destinations are as large as said; the helper checks the source.
    unsafe {
        bpf_probe_read_kernel_str(
            (&raw mut out.comm).cast(),
            16,
            task.at(Field::TaskComm).0 as *const _,
        );
        if !tty.is_null() {
            bpf_probe_read_kernel_str(
                (&raw mut out.tty).cast(),
                32,
                tty.at(Field::TtyName).0 as *const _,
            );
        }
    }
}
