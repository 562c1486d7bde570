use super::*;

fn task(pid: u32, ppid: u32, start_ns: u64, exec_id: u64) -> Task {
    Task {
        pid,
        tid: pid,
        ppid,
        auid: u32::MAX,
        ses: u32::MAX,
        personality: 0,
        cred: [0; 8],
        start_ns,
        exec_id,
        comm: *b"test\0\0\0\0\0\0\0\0\0\0\0\0",
        tty: [0; 32],
    }
}

const SECOND: u64 = 1_000_000_000;

fn table() -> ProcessTable {
    let mut table = ProcessTable::new(2);
    table.executed(
        &task(1_000_001, 0, SECOND, 1),
        Some(Bytes::from_static(b"/sbin/init")),
        &[],
        None,
    );
    table.forked(&task(1_000_002, 1_000_001, 2 * SECOND, 1));
    table
}

#[test]
fn a_fork_has_its_parents_image_until_it_executes() {
    let mut table = table();
    assert_eq!(
        table.get(1_000_002).and_then(|e| e.exe.clone()),
        Some(Bytes::from_static(b"/sbin/init"))
    );
    let argv = [Bytes::from_static(b"sh"), Bytes::from_static(b"-c")];
    table.executed(
        &task(1_000_002, 1_000_001, 2 * SECOND, 2),
        Some(Bytes::from_static(b"/bin/sh")),
        &argv,
        None,
    );
    let entry = table.get(1_000_002).expect("entry");
    assert_eq!(
        (entry.exe.as_deref(), entry.argv.len()),
        (Some(&b"/bin/sh"[..]), 2)
    );
    assert_eq!(table.ancestors(1_000_002).len(), 1);
}

#[test]
fn an_exec_that_was_lost_makes_the_entry_stale() {
    let table = table();
    assert!(
        table
            .known(&task(1_000_002, 1_000_001, 2 * SECOND, 1))
            .is_some()
    );
    assert!(
        table
            .known(&task(1_000_002, 1_000_001, 2 * SECOND, 2))
            .is_none()
    );
}

#[test]
fn a_pid_used_again_is_another_process() {
    let mut table = table();
    table.exited(&task(1_000_002, 1_000_001, 2 * SECOND, 1));
    assert!(
        table
            .known(&task(1_000_002, 1_000_001, 9 * SECOND, 1))
            .is_none()
    );
    table.forked(&task(1_000_002, 1_000_001, 9 * SECOND, 1));
    assert!(table.get(1_000_002).is_some_and(|e| !e.exited));
}

#[test]
fn the_dead_are_remembered_within_a_bound() {
    let mut table = table();
    for n in 0..10u32 {
        let child = task(2_000_000 + n, 1_000_001, (3 + u64::from(n)) * SECOND, 1);
        table.forked(&child);
        table.exited(&child);
    }
    assert_eq!(table.entries().filter(|e| e.exited).count(), 2);
    assert_eq!(table.entries().count(), 4);
}

#[test]
fn ancestors_stop_at_a_younger_parent() {
    let mut table = table();
    table.forked(&task(1_000_001, 77, 50 * SECOND, 1));
    assert!(table.ancestors(1_000_002).is_empty());
}

#[test]
fn processes_whose_end_was_lost_are_swept() {
    let mut table = table();
    let me = std::process::id();
    table.executed(&task(me, 1_000_001, 3 * SECOND, 1), None, &[], None);
    table.sweep();
    let exited = |pid| table.get(pid).map(|entry| entry.exited);
    assert_eq!(exited(1_000_001), Some(true));
    assert_eq!(exited(1_000_002), Some(true));
    assert_eq!(exited(me), Some(false));
}
