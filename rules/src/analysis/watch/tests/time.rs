//! When files are compared: quiet times, ends of processes, sweeps, a sensor that was down.

use super::{fake::Machine, shown};
use crate::analysis::{Limits, Method, Watch, read_snapshot, write_snapshot};

const TAB: &str = "/etc/crontab";

/// A process that keeps the file open: told once it wrote, and once more when it wrote more.
#[test]
fn a_file_that_stays_open_is_compared_again() {
    let mut machine = Machine::new(&[(TAB, "a\n")]);
    assert!(machine.open(TAB).is_empty());
    machine.files.put(TAB, "a\nb\n");
    assert_eq!(
        shown(&machine.later(1), &["AddedLines"]),
        ["/etc/crontab write AddedLines=b"]
    );
    assert!(machine.later(1).is_empty());
    machine.files.put(TAB, "a\nb\nc\n");
    assert_eq!(
        shown(&machine.later(6), &["AddedLines"]),
        ["/etc/crontab write AddedLines=c"]
    );
    // Later it gives up; what is told of it was told.
    for seconds in [21, 61, 61] {
        assert!(machine.later(seconds).is_empty());
    }
    assert_eq!(machine.watch.counts().pending, 0);
    assert_eq!(machine.watch.due_ns(), None);
}

/// Nothing written in a minute and a half: that it was opened is told all the same, once.
#[test]
fn a_file_that_was_opened_and_never_written() {
    let mut machine = Machine::new(&[(TAB, "a\n")]);
    machine.open(TAB);
    let mut told = Vec::new();
    for _ in 0..100 {
        told.extend(machine.later(2));
    }
    assert_eq!(
        shown(&told, &["Changed"]),
        ["/etc/crontab write Changed=false"]
    );
}

#[test]
fn two_writers_are_waited_for() {
    let mut machine = Machine::new(&[(TAB, "a\n")]);
    machine.open(TAB);
    machine.actor.pid = 8;
    machine.open(TAB);
    machine.ended.push((8, 1));
    machine.files.put(TAB, "b\n");
    // The first may write on: what there is now is told when it is quiet.
    assert_eq!(machine.later(1).len(), 1);
    machine.ended.push((7, 1));
    assert!(machine.tick().is_empty());
    assert_eq!(machine.watch.counts().pending, 0);
}

#[test]
fn what_nobody_was_seen_to_change_is_found() {
    let mut machine = Machine::new(&[(TAB, "a\n")]);
    machine.files.put(TAB, "b\n");
    machine.files.put("/etc/cron.d/new", "c\n");
    let mut changes = Vec::new();
    let mut rounds = 0;
    while !machine
        .watch
        .sweep(machine.now_ns, &mut machine.files, 2, &mut changes)
    {
        rounds += 1;
        assert!(rounds < 100);
    }
    let mut told = shown(&changes, &["AddedLines", "WriterSeen"]);
    told.sort();
    assert_eq!(
        told,
        [
            "/etc/cron.d/new unseen WriterSeen=false AddedLines=c",
            "/etc/crontab unseen WriterSeen=false AddedLines=b",
        ]
    );
    changes.clear();
    while !machine
        .watch
        .sweep(machine.now_ns, &mut machine.files, 2, &mut changes)
    {}
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn what_changed_while_the_sensor_was_down_is_found() {
    let mut machine = Machine::new(&[(TAB, "a\n"), ("/etc/cron.d/gone", "x\n")]);
    let mut text = Vec::new();
    write_snapshot(machine.watch.known(), &mut text).expect("write");
    machine.files.put(TAB, "a\nb\n");
    machine.files.put("/etc/cron.d/new", "c\n");
    machine.files.nodes.remove(&b"/etc/cron.d/gone"[..]);
    let snapshot = read_snapshot(&mut &text[..]).expect("read");
    let mut watch: Watch<&'static str> = Watch::new(Limits::default());
    let changes = watch.start(9, &mut machine.files, Some(snapshot));
    let mut told = shown(&changes, &["AddedLines", "FileRemoved", "WhileDown"]);
    told.sort();
    assert_eq!(
        told,
        [
            "/etc/cron.d/gone down WhileDown=true FileRemoved=true",
            "/etc/cron.d/new down WhileDown=true FileRemoved=false AddedLines=c",
            "/etc/crontab down WhileDown=true FileRemoved=false AddedLines=b",
        ]
    );
    assert!(
        changes
            .iter()
            .all(|c| c.method == Method::Down && c.writer.is_none())
    );
}
