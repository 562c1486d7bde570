//! OBJ_PID under the tracepoint plan: the process that a call named, as /proc or the process table knows
//! it after the call. audit_signal_info and audit_ptrace are told before the kernel decides.

use std::fs;

use bytes::Bytes;
use sensor_ebpf::{config::plan, wire::TargetFacts};

use super::{Assembler, low32};
use crate::{decode::CallFacts, process::until_nul};

/// include/uapi/linux/ptrace.h
const PTRACE_ATTACH: u64 = 16;
const PTRACE_SEIZE: u64 = 0x4206;
/// _NSIG of include/uapi/asm-generic/signal.h
const SIGNALS: u32 = 64;

impl Assembler {
    /// The target, if no hook tells of it, there was one, and it is one process.
    pub(super) fn target(&self, facts: &CallFacts) -> Option<(TargetFacts, Option<Bytes>)> {
        if self.plan != plan::TRACEPOINT {
            return None;
        }
        let args = &facts.call.args;
        let arg = |n: usize| low32(args[n]).cast_signed();
        let (pid, signal) = match facts.name()? {
            "kill" | "tkill" | "rt_sigqueueinfo" => (arg(0), low32(args[1])),
            "tgkill" | "rt_tgsigqueueinfo" => (arg(1), low32(args[2])),
            "pidfd_send_signal" => (behind_pidfd(facts, arg(0))?, low32(args[1])),
            "ptrace" if [PTRACE_ATTACH, PTRACE_SEIZE].contains(&args[0]) => (arg(1), 0),
            _ => return None,
        };
        let errno = i32::try_from(-facts.call.ret).unwrap_or(0);
        let queued = facts.name()?.contains("queueinfo");
        // A siginfo that the caller may not send, or that can't be read; no such process.
        let refused = [libc::ESRCH, libc::EFAULT, libc::EINVAL, libc::EBADF].contains(&errno)
            || (queued && errno == libc::EPERM);
        if pid <= 0 || signal > SIGNALS || refused || !same_pids(facts.task.pid) {
            return None;
        }
        self.process(u32::try_from(pid).ok()?, facts)
    }

    fn process(&self, tid: u32, facts: &CallFacts) -> Option<(TargetFacts, Option<Bytes>)> {
        let read = |name: &str| fs::read(format!("/proc/{tid}/{name}")).ok();
        let text = |name: &str| read(name).and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((pid, uid)) = read("status").as_deref().and_then(pid_and_uid) else {
            return self.remembered(tid, facts);
        };
        let comm = read("comm")?;
        let number = |name: &str| text(name).and_then(|t| t.trim().parse().ok());
        let (Some(auid), Some(ses)) = (number("loginuid"), number("sessionid")) else {
            return self.remembered(tid, facts);
        };
        let label = read("attr/current").map(|label| {
            let end = label.iter().position(|b| matches!(b, 0 | b'\n'));
            Bytes::copy_from_slice(&label[..end.unwrap_or(label.len())])
        });
        let target = TargetFacts {
            pid,
            auid,
            uid,
            ses,
            comm: padded(comm.strip_suffix(b"\n").unwrap_or(&comm)),
        };
        Some((target, label.filter(|label| !label.is_empty())))
    }

    /// It has ended by now.
    fn remembered(&self, pid: u32, facts: &CallFacts) -> Option<(TargetFacts, Option<Bytes>)> {
        let entry = self.processes.get(pid)?;
        // The session is not remembered; that of a child is its parent's.
        let ours = entry.auid == facts.task.auid;
        let target = TargetFacts {
            pid,
            auid: entry.auid,
            uid: entry.uid,
            ses: if ours { facts.task.ses } else { u32::MAX },
            comm: padded(&entry.comm),
        };
        Some((target, facts.subj.clone()))
    }
}

fn padded(comm: &[u8]) -> [u8; 16] {
    let mut padded = [0; 16];
    let comm = until_nul(comm);
    let len = comm.len().min(15);
    padded[..len].copy_from_slice(&comm[..len]);
    padded
}

/// Tgid and real uid of proc_pid_status(5).
fn pid_and_uid(status: &[u8]) -> Option<(u32, u32)> {
    let field = |name: &[u8]| {
        let mut lines = status.split(|b| *b == b'\n');
        let line = lines.find(|line| line.starts_with(name))?;
        let words = std::str::from_utf8(line).ok()?;
        words.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Some((field(b"Tgid:")?, field(b"Uid:")?))
}

/// Whether the caller's numbers of processes are this process's.
fn same_pids(caller: u32) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    match of(&caller.to_string()) {
        Some(theirs) => of("self") == Some(theirs),
        // It has ended: most have.
        None => true,
    }
}

/// The process behind a pidfd, from proc_pid_fdinfo(5), if the caller still has it.
fn behind_pidfd(facts: &CallFacts, fd: i32) -> Option<i32> {
    let info = fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", facts.task.pid)).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_process_and_user() {
        let status = b"Name:\tx\nTgid:\t77\nNgid:\t0\nPid:\t78\nUid:\t5\t6\t7\t8\n";
        assert_eq!(pid_and_uid(status), Some((77, 5)));
        assert_eq!(pid_and_uid(b"Tgid:\t77\n"), None);
    }

    #[test]
    fn a_name_fits_its_field() {
        assert_eq!(padded(b"sixteen-bytes-xx")[15], 0);
        assert_eq!(&padded(b"a\0b")[..2], b"a\0");
    }
}
