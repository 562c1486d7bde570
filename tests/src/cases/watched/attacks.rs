//! What must raise an alert: every way to the file that ALERTS' evasions name, and the plain ones.

/// An attack: what is there before, what is done, what must be raised about which file, what is undone.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) before: &'static str,
    pub(super) act: &'static str,
    pub(super) raises: &'static [(&'static str, &'static str)],
    pub(super) after: &'static str,
}

const fn attack(
    name: &'static str,
    before: &'static str,
    act: &'static str,
    raises: &'static [(&'static str, &'static str)],
    after: &'static str,
) -> Attack {
    Attack {
        name,
        before,
        act,
        raises,
        after,
    }
}

const UNUSUAL: &str = "Process seen accessing the SSH authorized keys file in an unusual way";
const K: &str = "/home/ann/.ssh/authorized_keys";
const BOTH: &[(&str, &str)] = &[(UNUSUAL, K), ("New SSH key added", K)];

pub(super) const KEYS: &[Attack] = &[
    attack(
        "append",
        "",
        "echo ssh-rsa BBBB intruder >> /home/ann/.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "the same content once more",
        "cp /home/ann/.ssh/authorized_keys /tmp/w/same",
        "cat /tmp/w/same > /home/ann/.ssh/authorized_keys",
        &[(UNUSUAL, K)],
        "",
    ),
    attack(
        "tee, renamed",
        "cp /usr/bin/tee /tmp/w/vim",
        "echo ssh-rsa BBBB intruder | /tmp/w/vim -a /home/ann/.ssh/authorized_keys >/dev/null",
        BOTH,
        "",
    ),
    attack(
        "perl",
        "",
        "perl -e 'open F, \">>\", \"/home/ann/.ssh/authorized_keys\"; print F \"ssh-rsa BBBB intruder\\n\"'",
        BOTH,
        "",
    ),
    attack(
        "truncate",
        "",
        "truncate -s 5 /home/ann/.ssh/authorized_keys",
        &[(UNUSUAL, K)],
        "",
    ),
    attack(
        "a rename over the file",
        "echo ssh-rsa BBBB intruder > /tmp/w/n",
        "mv /tmp/w/n /home/ann/.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "sed -i",
        "",
        "sed -i 'a ssh-rsa BBBB intruder' /home/ann/.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "a directory renamed into place",
        "mkdir /tmp/w/stage; echo ssh-rsa BBBB intruder > /tmp/w/stage/authorized_keys",
        "mv /home/ann/.ssh /home/ann/old; mv /tmp/w/stage /home/ann/.ssh",
        BOTH,
        "",
    ),
    attack(
        "a hard link",
        "",
        "ln /home/ann/.ssh/authorized_keys /tmp/w/l; echo ssh-rsa BBBB intruder >> /tmp/w/l",
        BOTH,
        "",
    ),
    attack(
        "an older hard link",
        "ln /home/ann/.ssh/authorized_keys /tmp/w/l",
        "echo ssh-rsa BBBB intruder >> /tmp/w/l",
        BOTH,
        "",
    ),
    attack(
        "a hard link into place",
        "rm /home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /tmp/w/l",
        "ln /tmp/w/l /home/ann/.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "a symbolic link into place",
        "rm /home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /tmp/w/keys",
        "ln -s /tmp/w/keys /home/ann/.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "what a symbolic link leads to",
        "rm /home/ann/.ssh/authorized_keys; touch /tmp/w/keys; ln -s /tmp/w/keys /home/ann/.ssh/authorized_keys",
        "echo ssh-rsa BBBB intruder > /tmp/w/keys",
        BOTH,
        "",
    ),
    attack(
        "a symbolic link in place of the directory",
        "echo ssh-rsa BBBB intruder > /srv/w/authorized_keys; rm -r /home/ann/.ssh",
        "ln -s /srv/w /home/ann/.ssh",
        BOTH,
        "",
    ),
    attack(
        "through a symbolic link of the directory",
        "rm -r /home/ann/.ssh; ln -s /srv/w /home/ann/.ssh",
        "echo ssh-rsa BBBB intruder > /srv/w/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "through /proc/self/root",
        "",
        "echo ssh-rsa BBBB intruder >> /proc/self/root/home/ann/.ssh/../.ssh/authorized_keys",
        BOTH,
        "",
    ),
    attack(
        "a descriptor",
        "",
        "exec 7<>/home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /proc/self/fd/7; exec 7>&-",
        &[(UNUSUAL, K)],
        "",
    ),
    attack(
        "a bind mount",
        "touch /tmp/w/b; mount --bind /home/ann/.ssh/authorized_keys /tmp/w/b",
        "echo ssh-rsa BBBB intruder >> /tmp/w/b",
        BOTH,
        "umount /tmp/w/b",
    ),
    attack(
        "another root",
        "mkdir /tmp/w/root; mount --bind / /tmp/w/root",
        "chroot /tmp/w/root /bin/bash -c 'echo ssh-rsa BBBB intruder >> /home/ann/.ssh/authorized_keys'",
        BOTH,
        "umount /tmp/w/root",
    ),
    attack(
        "another mount namespace",
        "mkdir /tmp/w/ns",
        "unshare -m bash -c 'mount --bind /home/ann/.ssh /tmp/w/ns; echo ssh-rsa BBBB intruder >> /tmp/w/ns/authorized_keys'",
        BOTH,
        "",
    ),
    attack(
        "open to all",
        "",
        "chmod 666 /home/ann/.ssh/authorized_keys",
        &[(UNUSUAL, K)],
        "",
    ),
    attack(
        "a late write",
        "",
        "exec 7>>/home/ann/.ssh/authorized_keys; sleep 2; echo ssh-rsa BBBB intruder >&7; sleep 1",
        BOTH,
        "",
    ),
    attack(
        "a child that writes when its parent has ended",
        "",
        "(exec 7>>/home/ann/.ssh/authorized_keys; (sleep 2; echo ssh-rsa BBBB intruder >&7) &)",
        &[(UNUSUAL, K)],
        "sleep 3",
    ),
    attack(
        "where sshd_config says",
        "mkdir -p /srv/w/keys; cp /etc/ssh/sshd_config /srv/w/sshd_config; echo 'AuthorizedKeysFile /srv/w/keys/%u' >> /etc/ssh/sshd_config",
        "echo ssh-rsa BBBB intruder > /srv/w/keys/ann",
        &[(UNUSUAL, "/srv/w/keys/ann")],
        "cp /srv/w/sshd_config /etc/ssh/sshd_config",
    ),
];

const TASK: &str = "Manipulation of scheduled tasks detected";

pub(super) const TASKS: &[Attack] = &[
    attack(
        "cron.d",
        "",
        "echo '* * * * * root /bin/x' > /etc/cron.d/w",
        &[(TASK, "/etc/cron.d/w")],
        "rm /etc/cron.d/w",
    ),
    attack(
        "crontab",
        "",
        "echo '* * * * * /bin/x' | crontab -",
        &[(TASK, "/var/spool/cron/crontabs/root")],
        "crontab -r",
    ),
    attack(
        "crontab -r",
        "echo '* * * * * /bin/x' | crontab -",
        "crontab -r",
        &[(TASK, "/var/spool/cron/crontabs/root")],
        "",
    ),
    attack(
        "a renamed crontab",
        "cp -p /usr/bin/crontab /tmp/w/ls",
        "echo '* * * * * /bin/x' | /tmp/w/ls -",
        &[(TASK, "/var/spool/cron/crontabs/root")],
        "crontab -r",
    ),
    attack(
        "a script every hour",
        "",
        "printf '#!/bin/sh\\nx\\n' > /etc/cron.hourly/gcc.sh",
        &[(TASK, "/etc/cron.hourly/gcc.sh")],
        "rm /etc/cron.hourly/gcc.sh",
    ),
    attack(
        "a timer",
        "mkdir -p /etc/systemd/system",
        "printf '[Timer]\\nOnCalendar=hourly\\n' > /etc/systemd/system/w.timer",
        &[(TASK, "/etc/systemd/system/w.timer")],
        "rm /etc/systemd/system/w.timer",
    ),
    attack(
        "a directory renamed into place",
        "mkdir /tmp/w/d; echo '* * * * * root /bin/x' > /tmp/w/d/w; cp -a /etc/cron.d /srv/w/",
        "mv /etc/cron.d /tmp/w/old; mv /tmp/w/d /etc/cron.d",
        &[(TASK, "/etc/cron.d/w")],
        "rm -r /etc/cron.d; mv /srv/w/cron.d /etc/",
    ),
];

const START: &str = "Detected Persistence Attempt";

pub(super) const STARTUP: &[Attack] = &[
    attack(
        "a script for run level 1",
        "mkdir -p /etc/rc1.d",
        "printf '#!/bin/sh\\nx\\n' > /etc/rc1.d/S90w",
        &[(START, "/etc/rc1.d/S90w")],
        "rm /etc/rc1.d/S90w",
    ),
    attack(
        "a link for run level 1",
        "mkdir -p /etc/rc1.d",
        "ln -s ../init.d/w /etc/rc1.d/S90w",
        &[(START, "/etc/rc1.d/S90w")],
        "rm /etc/rc1.d/S90w",
    ),
    attack(
        "a link by perl",
        "mkdir -p /etc/rcS.d",
        "perl -e 'symlink \"/tmp/w/x\", \"/etc/rcS.d/S90w\"'",
        &[(START, "/etc/rcS.d/S90w")],
        "rm /etc/rcS.d/S90w",
    ),
    attack(
        "a rename into run level 1",
        "mkdir -p /etc/rc1.d; echo x > /tmp/w/s",
        "mv /tmp/w/s /etc/rc1.d/S90w",
        &[(START, "/etc/rc1.d/S90w")],
        "rm /etc/rc1.d/S90w",
    ),
    attack(
        "a unit of rescue.target",
        "mkdir -p /etc/systemd/system",
        "mkdir /etc/systemd/system/rescue.target.wants; ln -s /srv/w.service /etc/systemd/system/rescue.target.wants/w.service",
        &[(START, "/etc/systemd/system/rescue.target.wants/w.service")],
        "rm -r /etc/systemd/system/rescue.target.wants",
    ),
    attack(
        "an init script for single-user mode",
        "mkdir -p /etc/init.d",
        "printf '#!/bin/sh\\n# Default-Start: S\\nx\\n' > /etc/init.d/w",
        &[(START, "/etc/init.d/w")],
        "rm /etc/init.d/w",
    ),
];

const SUDO: &str = "A new user was added to the sudoers group";

pub(super) const ACCOUNTS: &[Attack] = &[
    attack(
        "usermod",
        "gpasswd -d eve sudo >/dev/null 2>&1; true",
        "usermod -aG sudo eve",
        &[(SUDO, "/etc/group")],
        "gpasswd -d eve sudo",
    ),
    attack(
        "a renamed usermod",
        "cp /usr/sbin/usermod /tmp/w/ls",
        "/tmp/w/ls -aG sudo eve",
        &[(SUDO, "/etc/group")],
        "gpasswd -d eve sudo",
    ),
    attack(
        "gpasswd",
        "",
        "gpasswd -a eve sudo",
        &[(SUDO, "/etc/group")],
        "gpasswd -d eve sudo",
    ),
    attack(
        "sed",
        "cp /etc/group /srv/w/group",
        "sed -i 's/^sudo:.*/&eve/' /etc/group",
        &[(SUDO, "/etc/group")],
        "cp /srv/w/group /etc/group",
    ),
    attack(
        "by primary group",
        "",
        "usermod -g sudo eve",
        &[(SUDO, "/etc/passwd")],
        "usermod -g eve eve",
    ),
    attack(
        "a second root",
        "cp /etc/passwd /srv/w/passwd",
        "echo 'toor:x:0:0::/:/bin/sh' >> /etc/passwd",
        &[(SUDO, "/etc/passwd")],
        "cp /srv/w/passwd /etc/passwd",
    ),
    attack(
        "sudoers.d",
        "mkdir -p /etc/sudoers.d",
        "echo 'eve ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/w",
        &[(SUDO, "/etc/sudoers.d/w")],
        "rm /etc/sudoers.d/w",
    ),
    attack(
        "a group that sudoers names",
        "mkdir -p /etc/sudoers.d; echo '%ops ALL=(ALL) ALL' > /etc/sudoers.d/w; groupadd ops",
        "gpasswd -a eve ops",
        &[(SUDO, "/etc/group")],
        "groupdel ops; rm /etc/sudoers.d/w",
    ),
];
