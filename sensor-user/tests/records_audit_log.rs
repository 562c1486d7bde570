//! `--audit-log` on a disk that is really full: a tmpfs of 64 KiB in this test's own mount
//! namespace, which goes with the process.

use std::{env, fs, path::Path, process::Command};

use auklet::audit_log::{Action, AuditLog, LogSettings, Reason};

const DIRECTORY: &str = "AUKLET_TEST_FULL_DISK";
/// What the shell says when it may not mount.
const NO_MOUNT: i32 = 77;
const EVENT: &[u8] = b"type=SYSCALL msg=audit(1.000:1): a\ntype=PROCTITLE msg=audit(1.000:1): b\n";

#[test]
fn a_full_disk_leaves_whole_events() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        let directory = Path::new(&directory);
        fill(directory);
        suspend(directory);
        return rotate(directory);
    }
    let directory = tempfile::tempdir().expect("directory");
    let script = format!(
        "mount -t tmpfs -o size=64k none \"${DIRECTORY}\" || exit {NO_MOUNT}
         exec \"$0\" --exact a_full_disk_leaves_whole_events"
    );
    let run = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .arg(env::current_exe().expect("this test"))
        .env(DIRECTORY, directory.path())
        .output();
    match run {
        Err(error) => eprintln!("skipped: unshare: {error}"),
        Ok(run) if run.status.success() => {}
        Ok(run) => {
            let said = String::from_utf8_lossy(&run.stderr);
            let not_allowed = said.starts_with("unshare: ") || run.status.code() == Some(NO_MOUNT);
            let shown = String::from_utf8_lossy(&run.stdout);
            assert!(not_allowed, "{said}{shown}");
            eprintln!("skipped: needs root to mount: {said}");
        }
    }
}

fn fill(directory: &Path) {
    let path = directory.join("audit.log");
    let mut log = AuditLog::open(&path).expect("open");
    let mut kept = 0;
    let error = loop {
        assert!(kept < 10_000, "the disk is not full");
        match log.write_event(EVENT) {
            Ok(()) => kept += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("No space left on device"), "{error}");
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert!(error.contains(&format!("the {kept} events")), "{error}");
    assert!(fs::read(&path).expect("read") == EVENT.repeat(kept));

    // Room again: the log goes on without a gap.
    fs::write(&path, b"").expect("cut");
    log.write_event(EVENT).expect("room");
    assert!(fs::read(&path).expect("read") == EVENT);
}

/// Suspended, told, resumed by the next look once there is room.
fn suspend(directory: &Path) {
    let path = directory.join("suspended.log");
    let ballast = directory.join("ballast");
    let settings = LogSettings {
        disk_full_action: Action::Suspend,
        ..LogSettings::default()
    };
    let mut log = AuditLog::open_with(&path, settings).expect("open");
    log.write_event(EVENT).expect("room");
    fs::write(&ballast, vec![0; 1 << 20]).expect_err("no room for all of it");
    for _ in 0..2000 {
        log.write_event(EVENT).expect("counted");
    }
    let state = log.state();
    assert_eq!(state.suspended, Some(Reason::DiskFull));
    assert_eq!(state.events + state.missed, 2001);
    log.look().expect("look");
    assert!(
        log.state().suspended.is_some(),
        "1 MiB is more than there is"
    );
    fs::remove_file(&ballast).expect("remove");
    log.resume();
    log.write_event(EVENT).expect("room");
    let text = fs::read_to_string(&path).expect("read");
    let missed = format!(
        "op=resume-logging reason=disk-full missed={} ",
        state.missed
    );
    assert!(text.contains(&missed), "{text}");
    assert!(text.ends_with(std::str::from_utf8(EVENT).expect("text")));
    let events = u64::try_from(text.matches("type=SYSCALL").count()).expect("few");
    assert_eq!(events, state.events + 1);
    let torn = text.lines().filter(|line| !line.starts_with("type="));
    assert_eq!(torn.count(), 0, "{text}");
    drop(log);
    fs::remove_file(&path).expect("remove");
}

/// A full disk drops the oldest file and loses no new event.
fn rotate(directory: &Path) {
    let path = directory.join("rotated.log");
    let settings = LogSettings {
        disk_full_action: Action::Rotate,
        num_logs: 2,
        ..LogSettings::default()
    };
    let mut log = AuditLog::open_with(&path, settings).expect("open");
    fs::write(directory.join("audit.log"), b"").expect("cut");
    let mut written = 0;
    while log.state().rotated < 4 && written < 20_000 {
        log.write_event(EVENT).expect("counted");
        written += 1;
    }
    let state = log.state();
    assert_eq!(state.rotated, 4);
    assert_eq!(state.events + state.missed, written);
    for path in [path, directory.join("rotated.log.1")] {
        let content = fs::read(&path).expect("read");
        assert!(content.chunks(EVENT.len()).all(|event| event == EVENT));
    }
}
