//! The process table: who every process is and whence it came, also after it ended.

mod procfs;
mod replayed;

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use sensor_ebpf::wire::Task;

/// What is known of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessEntry {
    pub pid: u32,
    /// The process that forked it; not the reaper it may have got since.
    pub ppid: u32,
    /// `CLOCK_BOOTTIME` at its start, nanoseconds.
    pub start_ns: u64,
    pub uid: u32,
    pub auid: u32,
    pub comm: Bytes,
    /// Executable as `d_path` prints it; `None` for a kernel thread or when unknown.
    pub exe: Option<Bytes>,
    /// Arguments, at most [`ARGV_KEPT`] bytes of them.
    pub argv: Vec<Bytes>,
    /// The script that the executable interprets, absolute.
    pub script: Option<Bytes>,
    /// `self_exec_id` when `exe` was right; `None`: read from /proc.
    pub exec_id: Option<u64>,
    /// It has ended.
    pub exited: bool,
}

/// Bytes of arguments kept for each process.
pub const ARGV_KEPT: usize = 4096;

/// /proc counts starts in ticks of 10 ms.
const START_TOLERANCE_NS: u64 = 20_000_000;

/// How far up [`ProcessTable::ancestors`] looks.
const ANCESTORS: usize = 16;

impl ProcessEntry {
    /// Whether this is the process with that start, not another that got its pid.
    #[must_use]
    pub fn is(&self, start_ns: u64) -> bool {
        start_ns == 0 || self.start_ns.abs_diff(start_ns) < START_TOLERANCE_NS
    }
}

/// Every live process and the latest dead ones, bounded.
#[derive(Debug)]
pub struct ProcessTable {
    by_pid: HashMap<u32, ProcessEntry>,
    /// Ended processes, oldest first, with their start.
    ended: VecDeque<(u32, u64)>,
    keep_ended: usize,
}

impl ProcessTable {
    /// An empty table that remembers `keep_ended` processes after their end.
    #[must_use]
    pub fn new(keep_ended: usize) -> Self {
        Self {
            by_pid: HashMap::new(),
            ended: VecDeque::new(),
            keep_ended,
        }
    }

    /// Adds the processes that are older than the sensor, from /proc.
    pub fn scan(&mut self) {
        for pid in procfs::pids() {
            if let Some(entry) = procfs::read(pid) {
                self.by_pid.entry(pid).or_insert(entry);
            }
        }
    }

    /// A process began: it has its parent's image until it executes another.
    pub fn forked(&mut self, child: &Task) {
        let parent = self
            .by_pid
            .get(&child.ppid)
            .cloned()
            .or_else(|| procfs::read(child.ppid));
        // A fork copies the parent's count of execs: another count means that an exec was lost.
        let right = |parent: &ProcessEntry| parent.exec_id.is_none_or(|id| id == child.exec_id);
        let inherited = parent
            .filter(right)
            .or_else(|| procfs::read(child.pid))
            .unwrap_or_default();
        let entry = ProcessEntry {
            pid: child.pid,
            ppid: child.ppid,
            start_ns: child.start_ns,
            uid: child.cred[0],
            auid: child.auid,
            comm: comm(child),
            exec_id: Some(child.exec_id),
            exited: false,
            ..inherited
        };
        self.by_pid.insert(child.pid, entry);
    }

    /// A process executed another image.
    pub fn executed(
        &mut self,
        task: &Task,
        exe: Option<Bytes>,
        argv: &[Bytes],
        script: Option<Bytes>,
    ) {
        let ppid = self.known(task).map_or(task.ppid, |entry| entry.ppid);
        let entry = ProcessEntry {
            pid: task.pid,
            ppid,
            start_ns: task.start_ns,
            uid: task.cred[0],
            auid: task.auid,
            comm: comm(task),
            exe,
            argv: keep(argv),
            script,
            exec_id: Some(task.exec_id),
            exited: false,
        };
        self.by_pid.insert(task.pid, entry);
    }

    /// A process ended; it is remembered as an ancestor for a while.
    pub fn exited(&mut self, task: &Task) {
        self.end(task.pid, task.start_ns);
    }

    /// Ends the processes that /proc no longer has: the news of their end was lost.
    pub fn sweep(&mut self) {
        let living: HashSet<u32> = procfs::pids().into_iter().collect();
        if living.is_empty() {
            return; // no /proc: nothing can be told
        }
        let lost = self
            .by_pid
            .values()
            .filter(|e| !e.exited && !living.contains(&e.pid));
        let lost: Vec<(u32, u64)> = lost.map(|e| (e.pid, e.start_ns)).collect();
        for (pid, start_ns) in lost {
            self.end(pid, start_ns);
        }
    }

    fn end(&mut self, pid: u32, start_ns: u64) {
        let Some(entry) = self.by_pid.get_mut(&pid).filter(|entry| entry.is(start_ns)) else {
            return;
        };
        entry.exited = true;
        self.ended.push_back((entry.pid, entry.start_ns));
        while self.ended.len() > self.keep_ended {
            let Some((pid, start_ns)) = self.ended.pop_front() else {
                break;
            };
            if self
                .by_pid
                .get(&pid)
                .is_some_and(|e| e.exited && e.start_ns == start_ns)
            {
                self.by_pid.remove(&pid);
            }
        }
    }

    /// The caller's entry if it is there and right: same process, same image.
    #[must_use]
    pub fn known(&self, task: &Task) -> Option<&ProcessEntry> {
        self.by_pid.get(&task.pid).filter(|entry| {
            entry.is(task.start_ns) && entry.exec_id.is_none_or(|id| id == task.exec_id)
        })
    }

    /// The caller's entry, read from /proc if it is missing or stale; true if it was. `exe` is its
    /// executable now, which may have been renamed or deleted since the exec.
    pub fn caller(&mut self, task: &Task, exe: Option<Bytes>) -> (&ProcessEntry, bool) {
        let missing = self.known(task).is_none();
        if missing {
            let mut entry = procfs::read(task.pid)
                .filter(|e| e.is(task.start_ns))
                .unwrap_or_default();
            entry.pid = task.pid;
            entry.ppid = task.ppid;
            entry.start_ns = task.start_ns;
            entry.comm = comm(task);
            self.by_pid.insert(task.pid, entry);
        }
        let entry = self.by_pid.entry(task.pid).or_default();
        // From here on another count of execs means another image.
        entry.exec_id = Some(task.exec_id);
        if exe.is_some() {
            entry.exe = exe;
        }
        (entry, missing)
    }

    /// By pid, the living or the latest dead.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<&ProcessEntry> {
        self.by_pid.get(&pid)
    }

    /// Parent, grandparent … of a process.
    #[must_use]
    pub fn ancestors(&self, pid: u32) -> Vec<&ProcessEntry> {
        let mut line: Vec<&ProcessEntry> = Vec::new();
        let mut next = self.by_pid.get(&pid);
        while let Some(entry) = next {
            let parent = self.by_pid.get(&entry.ppid).filter(|p| p.pid != entry.pid);
            // A parent is older than its child, else the pid was used again.
            next =
                parent.filter(|p| p.start_ns <= entry.start_ns.saturating_add(START_TOLERANCE_NS));
            if let Some(parent) = next {
                line.push(parent);
            }
            if line.len() >= ANCESTORS {
                break;
            }
        }
        line
    }

    /// All entries, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &ProcessEntry> {
        self.by_pid.values()
    }
}

/// `comm` without its padding.
#[must_use]
pub fn comm(task: &Task) -> Bytes {
    until_nul(&task.comm)
}

/// Bytes before the first NUL.
#[must_use]
pub fn until_nul(bytes: &[u8]) -> Bytes {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    Bytes::copy_from_slice(&bytes[..end])
}

/// As many whole arguments as may be kept; copies, so that no ring buffer record stays alive.
fn keep(argv: &[Bytes]) -> Vec<Bytes> {
    let mut left = ARGV_KEPT;
    let mut kept = Vec::new();
    for arg in argv {
        let len = arg.len().min(left);
        kept.push(Bytes::copy_from_slice(&arg[..len]));
        left -= len;
        if left == 0 {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
