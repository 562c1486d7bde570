//! The evasions of file alerts that issue 5 lists, one by one.

use super::{fake::Machine, shown};

const KEYS: &str = "/home/ann/.ssh/authorized_keys";
const OLD: &str = "ssh-ed25519 AAAA ann@home\n";
const NEW: &str = "ssh-ed25519 AAAA ann@home\nssh-rsa BBBB intruder\n";
const FIELDS: &[&str] = &["TargetUser", "AddedKeys", "RemovedKeys", "Changed"];
const PRINT: &str = "SHA256:CcCKY/wrEaUM+I629sBixyeWSgyCiAj+RsdArzoziXo intruder (ssh-rsa)";

fn machine() -> Machine {
    Machine::new(&[(KEYS, OLD)])
}

/// What is told when the key was added, but for the method.
fn added(method: &str) -> String {
    format!("{KEYS} {method} Changed=true TargetUser=ann AddedKeys={PRINT}")
}

#[test]
fn a_write_is_told_with_the_key() {
    let changes = machine().write(KEYS, NEW);
    assert_eq!(shown(&changes, FIELDS), [added("write")]);
    assert_eq!(changes[0].writer, Some("writer"));
}

#[test]
fn the_same_content_written_again_is_told_as_that() {
    let changes = machine().write(KEYS, OLD);
    let expect = format!("{KEYS} write Changed=false TargetUser=ann");
    assert_eq!(shown(&changes, FIELDS), [expect]);
}

#[test]
fn a_rename_over_the_file() {
    let mut machine = machine();
    machine.files.put("/tmp/new", NEW);
    assert_eq!(
        shown(&machine.rename("/tmp/new", KEYS), FIELDS),
        [added("rename")]
    );
}

#[test]
fn a_rename_away_is_a_removal_of_its_keys() {
    let changes = machine().rename(KEYS, "/tmp/gone");
    let shown = shown(&changes, &["FileRemoved", "RemovedKeys"]);
    assert_eq!(shown.len(), 1);
    assert!(
        shown[0].contains("FileRemoved=true RemovedKeys=SHA256:"),
        "{shown:?}"
    );
}

#[test]
fn a_directory_renamed_into_place() {
    let mut machine = machine();
    machine.files.put("/tmp/stage/authorized_keys", NEW);
    machine.rename("/home/ann/.ssh", "/home/ann/.old");
    let changes = machine.rename("/tmp/stage", "/home/ann/.ssh");
    let expect = shown(&changes, &["FileAppeared", "AddedKeys"]);
    assert_eq!(expect.len(), 1, "{expect:?}");
    assert!(expect[0].starts_with(&format!("{KEYS} directory FileAppeared=true AddedKeys=")));
    // And the watch follows: a write in the new directory is seen, by whatever name.
    machine.actor.other_root = true;
    let changes = machine.write(KEYS, OLD);
    assert_eq!(changes.len(), 1);
}

#[test]
fn a_whole_home_renamed_into_place() {
    let mut machine = machine();
    machine.files.put("/tmp/home/.ssh/authorized_keys", NEW);
    machine.rename("/home/ann", "/home/old");
    let changes = machine.rename("/tmp/home", "/home/ann");
    assert_eq!(
        shown(&changes, &["FileAppeared"]),
        [format!("{KEYS} directory FileAppeared=true")]
    );
}

#[test]
fn a_hard_link_and_a_write_by_the_other_name() {
    let mut machine = machine();
    let told = shown(&machine.link(KEYS, "/tmp/other"), &["Changed"]);
    assert_eq!(told, [format!("{KEYS} link Changed=false")]);
    assert_eq!(
        shown(&machine.write("/tmp/other", NEW), FIELDS),
        [added("write")]
    );
}

#[test]
fn a_hard_link_that_is_older_than_the_sensor() {
    let mut machine = machine();
    let node = machine.files.nodes[KEYS.as_bytes()].clone();
    machine.files.nodes.insert(b"/tmp/older".to_vec(), node);
    assert_eq!(
        shown(&machine.write("/tmp/older", NEW), FIELDS),
        [added("write")]
    );
}

#[test]
fn a_file_without_a_name_linked_into_place() {
    let mut machine = machine();
    machine.remove(KEYS);
    machine.files.put("/tmp/#tmpfile", NEW);
    let changes = machine.link("/tmp/#tmpfile", KEYS);
    assert_eq!(
        shown(&changes, &["FileAppeared"]),
        [format!("{KEYS} link FileAppeared=true")]
    );
}

#[test]
fn a_symbolic_link_in_place_of_the_file_and_a_write_to_what_it_leads_to() {
    let mut machine = machine();
    machine.remove(KEYS);
    machine.files.put("/tmp/keys", OLD);
    let changes = machine.symlink("/tmp/keys", KEYS);
    let told = shown(&changes, &["LinkTarget", "FileAppeared"]);
    assert_eq!(
        told,
        [format!(
            "{KEYS} make FileAppeared=true LinkTarget=/tmp/keys"
        )]
    );
    assert_eq!(
        shown(&machine.write("/tmp/keys", NEW), FIELDS),
        [added("write")]
    );
}

#[test]
fn a_symbolic_link_in_place_of_the_directory() {
    let mut machine = machine();
    machine.files.put("/srv/keys/authorized_keys", NEW);
    machine.rename("/home/ann/.ssh", "/home/ann/.old");
    // The test's files do not go through links: the file is there by both names, as for the kernel.
    let node = machine.files.nodes[&b"/srv/keys/authorized_keys"[..]].clone();
    machine.files.nodes.insert(KEYS.as_bytes().to_vec(), node);
    let changes = machine.symlink("/srv/keys", "/home/ann/.ssh");
    assert_eq!(
        shown(&changes, &["FileAppeared"]),
        [format!("{KEYS} directory FileAppeared=true")]
    );
    // The kernel resolves the link, so the path says nothing of ~/.ssh: the inodes do.
    let changes = machine.write("/srv/keys/authorized_keys", OLD);
    assert_eq!(
        shown(&changes, &["Changed"]),
        [format!("{KEYS} write Changed=true")]
    );
}

#[test]
fn another_mount_namespace_shows_the_file_by_another_name() {
    let mut machine = machine();
    machine.actor.other_root = true;
    machine.files.put("/mnt/host/keys", "");
    let node = machine.files.nodes[KEYS.as_bytes()].clone();
    machine.files.nodes.insert(b"/mnt/host/keys".to_vec(), node);
    assert_eq!(
        shown(&machine.write("/mnt/host/keys", NEW), FIELDS),
        [added("write")]
    );
    // A container's own file of such a name is not the host's.
    machine.files.put("/container/.ssh/authorized_keys", NEW);
    assert!(machine.open("/container/.ssh/authorized_keys").is_empty());
    assert_eq!(machine.watch.counts().pending, 0);
}

#[test]
fn attributes_are_told() {
    let changes = machine().chmod(KEYS, 0o100_666);
    let told = shown(&changes, &["Changed", "FileMode"]);
    assert_eq!(
        told,
        [format!("{KEYS} attributes Changed=true FileMode=33206")]
    );
}

#[test]
fn removal_and_creation_again() {
    let mut machine = machine();
    assert_eq!(machine.remove(KEYS).len(), 1);
    // Nothing is left to remove.
    assert!(machine.remove(KEYS).is_empty());
    assert!(machine.remove("/home/ann/.ssh").is_empty());
    machine.mkdir("/home/ann/.ssh");
    let changes = machine.write(KEYS, NEW);
    assert_eq!(
        shown(&changes, &["FileAppeared"]),
        [format!("{KEYS} write FileAppeared=true")]
    );
}

#[test]
fn keys_where_sshd_config_says() {
    let mut machine = machine();
    let config = "Include /etc/ssh/sshd_config.d/*.conf\nMatch User ann\n  AuthorizedKeysFile %h/k \"/srv/%u/%%\"\n";
    let told = machine.write("/etc/ssh/sshd_config", config);
    assert_eq!(told[0].place, crate::analysis::Place::SshdConfig);
    for path in ["/home/ann/k", "/srv/ann/%", "/root/k"] {
        let told = shown(&machine.write(path, NEW), &["TargetUser"]);
        assert_eq!(told.len(), 1, "{path}");
    }
    machine.write(
        "/etc/ssh/sshd_config.d/x.conf",
        "authorizedkeysfile=/srv/more/%u\n",
    );
    assert_eq!(
        shown(&machine.write("/srv/more/ann", NEW), &["TargetUser"]),
        ["/srv/more/ann write TargetUser=ann"]
    );
}

#[test]
fn a_new_account_has_a_watched_home_at_once() {
    let mut machine = machine();
    let passwd = "root:x:0:0::/root:/bin/sh\nsvc:x:0:5::/var/lib/svc/:/bin/sh\n";
    machine.write("/etc/passwd", passwd);
    machine.mkdir("/var/lib/svc");
    machine.mkdir("/var/lib/svc/.ssh");
    let told = shown(
        &machine.write("/var/lib/svc/.ssh/authorized_keys", NEW),
        &["TargetUser"],
    );
    assert_eq!(
        told,
        ["/var/lib/svc/.ssh/authorized_keys write TargetUser=svc"]
    );
}
