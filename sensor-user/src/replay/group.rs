//! From records to whole events. Records of one event have node, time and serial in common; those of
//! others may stand between them. An event is over at EOE, which auditd gives to its plug-ins but
//! doesn't write, or at PROCTITLE, the last record of a system call (kernel/auditsc.c:
//! audit_log_exit); else when nothing more of it came for a while.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::line::Line;
use crate::records::types;

/// Time in the log after which no further record is expected, as auditd's own readers have it
/// (auparse(3), AUPARSE_CB_EVENT_READY).
const QUIET_MS: u64 = 2000;
/// Lines after which none is: clocks are set back, too.
const QUIET_LINES: u64 = 4096;
/// Events under way at once.
const EVENTS: usize = 1024;
/// Bytes of all events under way, and of one.
const BYTES: usize = 32 << 20;
const EVENT_BYTES: usize = 8 << 20;

/// The records of one event.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) records: Vec<Line>,
    /// A bound ended it, not what the log says.
    pub(super) cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    ms: u64,
    serial: u32,
    node: Option<Bytes>,
}

#[derive(Debug, Default)]
struct Pending {
    records: Vec<Line>,
    bytes: usize,
    /// Tells it from an earlier event with the same key.
    id: u64,
    /// Clock and count of lines at its last record.
    clock_ms: u64,
    line: u64,
}

/// Events under way.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pending: HashMap<Key, Pending>,
    /// Oldest first; those that are over are passed over.
    order: VecDeque<(u64, Key)>,
    bytes: usize,
    /// The latest time in the log. A record can be much older: a call that blocked has the time at
    /// which it began. So this never goes back, and after the clock was set back lines count alone.
    clock_ms: u64,
    lines: u64,
}

impl Groups {
    /// Takes one record; events that are over go to `done`.
    pub(super) fn push(&mut self, line: Line, done: &mut VecDeque<Group>) {
        self.lines += 1;
        self.clock_ms = self.clock_ms.max(line.ms);
        let key = Key {
            ms: line.ms,
            serial: line.serial,
            node: line.node.clone(),
        };
        match &*line.kind {
            b"EOE" => self.finish(&key, false, done),
            b"PROCTITLE" => {
                self.add(&key, line);
                self.finish(&key, false, done);
            }
            kind if !self.pending.contains_key(&key) && is_alone(kind) => {
                let records = vec![line];
                let cut = false;
                done.push_back(Group { records, cut });
            }
            _ => self.add(&key, line),
        }
        if self
            .pending
            .get(&key)
            .is_some_and(|event| event.bytes > EVENT_BYTES)
        {
            self.finish(&key, true, done);
        }
        self.expire(done);
    }

    /// There are no more records.
    pub(super) fn end(&mut self, done: &mut VecDeque<Group>) {
        while let Some((id, key)) = self.order.pop_front() {
            self.finish_id(id, &key, false, done);
        }
    }

    fn add(&mut self, key: &Key, line: Line) {
        // What one costs beside its text, so that empty ones are not free.
        let bytes = line.text.len() + size_of::<Line>();
        let event = match self.pending.get_mut(key) {
            Some(event) => event,
            None => {
                self.order.push_back((self.lines, key.clone()));
                let event = Pending {
                    id: self.lines,
                    ..Pending::default()
                };
                self.pending.entry(key.clone()).or_insert(event)
            }
        };
        event.clock_ms = self.clock_ms;
        event.line = self.lines;
        event.bytes += bytes;
        event.records.push(line);
        self.bytes += bytes;
    }

    fn finish(&mut self, key: &Key, cut: bool, done: &mut VecDeque<Group>) {
        if let Some(event) = self.pending.remove(key) {
            self.bytes -= event.bytes;
            let records = event.records;
            done.push_back(Group { records, cut });
        }
    }

    fn finish_id(&mut self, id: u64, key: &Key, cut: bool, done: &mut VecDeque<Group>) {
        if self.pending.get(key).is_some_and(|event| event.id == id) {
            self.finish(key, cut, done);
        }
    }

    /// Ends the oldest events while they are quiet, or too many.
    fn expire(&mut self, done: &mut VecDeque<Group>) {
        while let Some((id, key)) = self.order.front() {
            let event = self.pending.get(key).filter(|event| event.id == *id);
            let quiet = event.is_none_or(|event| {
                self.clock_ms - event.clock_ms > QUIET_MS || self.lines - event.line > QUIET_LINES
            });
            if !quiet && self.pending.len() <= EVENTS && self.bytes <= BYTES {
                return;
            }
            let Some((id, key)) = self.order.pop_front() else {
                return;
            };
            self.finish_id(id, &key, !quiet, done);
        }
    }
}

/// Whether a record of this type is an event of its own: what programs send, what auditd says of
/// itself, SECCOMP and ANOM_ABEND, which no system call's context is open for.
fn is_alone(kind: &[u8]) -> bool {
    const PARTS: [&[u8]; 4] = [b"SYSCALL", b"PATH", b"CWD", b"EXECVE"];
    if PARTS.contains(&kind) {
        return false; // most lines: spares the search
    }
    let number = std::str::from_utf8(kind).ok().and_then(types::number);
    number.is_some_and(|number| {
        types::is_user_message(number) || matches!(number, 1005 | 1200..=1299 | 1326 | 1701)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines are `KIND MS SERIAL [NODE]`; events come out as the kinds of their records.
    fn groups(lines: &str) -> Vec<String> {
        let (mut groups, mut done) = (Groups::default(), VecDeque::new());
        for line in lines.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let node = words.get(3).map_or(String::new(), |n| format!("node={n} "));
            let ms: u64 = words[1].parse().expect("a number");
            let (kind, serial) = (words[0], words[2]);
            let (s, ms) = (ms / 1000, ms % 1000);
            let text = format!("{node}type={kind} msg=audit({s}.{ms:03}:{serial}): x");
            groups.push(Line::parse(&text.into()).expect("a record"), &mut done);
        }
        groups.end(&mut done);
        let kinds = |group: Group| {
            let kinds = group
                .records
                .iter()
                .map(|r| String::from_utf8_lossy(&r.kind));
            kinds.collect::<Vec<_>>().join("+")
        };
        done.into_iter().map(kinds).collect()
    }

    #[track_caller]
    fn check(lines: &str, expect: &[&str]) {
        assert_eq!(groups(lines), expect);
    }

    #[test]
    fn events_end_where_the_log_says() {
        check(
            "SYSCALL 5 1\nPROCTITLE 5 1\nEOE 5 1",
            &["SYSCALL+PROCTITLE"],
        );
        check(
            "URINGOP 5 1\nCWD 5 1\nEOE 5 1\nAVC 6 2",
            &["URINGOP+CWD", "AVC"],
        );
        check(
            "SYSCALL 5 1\nSYSCALL 5 2\nCWD 5 1\nPROCTITLE 5 2\nPROCTITLE 5 1",
            &["SYSCALL+PROCTITLE", "SYSCALL+CWD+PROCTITLE"],
        );
        check(
            "SYSCALL 5 1 a\nPROCTITLE 5 1 b\nPROCTITLE 5 1 a",
            &["PROCTITLE", "SYSCALL+PROCTITLE"],
        );
        check(
            "SYSCALL 9 1\nUSER_CMD 9 2\nSECCOMP 9 3",
            &["USER_CMD", "SECCOMP", "SYSCALL"],
        );
        check(
            "DAEMON_START 5 1\nDAEMON_END 5 1",
            &["DAEMON_START", "DAEMON_END"],
        );
    }

    #[test]
    fn a_serial_of_another_time_is_another_event() {
        check(
            "URINGOP 9000 1\nURINGOP 100 1\nPATH 9000 1",
            &["URINGOP+PATH", "URINGOP"],
        );
    }

    #[test]
    fn quiet_events_end_late_ones_stay_whole() {
        check(
            "URINGOP 0 1\nURINGOP 2001 2\nPATH 0 1",
            &["URINGOP", "URINGOP", "PATH"],
        );
        // A call that blocked for an hour, between others.
        check(
            "AVC 3600000 1\nSYSCALL 5 2\nAVC 3600000 3\nPATH 5 2\nPROCTITLE 5 2",
            &["SYSCALL+PATH+PROCTITLE", "AVC", "AVC"],
        );
    }

    #[test]
    fn memory_is_bounded() {
        let (mut groups, mut done) = (Groups::default(), VecDeque::new());
        for serial in 0..5000 {
            let text = format!("type=SYSCALL msg=audit(1.000:{serial}): x");
            groups.push(Line::parse(&text.into()).expect("a record"), &mut done);
            assert!(groups.pending.len() <= EVENTS && groups.order.len() <= EVENTS);
        }
        assert!(done.iter().all(|group| group.cut));
        let line = Bytes::from("type=PATH msg=audit(1.000:9): ".to_owned() + &"x".repeat(60_000));
        for _ in 0..1000 {
            groups.push(Line::parse(&line).expect("a record"), &mut done);
            assert!(groups.bytes <= BYTES);
        }
        assert!(done.iter().any(|group| group.records.len() > 100));
    }
}
