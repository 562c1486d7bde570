//! Where watched files can be: what is listed at the start, after a directory was renamed, and from time
//! to time. [`super::place`] then says of each name whether it counts.

/// A directory that is listed, and how many levels below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Absolute.
    pub path: Vec<u8>,
    /// 0: its own entries only.
    pub depth: u8,
}

/// Directories of the system, with their depth.
const SYSTEM: &[(&str, u8)] = &[
    ("/etc", 0),
    ("/etc/NetworkManager/dispatcher.d", 1),
    ("/etc/bash_completion.d", 0),
    ("/etc/cron.d", 0),
    ("/etc/cron.daily", 0),
    ("/etc/cron.hourly", 0),
    ("/etc/cron.monthly", 0),
    ("/etc/cron.weekly", 0),
    ("/etc/cron.yearly", 0),
    ("/etc/crontabs", 0),
    ("/etc/default", 1),
    ("/etc/dhcp", 1),
    ("/etc/doas.d", 0),
    ("/etc/dropbear", 0),
    ("/etc/grub.d", 0),
    ("/etc/incron.d", 0),
    ("/etc/init", 0),
    ("/etc/init.d", 1),
    ("/etc/initramfs-tools", 2),
    ("/etc/ld.so.conf.d", 0),
    ("/etc/local.d", 0),
    ("/etc/modprobe.d", 0),
    ("/etc/modules-load.d", 0),
    ("/etc/network", 1),
    ("/etc/pam.d", 0),
    ("/etc/periodic", 1),
    ("/etc/polkit-1", 2),
    ("/etc/profile.d", 0),
    ("/etc/rc.d", 1),
    ("/etc/rc0.d", 0),
    ("/etc/rc1.d", 0),
    ("/etc/rc2.d", 0),
    ("/etc/rc3.d", 0),
    ("/etc/rc4.d", 0),
    ("/etc/rc5.d", 0),
    ("/etc/rc6.d", 0),
    ("/etc/rcS.d", 0),
    ("/etc/runlevels", 1),
    ("/etc/security", 0),
    ("/etc/ssh", 1),
    ("/etc/sudoers.d", 0),
    ("/etc/systemd", 2),
    ("/etc/udev/rules.d", 0),
    ("/etc/userdb", 0),
    ("/etc/xdg/autostart", 0),
    ("/etc/zsh", 0),
    ("/boot/grub", 0),
    ("/boot/loader/entries", 0),
    ("/run/systemd/system", 1),
    ("/run/systemd/transient", 0),
    ("/run/systemd/user", 1),
    ("/run/udev/rules.d", 0),
    ("/run/userdb", 0),
    ("/usr/etc", 1),
    ("/usr/lib/NetworkManager/dispatcher.d", 1),
    ("/usr/lib/modprobe.d", 0),
    ("/usr/lib/modules-load.d", 0),
    ("/usr/lib/systemd/system", 1),
    ("/usr/lib/systemd/system-generators", 0),
    ("/usr/lib/systemd/user", 1),
    ("/usr/lib/udev/rules.d", 0),
    ("/usr/local/lib/systemd", 2),
    ("/var/lib/polkit-1/localauthority", 1),
    ("/var/spool/at", 0),
    ("/var/spool/atd", 0),
    ("/var/spool/atjobs", 0),
    ("/var/spool/cron", 1),
    ("/var/spool/fcron", 0),
    ("/var/spool/incron", 0),
];

/// Directories of a home, with their depth.
const HOME: &[(&str, u8)] = &[
    ("", 0),
    (".ssh", 0),
    (".config/autostart", 0),
    (".config/systemd/user", 1),
    (".local/share/systemd/user", 1),
];

/// The system's directories.
pub(crate) fn watched() -> impl Iterator<Item = Root> {
    SYSTEM.iter().map(|(path, depth)| Root {
        path: path.as_bytes().to_vec(),
        depth: *depth,
    })
}

/// Those of a home directory.
pub(crate) fn under_home(home: &[u8]) -> impl Iterator<Item = Root> {
    let home = home.strip_suffix(b"/").unwrap_or(home).to_vec();
    HOME.iter().map(move |(below, depth)| {
        let mut path = home.clone();
        if !below.is_empty() {
            path.push(b'/');
            path.extend_from_slice(below.as_bytes());
        }
        Root {
            path,
            depth: *depth,
        }
    })
}
