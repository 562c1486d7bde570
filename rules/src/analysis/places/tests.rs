use super::*;

/// `category detail` of a path.
fn shown(path: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let or = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or("-".to_owned(), |b| text(b));
    match place(path.as_bytes()) {
        None => "-".to_owned(),
        Some(Place::Keys { user }) => format!("keys {}", or(&user)),
        Some(Place::Task(task)) => format!("{} {}", task.scheduler.name(), or(&task.owner)),
        Some(Place::Startup(hook)) => format!("{} {}", hook.kind.name(), or(&hook.level)),
        Some(Place::Account(file)) => file.name().to_owned(),
        Some(Place::SshdConfig) => "sshd".to_owned(),
    }
}

#[test]
fn places() {
    for (path, expect) in [
        // Keys.
        ("/root/.ssh/authorized_keys", "keys root"),
        ("/home/ann/.ssh/authorized_keys2", "keys ann"),
        ("/var/lib/redis/.ssh/authorized_keys", "keys -"),
        ("/etc/ssh/authorized_keys.d/ann", "keys ann"),
        ("/etc/dropbear/authorized_keys", "keys root"),
        ("/etc/ssh/sshd_config.d/x.conf", "sshd"),
        ("/home/ann/.ssh/authorized_keys.txt", "-"),
        ("/home/ann/.ssh/known_hosts", "-"),
        // Tasks.
        ("/etc/crontab", "cron -"),
        ("/etc/cron.d/.hidden", "cron -"),
        ("/etc/cron.d/x.dpkg-new", "-"),
        ("/etc/cron.hourly/gcc.sh", "cron-script -"),
        ("/etc/periodic/15min/x", "cron-script -"),
        ("/var/spool/cron/crontabs/ann", "cron ann"),
        ("/var/spool/cron/crontabs/tmp.Xa2", "-"),
        ("/var/spool/cron/tabs/ann", "cron ann"),
        ("/var/spool/cron/ann", "cron ann"),
        ("/var/spool/cron/atjobs/a0001", "at -"),
        ("/var/spool/at/a0001", "at -"),
        ("/etc/systemd/system/x.timer", "timer -"),
        ("/run/systemd/transient/run-u1.timer", "timer -"),
        ("/run/systemd/transient/run-u1.service", "-"),
        ("/usr/lib/systemd/system/x.timer", "timer -"),
        ("/lib/systemd/system/x.timer", "timer -"),
        ("/etc/systemd/system/timers.target.wants/x.timer", "timer -"),
        ("/home/ann/.config/systemd/user/x.timer", "timer ann"),
        // Start-up.
        ("/etc/rc1.d/S90x", "run-level-link 1"),
        ("/etc/rcS.d/S90x", "run-level-link S"),
        ("/etc/rc.d/rc5.d/S90x", "run-level-link 5"),
        ("/etc/rc1.d/K01apache2", "-"),
        ("/etc/rc1.d/README", "-"),
        ("/etc/init.d/ssh", "init-script -"),
        ("/etc/init.d/rcS", "init-script S"),
        ("/etc/rc.local", "init-script -"),
        ("/etc/runlevels/single/x", "openrc-link single"),
        ("/etc/systemd/system/x.service", "unit -"),
        ("/etc/systemd/system/rescue.service", "unit rescue.service"),
        (
            "/etc/systemd/system/rescue.service.d/o.conf",
            "unit-drop-in rescue.service",
        ),
        (
            "/etc/systemd/system/rescue.target.wants/x.service",
            "unit-link rescue.target",
        ),
        (
            "/usr/lib/systemd/system/multi-user.target.wants/x.service",
            "unit-link multi-user.target",
        ),
        ("/etc/systemd/system-generators/x", "generator -"),
        ("/usr/lib/systemd/system-generators/x", "generator -"),
        ("/etc/ld.so.preload", "preload -"),
        ("/root/.bashrc", "profile -"),
        ("/home/ann/.bashrc", "profile -"),
        ("/home/ann/notes/.bashrc", "-"),
        ("/etc/profile.d/x.sh", "profile -"),
        (
            "/etc/NetworkManager/dispatcher.d/11-dhclient",
            "network-hook -",
        ),
        // Accounts.
        ("/etc/passwd", "passwd"),
        ("/etc/passwd-", "-"),
        ("/etc/group", "group"),
        ("/etc/group+", "-"),
        ("/etc/sudoers.d/x", "sudoers"),
        ("/etc/sudoers.d/x~", "-"),
        ("/usr/etc/sudoers", "sudoers"),
        ("/etc/polkit-1/rules.d/x.rules", "polkit"),
        ("/etc/pam.d/su", "pam"),
        // Nothing of these.
        ("/etc/.crontab.swp", "-"),
        ("/etc/cron.d/.#x", "-"),
        ("/tmp/etc/crontab", "-"),
        ("relative", "-"),
        ("/", "-"),
        ("", "-"),
    ] {
        assert_eq!(shown(path), expect, "{path}");
    }
}

#[test]
fn what_is_no_text_is_a_path_too() {
    assert!(place(b"/home/\xff\xfe/.ssh/authorized_keys").is_some());
    assert_eq!(place(b"/\xff"), None);
}

#[test]
fn homes() {
    let paths: Vec<Vec<u8>> = under_home(b"/home/ann/").map(|root| root.path).collect();
    assert_eq!(paths[0], b"/home/ann");
    assert_eq!(paths[1], b"/home/ann/.ssh");
}
