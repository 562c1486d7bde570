//! What an audit log tells of processes: their images and parents, as their calls are recorded. Of
//! forks and ends it says little, so an entry may have ended long ago.

use bytes::Bytes;

use super::{ProcessEntry, ProcessTable, keep};
use crate::event::{Event, What};

impl ProcessTable {
    /// Learns from a system call in a log. /proc is not asked. Every entry counts as ended, so that as
    /// many are kept as the table keeps of those.
    pub fn replayed(&mut self, event: &Event) {
        if event.call.is_none() {
            return;
        }
        let who = &event.who;
        let old = self.by_pid.get(&who.pid);
        // Another parent and another image: another process.
        let same = old.filter(|old| old.ppid == who.ppid || old.exe == who.exe);
        let executed = match &event.what {
            What::Exec(exec) if event.success() => Some(exec),
            _ => None,
        };
        if executed.is_none() && same.is_some_and(|old| old.exe == who.exe) {
            return;
        }
        let (argv, script) = match executed.filter(|exec| !exec.argv.is_empty()) {
            Some(exec) => (keep(&exec.argv), exec.script.clone()),
            None => (keep(&command_line(&event.proctitle)), None),
        };
        let started = if executed.is_some() { event.time_ns } else { 0 };
        let entry = ProcessEntry {
            pid: who.pid,
            ppid: same.map_or(who.ppid, |old| old.ppid),
            // By the log's clock; 0: it is older than what was read.
            start_ns: same.map_or(started, |old| old.start_ns),
            uid: who.uid,
            auid: who.auid,
            comm: Bytes::copy_from_slice(&who.comm),
            exe: who.exe.as_deref().map(Bytes::copy_from_slice),
            argv,
            script,
            exec_id: None,
            exited: false,
        };
        let (pid, start_ns) = (entry.pid, entry.start_ns);
        let known = same.is_some();
        self.by_pid.insert(pid, entry);
        if !known {
            self.end(pid, start_ns);
        } else if let Some(entry) = self.by_pid.get_mut(&pid) {
            entry.exited = true;
        }
    }
}

/// PROCTITLE's arguments: the first 128 bytes, which the kernel cuts at the end, too.
fn command_line(title: &Bytes) -> Vec<Bytes> {
    if title.is_empty() {
        return Vec::new();
    }
    title
        .split(|b| *b == 0)
        .map(|arg| title.slice_ref(arg))
        .collect()
}
