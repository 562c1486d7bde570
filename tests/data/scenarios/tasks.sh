# alert: Manipulation of scheduled tasks detected
### attack: cron.d
# object: /etc/cron.d/w
echo '* * * * * root /bin/x' > /etc/cron.d/w

### attack: crontab
# object: /var/spool/cron/crontabs/root
echo '* * * * * /bin/x' | crontab -

### attack: crontab -r
# object: /var/spool/cron/crontabs/root
echo '* * * * * /bin/x' | crontab -
#---
crontab -r

### attack: a renamed crontab
# object: /var/spool/cron/crontabs/root
cp -p /usr/bin/crontab /tmp/w/ls
#---
echo '* * * * * /bin/x' | /tmp/w/ls -

### attack: a script every hour
# object: /etc/cron.hourly/gcc.sh
printf '#!/bin/sh\nx\n' > /etc/cron.hourly/gcc.sh

### attack: a timer
# object: /etc/systemd/system/w.timer
mkdir -p /etc/systemd/system
#---
printf '[Timer]\nOnCalendar=hourly\n' > /etc/systemd/system/w.timer

### attack: a directory renamed into place
# object: /etc/cron.d/w
mkdir /tmp/w/d; echo '* * * * * root /bin/x' > /tmp/w/d/w; cp -a /etc/cron.d /srv/w/
#---
mv /etc/cron.d /tmp/w/old; mv /tmp/w/d /etc/cron.d

### innocent: an editor's swap file
touch /etc/cron.d/.w.swp /etc/sudoers.d/.#w; rm /etc/cron.d/.w.swp /etc/sudoers.d/.#w

### innocent: a user's own crontab
echo '1 1 * * * /bin/true' | crontab -; crontab -l >/dev/null; crontab -r

### innocent: times of watched files
touch /etc/crontab /etc/group; touch -a /etc/sudoers

### innocent: a package with a cron table, a unit and a sudoers file
d=/tmp/w/pkg; mkdir -p $d/DEBIAN $d/etc/cron.d $d/etc/sudoers.d $d/etc/rcS.d $d/usr/lib/systemd/system
printf 'Package: w\nVersion: 1\nArchitecture: all\nMaintainer: w\nDescription: w\n' > $d/DEBIAN/control
printf '#!/bin/sh\nln -sf ../init.d/w /etc/rc1.d/S01w\n' > $d/DEBIAN/postinst; chmod 755 $d/DEBIAN/postinst
echo '1 1 * * * root /bin/true' > $d/etc/cron.d/w; echo '%w ALL=(ALL) NOPASSWD: /bin/true' > $d/etc/sudoers.d/w; chmod 440 $d/etc/sudoers.d/w
printf '#!/bin/sh\n' > $d/etc/rcS.d/S01w
printf '[Install]\nWantedBy=sysinit.target\n' > $d/usr/lib/systemd/system/w.service
dpkg-deb -b $d /tmp/w/w.deb >/dev/null && dpkg -i /tmp/w/w.deb >/dev/null && dpkg -P w >/dev/null; rm -f /etc/rc1.d/S01w
