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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Caveats, Exec, Process, Syscall};

    /// A call at a second: an exec of `argv`, or another call of a process titled so.
    fn call(at: u64, [ppid, pid]: [u32; 2], exe: &'static str, argv: &str, exec: bool) -> Event {
        let words = || argv.split(' ').map(|arg| Bytes::from(arg.to_owned()));
        let what = if exec {
            What::Exec(Exec {
                argv: words().collect(),
                ..Exec::default()
            })
        } else {
            What::Other
        };
        Event {
            time_ns: at * 1_000_000_000,
            serial: 1,
            call: Some(Syscall {
                arch: 0xc000_003e,
                nr: 59,
                args: [0; 4],
                exit: 0,
                personality: 0,
            }),
            who: Process {
                pid,
                ppid,
                exe: Some(exe.into()),
                ..Process::default()
            },
            cwd: None,
            paths: Vec::new(),
            proctitle: argv.replace(' ', "\0").into(),
            key: None,
            what,
            aux: Vec::new(),
            caveats: Caveats::default(),
        }
    }

    fn lines(table: &ProcessTable, pid: u32) -> Vec<String> {
        let own = table.get(pid).into_iter();
        let line = |entry: &ProcessEntry| String::from_utf8_lossy(&entry.argv.join(&b' ')).into();
        own.chain(table.ancestors(pid)).map(line).collect()
    }

    #[test]
    fn ancestors_come_from_execs_and_other_calls() {
        let mut table = ProcessTable::new(100);
        table.replayed(&call(9, [10, 20], "/bin/sh", "sh -c x", true));
        // Older than the log: its title is all there is.
        table.replayed(&call(10, [1, 10], "/sbin/sshd", "sshd -D", false));
        table.replayed(&call(11, [20, 30], "/bin/id", "id -u", true));
        assert_eq!(lines(&table, 30), ["id -u", "sh -c x", "sshd -D"]);
        // A call changes nothing, nor does a new parent; another image does.
        table.replayed(&call(12, [20, 30], "/bin/id", "stale", false));
        table.replayed(&call(13, [1, 30], "/bin/id", "stale", false));
        assert_eq!(lines(&table, 30), ["id -u", "sh -c x", "sshd -D"]);
        table.replayed(&call(14, [20, 30], "/bin/ls", "ls", true));
        assert_eq!(lines(&table, 30), ["ls", "sh -c x", "sshd -D"]);
    }

    #[test]
    fn a_failed_exec_is_none() {
        let mut table = ProcessTable::new(100);
        table.replayed(&call(9, [10, 20], "/bin/sh", "sh", true));
        let mut failed = call(10, [10, 20], "/bin/sh", "id", true);
        failed.call.as_mut().expect("a call").exit = -2;
        table.replayed(&failed);
        assert_eq!(lines(&table, 20), ["sh"]);
    }

    #[test]
    fn a_pid_used_again_is_no_ancestor_of_older_processes() {
        let mut table = ProcessTable::new(100);
        table.replayed(&call(1, [10, 20], "/bin/sh", "sh", true));
        table.replayed(&call(2, [20, 30], "/bin/sleep", "sleep 9", true));
        table.replayed(&call(500, [77, 20], "/bin/other", "other", true));
        assert_eq!(lines(&table, 30), ["sleep 9"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut table = ProcessTable::new(16);
        for pid in 1..1000 {
            table.replayed(&call(pid.into(), [1, pid], "/bin/x", "x", true));
            table.replayed(&call(pid.into(), [1, pid], "/bin/y", "y", true));
        }
        assert_eq!(table.entries().count(), 16);
        assert!(table.get(999).is_some() && table.get(1).is_none());
    }
}
