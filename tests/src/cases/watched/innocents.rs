//! What must raise nothing above informational: the same files, as their owners and tools use them.

/// Name, and shell text.
pub(super) const INNOCENTS: &[(&str, &str)] = &[
    ("the keys are read", "cat /home/ann/.ssh/authorized_keys >/dev/null; su ann -s /bin/sh -c 'cat ~/.ssh/authorized_keys' >/dev/null"),
    ("the keys' mode is tidied", "chmod 600 /home/ann/.ssh/authorized_keys; chown ann /home/ann/.ssh/authorized_keys; touch /home/ann/.ssh/authorized_keys.bak"),
    ("other files of ~/.ssh", "echo x > /home/ann/.ssh/known_hosts; rm /home/ann/.ssh/known_hosts"),
    ("an account is made and removed", "useradd -m zoe; passwd -l zoe; userdel -r zoe 2>/dev/null"),
    ("a group without members", "groupadd devs; groupdel devs"),
    ("a member of a harmless group", "usermod -aG video eve; gpasswd -d eve video"),
    ("a member is removed", "gpasswd -d ann sudo || true"),
    ("files are checked and converted", "grpck -r || true; pwck -r || true; grpconv; pwconv"),
    ("passwords", "echo eve:xyz123xyz | chpasswd; chage -M 99 eve; passwd -l eve"),
    ("an editor's swap file", "touch /etc/cron.d/.w.swp /etc/sudoers.d/.#w; rm /etc/cron.d/.w.swp /etc/sudoers.d/.#w"),
    ("a user's own crontab", "echo '1 1 * * * /bin/true' | crontab -; crontab -l >/dev/null; crontab -r"),
    ("K links", "mkdir -p /etc/rc1.d; ln -s ../init.d/x /etc/rc1.d/K01w; rm /etc/rc1.d/K01w"),
    ("an ordinary run level", "mkdir -p /etc/rc2.d; ln -s ../init.d/x /etc/rc2.d/S01w; rm /etc/rc2.d/S01w"),
    ("an ordinary unit", "mkdir -p /etc/systemd/system; printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/w.service; rm /etc/systemd/system/w.service"),
    ("times of watched files", "touch /etc/crontab /etc/group; touch -a /etc/sudoers"),
    ("a backup", "tar cf /tmp/w/b.tar /etc/cron.d /etc/group /home/ann/.ssh 2>/dev/null; cp /etc/group /tmp/w/group"),
    ("a package with a cron table, a unit and a sudoers file", "d=/tmp/w/pkg; mkdir -p $d/DEBIAN $d/etc/cron.d $d/etc/sudoers.d $d/etc/rcS.d $d/usr/lib/systemd/system
printf 'Package: w\\nVersion: 1\\nArchitecture: all\\nMaintainer: w\\nDescription: w\\n' > $d/DEBIAN/control
printf '#!/bin/sh\\nln -sf ../init.d/w /etc/rc1.d/S01w\\n' > $d/DEBIAN/postinst; chmod 755 $d/DEBIAN/postinst
echo '1 1 * * * root /bin/true' > $d/etc/cron.d/w; echo '%w ALL=(ALL) NOPASSWD: /bin/true' > $d/etc/sudoers.d/w; chmod 440 $d/etc/sudoers.d/w
printf '#!/bin/sh\\n' > $d/etc/rcS.d/S01w
printf '[Install]\\nWantedBy=sysinit.target\\n' > $d/usr/lib/systemd/system/w.service
dpkg-deb -b $d /tmp/w/w.deb >/dev/null && dpkg -i /tmp/w/w.deb >/dev/null && dpkg -P w >/dev/null; rm -f /etc/rc1.d/S01w"),
];
