//! What the rule sets are about, and what they leave out: each act by each of some.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{super::driver, calls};

/// Login uid, uid: a user's root shell, a user, no user's root, a login that is a system's.
const WHO: [(Option<u32>, u32); 4] = [
    (Some(7777), 0),
    (Some(7777), 1234),
    (None, 0),
    (Some(500), 1234),
];

/// Files that sets watch: each is read, written, touched, given a mode, and put in its own place.
const WATCHED: [&str; 13] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/security/opasswd",
    "/etc/sudoers",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/issue",
    "/etc/issue.net",
    "/etc/sudoers.d/README",
    "/var/log/btmp",
    "/run/utmp",
];
const TO_WATCHED: &str = "cat $f >/dev/null; : >>$f; touch $f; chmod 644 $f; cp -p $f copy && mv -f copy $f; \
                          ln $f $f.l && rm -f $f.l";

/// `$g` is this program.
const ACTS: [&str; 36] = [
    "chmod 4755 file; chmod 600 secret",
    "chown 1234 file secret; chown -h 1234 link",
    "cat secret closed/file file",
    "echo x >secret; echo x >closed/new; echo x >new",
    "rm -f file closed/file; mv secret taken; rm -rf sub",
    "ls closed /var/log/audit /root",
    "cat /var/log/audit/audit.log",
    "cd /var/log/audit && touch x && mv x y && rm y",
    "rm -f /var/log/faillog; : >/var/log/wtmp; rm -f /var/log/lastlog",
    "cd /etc/sudoers.d && echo '#' >x && mv x y && chmod 440 y && rm y",
    "cd /etc/sudoers.d && mkdir new && touch new/x && rm -r new",
    "mkdir -p moved/in && touch moved/in/x && mv moved /etc/sudoers.d/moved && touch /etc/sudoers.d/moved/in/x; \
     mv /etc/sudoers.d/moved . && touch moved/in/x",
    "touch -h /etc/localtime; : >>/etc/localtime; cat /etc/localtime",
    "cp -P /etc/localtime localtime && mv -f localtime /etc/localtime",
    "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime; touch -h /etc/localtime",
    "mkdir -p /etc/NetworkManager/x && touch /etc/NetworkManager/x/y; rm -rf /etc/NetworkManager",
    "touch /etc/selinux/config; rm -f /etc/selinux/config",
    "rm -f /etc/issue && echo new >/etc/issue && chmod 600 /etc/issue",
    "mv /etc/hosts /etc/hosts.old && touch /etc/hosts.old && cp /etc/hosts.old /etc/hosts; rm -f /etc/hosts.old",
    "sed -i 's/x/x/' /etc/group",
    "hostname guest; domainname guest",
    "date -s @$(date +%s); date -s bad",
    "mount -t tmpfs none sub && umount sub; mount; umount missing",
    "modprobe -r dummy; rmmod missing; insmod missing",
    "su root -c true; su missing -c true; su nobody -s /bin/sh -c true",
    "sudo -n true; sudo -n -u nobody true",
    "passwd -S root; chage -l root; chsh -h",
    "newgrp root; gpasswd -r missing",
    "crontab -l; at now",
    "/usr/sbin/unix_chkpwd root nullok",
    "ausearch -if /dev/null; aureport -if /dev/null; aulast -f /dev/null; aulastlogin; auvirt --file /dev/null",
    "./suid; ./sgid; ./missing; ./file",
    "exec 3<secret; exec 3<missing",
    "truncate -s 1 file; truncate -s 1 secret",
    "install -m 755 file installed; install -o 1234 file owned",
    "tail -c 1 /etc/shadow; head -c 1 /etc/gshadow; test -r /etc/shadow",
];

/// Runs all, each in a directory of its own, and the last act; how many they were.
pub(super) fn acts(dir: &Path) -> Result<usize> {
    fs::create_dir(dir)?;
    for path in [dir.parent().unwrap_or(dir), dir] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    fs::write("/run/utmp", "")?;
    let watched = WATCHED.iter().map(|file| format!("f={file}; {TO_WATCHED}"));
    let direct = calls::all().map(|name| format!("$g act call {name}"));
    let texts: Vec<String> = ACTS
        .map(str::to_owned)
        .into_iter()
        .chain(watched)
        .chain(direct)
        .collect();
    let mut count = 0;
    for (login, uid) in WHO {
        for text in &texts {
            let place = dir.join(count.to_string());
            prepare(&place)?;
            shell(text, &place, login, uid).with_context(|| text.clone())?;
            count += 1;
        }
    }
    // By a new process: those that are older than the kernel's audit are not seen by it.
    shell(&format!("$g act call {}", calls::END), dir, None, 0)?;
    Ok(count)
}

/// Made by a process without a login uid, which the sets leave out.
fn prepare(dir: &Path) -> Result<()> {
    let mode =
        |name: &str, mode| fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode));
    fs::create_dir_all(dir.join("closed"))?;
    fs::create_dir_all(dir.join("sub/deeper"))?;
    for name in ["file", "secret", "closed/file", "sub/file"] {
        fs::write(dir.join(name), "content")?;
    }
    symlink("file", dir.join("link"))?;
    for (name, bits) in [("suid", 0o4755), ("sgid", 0o2755)] {
        fs::copy("/bin/true", dir.join(name))?;
        mode(name, bits)?;
    }
    mode("secret", 0o600)?;
    for name in ["", "sub", "sub/deeper", "sub/file", "file"] {
        chown(dir.join(name), Some(1234), Some(1234))?;
    }
    Ok(())
}

fn shell(text: &str, dir: &Path, login: Option<u32>, uid: u32) -> Result<()> {
    let mut child = Command::new("sh");
    child.args(["-c", text]).current_dir(dir).env("g", driver());
    child
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: only system calls that are safe between fork and exec: open, write, close, setresgid, setresuid.
    unsafe {
        child.pre_exec(move || {
            if let Some(login) = login {
                fs::write("/proc/self/loginuid", login.to_string())?;
            }
            libc::setresgid(uid, uid, uid);
            libc::setresuid(uid, uid, uid);
            Ok(())
        });
    }
    // That it fails is what some want.
    child.status().context("sh")?;
    Ok(())
}
