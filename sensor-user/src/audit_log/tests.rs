use std::{io::Write, path::PathBuf};

use super::{append::Log, rotate::Keep, store::Store, *};
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
