//! Tests of logs in real files.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, symlink},
};

use super::*;

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
