use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt as _, symlink},
    path::PathBuf,
};

use super::{append::Log, rotate::Keep, store::Store, *};
#[test]
fn appends_with_mode_0600_and_ends_a_torn_line() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("audit.log");
    AuditLog::open(&path)
        .expect("open")
        .write_event(b"type=A\n")
        .expect("write");
    assert_eq!(path.metadata().expect("metadata").mode() & 0o777, 0o600);
    fs::write(&path, b"type=A\ntype=B tor").expect("write");
    AuditLog::open(&path)
        .expect("open")
        .write_event(b"type=C\n")
        .expect("write");
    assert_eq!(
        fs::read(&path).expect("read"),
        b"type=A\ntype=B tor\ntype=C\n"
    );
}

#[test]
fn links_devices_and_directories_are_refused() {
    let dir = tempfile::tempdir().expect("directory");
    let link = dir.path().join("link");
    symlink("/tmp/elsewhere", &link).expect("link");
    let refused = |path: &Path| AuditLog::open(path).expect_err("refused").to_string();
    for path in [&link, Path::new("/dev/null"), dir.path()] {
        let error = refused(path);
        assert!(error.starts_with("open audit log "), "{error}");
    }
    assert!(refused(&link).contains("symbolic link"));
    assert!(refused(Path::new("/dev/null")).contains("not a regular file"));
}

/// A disk of `room` bytes, with a rotation that may fail.
#[derive(Debug, Default)]
struct Fake {
    files: Vec<Vec<u8>>,
    room: usize,
    broken: bool,
    stuck: bool,
    flushed: u32,
}

impl Fake {
    fn new(room: usize) -> Self {
        Self {
            files: vec![Vec::new()],
            room,
            ..Self::default()
        }
    }

    fn used(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }

    fn current(&mut self) -> &mut Vec<u8> {
        self.files.last_mut().expect("a file")
    }
}

impl Write for Fake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        let taken = bytes
            .len()
            .min(self.room.saturating_sub(self.used()))
            .min(5);
        if taken == 0 {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        self.current().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for Fake {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.files.last().map_or(0, Vec::len) as u64)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.current()
            .truncate(usize::try_from(bytes).expect("small"));
        Ok(())
    }
}

impl Store for Fake {
    fn rotate(&mut self, keep: Keep) -> io::Result<()> {
        if self.stuck {
            return Err(io::Error::from_raw_os_error(libc::EBUSY));
        }
        self.files.push(Vec::new());
        if let Keep::Files(files) = keep {
            let excess = self.files.len().saturating_sub(usize::from(files));
            self.files.drain(..excess);
        }
        Ok(())
    }

    fn flush_data(&mut self, _background: bool) -> io::Result<()> {
        self.flushed += 1;
        if self.broken {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        Ok(self.room.saturating_sub(self.used()) as u64)
    }
}

const EVENT: &[u8] = b"type=A\ntype=B\n";

fn log(room: usize, settings: LogSettings) -> LogFile<Fake> {
    LogFile::new(PathBuf::from("audit.log"), Fake::new(room), settings).expect("new")
}

fn write(log: &mut LogFile<Fake>) -> Outcome {
    log.write(EVENT).expect("not an error")
}

#[track_caller]
fn whole(log: &LogFile<Fake>) {
    for file in &log.store.files {
        assert!(
            file.chunks(EVENT.len()).all(|event| event == EVENT),
            "{file:?}"
        );
    }
}

#[test]
fn a_full_disk_suspends_and_room_resumes() {
    let settings = LogSettings {
        disk_full_action: Action::Suspend,
        ..LogSettings::default()
    };
    let mut log = log(40, settings);
    assert_eq!([write(&mut log), write(&mut log)], [Outcome::Written; 2]);
    assert_eq!(write(&mut log), Outcome::Suspended(Reason::DiskFull));
    assert_eq!([write(&mut log), write(&mut log)], [Outcome::Missed; 2]);
    whole(&log);
    assert!(!log.has_room_again());
    log.store.room = 2 << 20;
    assert!(log.has_room_again());
    let over = log.resume().expect("suspended");
    assert_eq!((over.reason, over.missed), (Reason::DiskFull, 3));
    assert_eq!(write(&mut log), Outcome::Written);
    let state = log.state();
    assert_eq!((state.events, state.missed, state.suspended), (3, 3, None));
    assert_eq!(log.resume(), None);
    whole(&log);
}

#[test]
fn each_action_on_a_full_disk() {
    use Outcome::{Missed, Written};
    for (action, num_logs, expect) in [
        (Action::Ignore, 0, [Written, Written, Missed, Missed]),
        (Action::Syslog, 0, [Written, Written, Missed, Missed]),
        (Action::Rotate, 0, [Written, Written, Missed, Missed]),
        (Action::Rotate, 2, [Written, Written, Missed, Missed]),
    ] {
        let settings = LogSettings {
            disk_full_action: action,
            num_logs,
            ..LogSettings::default()
        };
        let mut log = log(40, settings);
        let outcomes = [(); 4].map(|()| write(&mut log));
        if num_logs == 0 {
            assert_eq!(outcomes, expect, "{action:?}");
        } else {
            // The second rotation drops the full file.
            assert_eq!(outcomes, [Written, Written, Missed, Written]);
        }
        whole(&log);
    }
}

#[test]
fn stop_is_an_error_that_says_what_is_kept() {
    let mut log = log(40, LogSettings::default());
    assert_eq!([write(&mut log), write(&mut log)], [Outcome::Written; 2]);
    let error = log.write(EVENT).expect_err("full").to_string();
    assert!(error.contains("the 2 events before stay whole"), "{error}");
    log.store.broken = true;
    let error = log.write(EVENT).expect_err("broken").to_string();
    assert!(error.contains("Input/output error"), "{error}");
    whole(&log);
}

#[test]
fn a_disk_that_fails_suspends_until_told() {
    let settings = LogSettings {
        disk_error_action: Action::Suspend,
        ..LogSettings::default()
    };
    let mut log = log(1 << 20, settings);
    write(&mut log);
    log.store.broken = true;
    assert_eq!(write(&mut log), Outcome::Suspended(Reason::DiskError));
    log.store.broken = false;
    assert!(!log.has_room_again(), "only SIGUSR2 ends it");
    assert_eq!(write(&mut log), Outcome::Missed);
    assert_eq!(log.resume().map(|over| over.missed), Some(2));
    assert_eq!(write(&mut log), Outcome::Written);
    whole(&log);
}

#[test]
fn size_limits_rotate_keep_suspend_or_do_nothing() {
    let size = EVENT.len() as u64 * 2;
    for (action, num_logs, files, rotated) in [
        (SizeAction::Rotate, 3, 3, 5),
        (SizeAction::Rotate, 1, 1, 0),
        (SizeAction::KeepLogs, 0, 6, 5),
        (SizeAction::Ignore, 3, 1, 0),
        (SizeAction::Syslog, 3, 1, 0),
    ] {
        let settings = LogSettings {
            max_log_file: size,
            max_log_file_action: action,
            num_logs,
            ..LogSettings::default()
        };
        let mut log = log(1 << 20, settings);
        for _ in 0..10 {
            assert_eq!(write(&mut log), Outcome::Written);
        }
        assert_eq!(log.store.files.len(), files, "{action:?} {num_logs}");
        assert_eq!(log.state().rotated, rotated);
        whole(&log);
    }
    let settings = LogSettings {
        max_log_file: size,
        max_log_file_action: SizeAction::Suspend,
        ..LogSettings::default()
    };
    let mut log = log(1 << 20, settings);
    assert_eq!(write(&mut log), Outcome::Written);
    assert_eq!(write(&mut log), Outcome::Suspended(Reason::MaxLogFile));
    assert_eq!(log.state().events, 2, "the event that filled it is there");
    assert_eq!(log.resume().map(|over| over.missed), Some(0));
}

#[test]
fn a_rotation_that_fails_loses_nothing() {
    let settings = LogSettings {
        max_log_file: EVENT.len() as u64 * 8,
        num_logs: 3,
        ..LogSettings::default()
    };
    let mut log = log(1 << 20, settings);
    log.store.stuck = true;
    for _ in 0..20 {
        assert_eq!(write(&mut log), Outcome::Written);
    }
    assert_eq!(log.store.files, [EVENT.repeat(20)]);
    log.store.stuck = false;
    write(&mut log);
    assert_eq!(log.store.files, [EVENT.repeat(21), Vec::new()]);
    assert_eq!(log.state().rotated, 1);
}

#[test]
fn low_space_acts_once_until_there_is_more() {
    let limit = |mib, action| {
        Some(SpaceLimit {
            bytes: mib * MIB,
            action,
        })
    };
    let settings = LogSettings {
        space_left: limit(4, Action::Rotate),
        admin_space_left: limit(2, Action::Suspend),
        num_logs: 5,
        ..LogSettings::default()
    };
    let mut log = log(3 << 20, settings);
    write(&mut log);
    for _ in 0..3 {
        assert_eq!(log.look().expect("look"), Outcome::Written);
    }
    assert_eq!(log.state().rotated, 1);
    log.store.room = 1 << 20;
    assert_eq!(
        log.look().expect("look"),
        Outcome::Suspended(Reason::AdminSpaceLeft)
    );
    assert_eq!(write(&mut log), Outcome::Missed);
    assert!(!log.has_room_again());
    log.store.room = 8 << 20;
    assert!(log.has_room_again());
    assert_eq!(log.resume().map(|over| over.missed), Some(1));
    assert_eq!(log.look().expect("look"), Outcome::Written);
    assert_eq!(log.state().rotated, 1);

    let settings = LogSettings {
        space_left: limit(4, Action::Stop),
        ..LogSettings::default()
    };
    let mut log = self::log(1 << 20, settings);
    assert!(matches!(log.look(), Err(AuditLogError::Space { .. })));
}

#[test]
fn flushes_count_records() {
    for (flush, expect) in [
        (FlushMode::None, 0),
        (FlushMode::Incremental, 5),
        (FlushMode::IncrementalAsync, 5),
        (FlushMode::Data, 0),
    ] {
        let settings = LogSettings {
            flush,
            freq: 4,
            ..LogSettings::default()
        };
        let mut log = log(1 << 20, settings);
        for _ in 0..10 {
            write(&mut log);
        }
        assert_eq!(log.store.flushed, expect, "{flush:?}");
    }
    let settings = LogSettings {
        flush: FlushMode::Incremental,
        freq: 2,
        ..LogSettings::default()
    };
    let mut log = log(1 << 20, settings);
    log.store.broken = true;
    drop(log.write(b""));
    log.store.broken = false;
    write(&mut log);
    assert_eq!(log.store.flushed, 1);
}

/// A real file: what a suspension leaves in it, numbers that go on, node and interpretation.
#[test]
fn a_suspended_log_says_so_and_numbers_go_on() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("audit.log");
    fs::write(&path, "type=CWD msg=audit(5000000000.123:41): cwd=\"/\"\n").expect("write");
    let settings = LogSettings {
        log_format: LogFormat::Enriched,
        max_log_file: 100,
        max_log_file_action: SizeAction::Suspend,
        node: Some(b"db1".to_vec()),
        ..LogSettings::default()
    };
    let mut log = AuditLog::open_with(&path, settings).expect("open");
    let last = log.last().expect("last");
    assert_eq!((last.time_ms, last.serial), (5_000_000_000_123, 41));
    assert_eq!(Last::next_serial(log.last()), 42);
    assert_eq!(Last::next_serial(None), 1);
    let event = b"type=X msg=audit(5000000000.123:42): uid=0 a=0123456789\n";
    for _ in 0..3 {
        log.write_event(event).expect("write");
    }
    assert_eq!(log.state().suspended, Some(Reason::MaxLogFile));
    assert_eq!(log.state().missed, 2);
    log.resume();
    drop(log);
    let text = fs::read_to_string(&path).expect("read");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "node=db1 type=X msg=audit(5000000000.123:42): uid=0 a=0123456789\u{1d}UID=\"root\""
    );
    // The clock is behind the log: its time is kept.
    let begins = |line: &str, expect: &str| assert!(line.starts_with(expect), "{line}");
    begins(
        lines[2],
        "node=db1 type=DAEMON_ERR msg=audit(5000000000.123:42): op=suspend-logging \
         reason=max-log-file auid=",
    );
    begins(
        lines[3],
        "node=db1 type=DAEMON_RESUME msg=audit(5000000000.123:43): op=resume-logging \
         reason=max-log-file missed=2 auid=",
    );
    assert!(lines[3].ends_with(" res=success"));
    assert_eq!(lines.len(), 4);
    let log = AuditLog::open(&path).expect("open");
    assert_eq!(log.last().map(|last| last.serial), Some(43));
}

/// Rotation under way, by many small events: every one is there, once, in order.
#[test]
fn no_event_is_lost_over_rotations() {
    for flush in [
        FlushMode::None,
        FlushMode::Incremental,
        FlushMode::IncrementalAsync,
        FlushMode::Data,
        FlushMode::Sync,
    ] {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("audit.log");
        let settings = LogSettings {
            max_log_file: 100,
            max_log_file_action: SizeAction::KeepLogs,
            flush,
            freq: 3,
            ..LogSettings::default()
        };
        let mut log = AuditLog::open_with(&path, settings).expect("open");
        let event = |n| format!("type=A {n}\ntype=B {n}\n");
        for n in 0..50 {
            log.write_event(event(n).as_bytes()).expect("write");
        }
        let rotated = log.state().rotated;
        assert!(rotated > 5);
        drop(log);
        let old = (1..=u32::try_from(rotated).expect("few")).rev();
        let old = old.map(|n| fs::read_to_string(rotate::numbered(&path, n)).expect("old"));
        let all = old.collect::<String>() + &fs::read_to_string(&path).expect("current");
        assert_eq!(all, (0..50).map(event).collect::<String>(), "{flush:?}");
    }
}

#[test]
fn a_json_log_has_an_object_a_line_and_says_when_it_is_suspended() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("events.json");
    let settings = LogSettings {
        max_log_file: 10,
        max_log_file_action: SizeAction::Suspend,
        ..LogSettings::default()
    };
    let mut log = JsonLog::open_with(&path, settings).expect("open");
    let event = crate::run::gaps::Gap {
        cpu: 0,
        first: 1,
        count: 2,
    }
    .event(0);
    log.write_event(&event).expect("write");
    log.write_event(&event).expect("counted");
    log.resume();
    let text = fs::read_to_string(&path).expect("read");
    let values: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("json"))
        .collect();
    assert_eq!(values.len(), 3, "{text}");
    assert_eq!(values[0]["type"], "event");
    assert_eq!(values[1]["op"], "suspend");
    assert_eq!(values[2]["op"], "resume");
    assert_eq!(values[2]["missed"], 1);
    assert_eq!(path.metadata().expect("metadata").mode() & 0o777, 0o600);
}
