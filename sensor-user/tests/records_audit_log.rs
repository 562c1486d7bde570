//! `--audit-log` on a disk that is really full: a tmpfs of 64 KiB in this test's own mount
//! namespace, which goes with the process.

use std::{env, fs, path::Path, process::Command};

use auklet::audit_log::AuditLog;

const DIRECTORY: &str = "AUKLET_TEST_FULL_DISK";
/// What the shell says when it may not mount.
const NO_MOUNT: i32 = 77;
const EVENT: &[u8] = b"type=SYSCALL msg=audit(1.000:1): a\ntype=PROCTITLE msg=audit(1.000:1): b\n";

#[test]
fn a_full_disk_leaves_whole_events() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return fill(Path::new(&directory));
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
