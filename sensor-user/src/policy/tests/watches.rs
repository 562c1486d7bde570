//! Paths and directories: what they are bound to, and how that changes.

use super::{
    DEV, Fake,
    events::{call, nothing},
    load, load_on,
};
use crate::{
    event::{Event, NameType},
    policy::Node,
};

fn check(rules: &str, event: &Event, expect: bool) {
    assert_eq!(
        load(rules).decide(event).record,
        expect,
        "{rules}: {event:#?}"
    );
}

fn create(path: &str, parent: u64, ino: u64) -> Event {
    let dir = path.rsplit_once('/').map_or("/", |(dir, _)| dir);
    call("creat")
        .path(NameType::Parent, dir, parent)
        .path(NameType::Create, path, ino)
}

#[test]
fn a_file_is_its_inode() {
    let shadow = "-w /etc/shadow -p wa";
    check(shadow, &call("chmod").normal("/etc/shadow", 11), true);
    // By another name: a hard link, a descriptor.
    check(shadow, &call("chmod").normal("/tmp/link", 11), true);
    check(shadow, &call("chmod").normal("/etc/passwd", 12), false);
    // Replaced before anybody told: the name counts.
    check(shadow, &call("chmod").normal("/etc/shadow", 99), true);
    // Without an inode the kernel has nothing to compare.
    check(shadow, &call("chmod").normal("/etc/shadow", 0), false);
    check(shadow, &call("open").normal("/etc/shadow", 11), false);
    check(shadow, &call("chmod"), false);
    // Another device.
    let mut elsewhere = call("chmod").normal("/x", 11);
    elsewhere.paths[0].file.as_mut().expect("file").dev = DEV + 1;
    check(shadow, &elsewhere, false);
    // A PARENT item counts, too.
    let rule = "-a always,exit -F arch=b64 -S creat -F path=/etc";
    check(rule, &create("/etc/x", 10, 50), true);
    check(rule, &create("/tmp/x", 30, 50), false);
}

#[test]
fn links_in_the_way_are_resolved() {
    let rule = "-w /bin/su -p x";
    check(rule, &call("execve").normal("/usr/bin/su", 22), true);
    check(rule, &call("execve").normal("/usr/bin/su", 23), true);
    check(rule, &call("execve").normal("/bin/cat", 24), false);
}

#[test]
fn a_directory_is_all_below_it() {
    let etc = "-w /etc -p wa";
    check(etc, &call("chmod").normal("/etc/a/b", 60), true);
    check(etc, &call("chmod").normal("/etc", 10), true);
    check(etc, &call("chmod").normal("/etcetera", 60), false);
    check(etc, &call("chmod").normal("/x/etc/a", 60), false);
    check("-w / -p wa", &call("chmod").normal("/x/etc/a", 60), true);
    check(etc, &create("/etc/new", 10, 61), true);
    check(etc, &call("chmod").normal("/etc/a", 0), false);
}

#[test]
fn a_failed_call_has_a_name_only() {
    let sudoers = "-w /etc -p wa";
    let failed = |name: &str, cwd: &str| {
        let mut event = call("chmod").normal(name, 60).exit(-13);
        event.paths[0].resolved = None;
        event.cwd = Some(bytes::Bytes::copy_from_slice(cwd.as_bytes()));
        event
    };
    check(sudoers, &failed("/etc/a", "/"), true);
    check(sudoers, &failed("/x/a", "/etc"), false);
    check(sudoers, &failed("a", "/etc"), true);
    check(sudoers, &failed("a", "/tmp"), false);
    check(sudoers, &failed("/etc/../x", "/"), false);
    // Through a link of that name, to another file.
    check("-w /etc/shadow -p wa", &failed("/etc/shadow", "/"), false);
    let mut at = call("fchmodat").normal("a", 60).exit(-13);
    at.paths[0].resolved = None;
    at.cwd = Some(bytes::Bytes::from_static(b"/etc"));
    at.call.as_mut().expect("a call").args[0] = 3;
    check(sudoers, &at, false);
    at.call.as_mut().expect("a call").args[0] = 0xffff_ffff_ffff_ff9c;
    check(sudoers, &at, true);
}

#[test]
fn nothing_is_below_a_directory_that_is_not_there() {
    let mut policy = load("-a always,exit -F dir=/etc/nonesuch/ -F perm=wa -k x");
    assert!(policy.notes()[0].text.contains("no such directory"));
    let made = create("/etc/nonesuch", 10, 61);
    assert!(!policy.decide(&made).record);
    assert!(!policy.follow(&made));
    assert!(!policy.decide(&create("/etc/nonesuch/x", 61, 62)).record);
}

#[test]
fn another_root_decides_by_inode_and_else_for_recording() {
    let etc = "-w /etc -p wa";
    // A container's own /etc/a: not known to be another, so recorded; and not kept out.
    check(etc, &call("chmod").normal("/etc/a", 60).other_root(), true);
    let never = "-a never,exit -F dir=/etc -S all\n-a always,exit -S all";
    check(
        never,
        &call("chmod").normal("/etc/a", 60).other_root(),
        true,
    );
    check(never, &call("chmod").normal("/etc/a", 60), false);
    // A chroot below: the inode of the directory is certain.
    check(etc, &create("/new", 10, 61).other_root(), true);
    check(etc, &create("/new", 31, 61).other_root(), false);
    // The entry of a watched file, by the directory's inode.
    check(
        "-w /etc/new -p w",
        &create("/new", 10, 61).other_root(),
        true,
    );
    check(
        "-w /etc/new -p w",
        &create("/other", 10, 61).other_root(),
        false,
    );
}

#[test]
fn what_is_not_there_yet() {
    let mut policy = load("-w /etc/new -p wa");
    let place = |policy: &super::Policy| policy.rules()[0].place.clone().expect("place");
    assert_eq!(place(&policy).node, None);
    assert_eq!(place(&policy).parent, Some(Node { dev: DEV, ino: 10 }));
    let made = create("/etc/new", 10, 61);
    assert!(policy.decide(&made).record);
    assert!(policy.follow(&made));
    assert_eq!(place(&policy).node, Some(Node { dev: DEV, ino: 61 }));
    assert!(policy.decide(&call("chmod").normal("/tmp/link", 61)).record);
    // Renamed away: this call still counts, later ones of the inode do not.
    let away = call("rename")
        .path(NameType::Parent, "/etc", 10)
        .path(NameType::Parent, "/tmp", 30)
        .path(NameType::Delete, "/etc/new", 61)
        .path(NameType::Create, "/tmp/old", 61);
    assert!(policy.decide(&away).record);
    assert!(policy.follow(&away));
    assert_eq!(place(&policy).node, None);
    assert!(!policy.decide(&call("chmod").normal("/tmp/old", 61)).record);
}

#[test]
fn a_file_that_is_replaced_stays_watched() {
    let mut policy = load("-w /etc/shadow -p wa");
    let over = call("rename")
        .path(NameType::Parent, "/etc", 10)
        .path(NameType::Parent, "/etc", 10)
        .path(NameType::Delete, "/etc/shadow+", 70)
        .path(NameType::Delete, "/etc/shadow", 11)
        .path(NameType::Create, "/etc/shadow", 70);
    assert!(policy.decide(&over).record);
    let failed = over.clone().exit(-1);
    assert!(!policy.follow(&failed));
    assert!(policy.follow(&over));
    assert!(!policy.follow(&over));
    assert!(policy.decide(&call("chmod").normal("/x", 70)).record);
    assert!(!policy.decide(&call("chmod").normal("/x", 11)).record);
    assert!(!policy.follow(&nothing()));
}

#[test]
fn a_directory_that_comes_later() {
    let mut policy = load_on("-w /srv/secret/key -p wa", &Fake::with(&[("/", 2)]));
    assert_eq!(policy.notes().len(), 1);
    let mkdir =
        call("mkdir")
            .path(NameType::Parent, "/srv", 3)
            .path(NameType::Create, "/srv/secret", 4);
    assert!(policy.follow(&mkdir));
    assert!(policy.decide(&create("/srv/secret/key", 4, 5)).record);
    assert!(policy.decide(&create("/key", 4, 5).other_root()).record);
}
