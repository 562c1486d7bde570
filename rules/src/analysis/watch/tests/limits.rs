//! However much happens, what is kept is bounded, and what had no room is counted.

use super::fake::Machine;
use crate::analysis::{Limits, Watch};

#[test]
fn a_million_events_leave_little() {
    let events = if cfg!(debug_assertions) {
        20_000
    } else {
        1_000_000
    };
    let mut machine = Machine::new(&[]);
    let limits = Limits {
        files: 100,
        bytes: 50_000,
        directories: 100,
        pending: 10,
    };
    machine.watch = Watch::new(limits);
    machine.watch.start(1, &mut machine.files, None);
    let mut told = 0_u64;
    for n in 0..events {
        machine.actor.pid = n;
        let path = format!("/etc/cron.d/{}", n % 1000);
        told += machine.open(&path).len() as u64;
        machine.files.nodes.remove(path.as_bytes());
        // What is not watched costs nothing that stays.
        machine.open("/tmp/x");
        let counts = machine.watch.counts();
        assert!(
            counts.files <= limits.files && counts.bytes <= limits.bytes,
            "{counts:?}"
        );
        assert!(counts.pending <= limits.pending, "{counts:?}");
    }
    let counts = machine.watch.counts();
    assert_eq!(counts.told, told);
    assert!(counts.hurried >= u64::from(events) - 1010, "{counts:?}");
}

#[test]
fn what_has_no_room_is_counted_and_still_told() {
    let mut machine = Machine::new(&[]);
    let limits = Limits {
        files: 1,
        ..Limits::default()
    };
    machine.watch = Watch::new(limits);
    machine.watch.start(1, &mut machine.files, None);
    assert!(machine.watch.counts().refused > 0);
    let changes = machine.write("/etc/cron.d/x", "line\n");
    assert_eq!(changes.len(), 1);
}

/// Acts on other files do not make it look at any.
#[test]
fn other_files_are_not_looked_at() {
    let mut machine = Machine::new(&[("/srv/a/b", "")]);
    let before = machine.files.looks;
    machine.write("/tmp/x", "y");
    machine.rename("/tmp/x", "/tmp/y");
    machine.remove("/tmp/y");
    machine.chmod("/srv/a/b", 0o100_600);
    assert_eq!(machine.files.looks, before);
    machine.rename("/srv/a", "/srv/c");
    assert!(machine.files.looks <= before + 200);
}
