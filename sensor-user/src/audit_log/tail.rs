//! Times and serials that go on where the log before ended: within one log no event has the number of
//! another, and a clock that was set back does not take the log with it.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::rotate::numbered;
use crate::event::Event;

/// Enough for several of the longest records (8970 bytes and what ENRICHED adds).
const TAIL: u64 = 1 << 18;

/// What the end of a log says: `audit(SEC.mmm:SERIAL)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// The latest time, milliseconds since the epoch.
    pub time_ms: u64,
    /// The serial that was given last.
    pub serial: u32,
}

impl Last {
    /// The serial for the next event: they count up, and after `u32::MAX` comes 1, as 0 is none.
    #[must_use]
    pub fn next_serial(last: Option<Self>) -> u32 {
        last.map_or(1, |last| last.serial.wrapping_add(1).max(1))
    }

    /// Of the log at `path`, or of `path.1` when that has no record (the sensor ended just after a
    /// rotation).
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        for path in [path.to_owned(), numbered(path, 1)] {
            match open(&path).and_then(|file| end_of(&file)) {
                Ok(Some(last)) => return Ok(Some(last)),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Waits for no pipe, follows no link.
fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    File::options().read(true).custom_flags(flags).open(path)
}

fn end_of(mut file: &File) -> io::Result<Option<Last>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let start = metadata.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(last_of(&tail))
}

/// Of some text; torn and foreign lines say nothing.
fn last_of(tail: &[u8]) -> Option<Last> {
    // What follows the last newline may be torn, within the serial's digits even.
    let end = tail.iter().rposition(|b| *b == b'\n')?;
    let stamps = tail[..end].split(|b| *b == b'\n').filter_map(stamp_of);
    stamps.reduce(|a, b| Last {
        time_ms: a.time_ms.max(b.time_ms),
        serial: later(a.serial, b.serial),
    })
}

/// The later of two serials: counting up from the earlier is the shorter way, as numbers wrap.
fn later(a: u32, b: u32) -> u32 {
    if b.wrapping_sub(a) < 1 << 31 { b } else { a }
}

/// `[node=NAME ]type=TYPE msg=audit(SEC.mmm:SERIAL): `
fn stamp_of(line: &[u8]) -> Option<Last> {
    let line = &line[..line.len().min(512)];
    let line = std::str::from_utf8(line.split(|b| *b == b')').next()?).ok()?;
    let (head, stamp) = line.split_once(" msg=audit(")?;
    if !head.starts_with("type=") && !head.starts_with("node=") {
        return None;
    }
    let (seconds, rest) = stamp.split_once('.')?;
    let (ms, serial) = rest.split_once(':')?;
    let (seconds, ms): (u64, u64) = (seconds.parse().ok()?, ms.parse().ok()?);
    Some(Last {
        time_ms: seconds.checked_mul(1000)?.checked_add(ms)?,
        serial: serial.parse().ok()?,
    })
}

/// Gives events their numbers, and times that do not go back behind what is written.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    last: Option<Last>,
}

impl Stamp {
    /// Goes on after `last`.
    #[must_use]
    pub fn after(last: Option<Last>) -> Self {
        Self { last }
    }

    /// What was written last.
    #[must_use]
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Numbers an event. Its time is when the call began, so that one that took long is dated
    /// before others that are written already, as auditd's are; but when the clock itself (`now_ns`)
    /// is behind what is written, it was set back, and the event gets the last written time.
    pub fn number(&mut self, event: &mut Event, now_ns: impl FnOnce() -> u64) {
        let (time_ns, serial) = self.next(event.time_ns, now_ns);
        (event.time_ns, event.serial) = (time_ns, serial);
    }

    /// The same for a record that no event is behind.
    pub(super) fn next(&mut self, time_ns: u64, now_ns: impl FnOnce() -> u64) -> (u64, u32) {
        const MS: u64 = 1_000_000;
        let floor_ms = self.last.map_or(0, |last| last.time_ms);
        let set_back = time_ns / MS < floor_ms && now_ns() / MS < floor_ms;
        let time_ns = if set_back { floor_ms * MS } else { time_ns };
        let serial = Last::next_serial(self.last);
        let time_ms = floor_ms.max(time_ns / MS);
        self.last = Some(Last { time_ms, serial });
        (time_ns, serial)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn last(time_ms: u64, serial: u32) -> Last {
        Last { time_ms, serial }
    }

    #[test]
    fn the_end_of_a_log_is_found() {
        let line = |stamp: &str| format!("type=CWD msg=audit({stamp}): cwd=\"/\"\n");
        for (text, expect) in [
            (String::new(), None),
            ("nonsense\n\u{1}\n".to_owned(), None),
            (line("12.345:7"), Some(last(12_345, 7))),
            (
                format!("node=a {}", line("12.345:7")),
                Some(last(12_345, 7)),
            ),
            (
                line("12.345:7") + "type=CWD msg=audit(99.000:99",
                Some(last(12_345, 7)),
            ),
            (
                line("12.345:7") + "type=CWD msg=audit(99.000:9\n",
                Some(last(99_000, 9)),
            ),
            (line("12.345:7") + &line("11.000:8"), Some(last(12_345, 8))),
            (line("12.345:8") + &line("12.345:7"), Some(last(12_345, 8))),
            (
                line("1.000:4294967295") + &line("1.000:2"),
                Some(last(1000, 2)),
            ),
            (line("99999999999999999999.000:1"), None),
            (line("1.000:4294967296"), None),
        ] {
            assert_eq!(last_of(text.as_bytes()), expect, "{text:?}");
        }
    }

    #[test]
    fn an_empty_log_asks_the_one_before() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("audit.log");
        assert_eq!(Last::read(&path).expect("none"), None);
        let before = format!("{}type=EOE msg=audit(3.004:5): \n", "x\n".repeat(300_000));
        fs::write(numbered(&path, 1), before).expect("write");
        fs::write(&path, "").expect("write");
        assert_eq!(Last::read(&path).expect("before"), Some(last(3004, 5)));
        fs::write(&path, "type=EOE msg=audit(2.000:6): \n").expect("write");
        assert_eq!(Last::read(&path).expect("now"), Some(last(2000, 6)));
        fs::write(&path, "").expect("write");
        fs::remove_file(numbered(&path, 1)).expect("remove");
        fs::create_dir(numbered(&path, 1)).expect("a directory in its place");
        assert_eq!(Last::read(&path).expect("none"), None);
    }

    #[test]
    fn times_and_serials_go_on() {
        const S: u64 = 1_000_000_000;
        let mut stamp = Stamp::after(Some(last(5000, u32::MAX)));
        // A call that began before what is written, while the clock goes on.
        assert_eq!(stamp.next(4 * S, || 6 * S), (4 * S, 1));
        assert_eq!(stamp.next(6 * S + 1, || 6 * S + 2), (6 * S + 1, 2));
        assert_eq!(stamp.last(), Some(last(6000, 2)));
        // The clock is set back.
        assert_eq!(stamp.next(3 * S, || 3 * S), (6 * S, 3));
        assert_eq!(stamp.next(7 * S, || 7 * S), (7 * S, 4));
        assert_eq!(Stamp::default().next(9, || 9), (9, 1));
    }
}
