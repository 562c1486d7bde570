# alert: Detected Persistence Attempt
### attack: a script for run level 1
# object: /etc/rc1.d/S90w
mkdir -p /etc/rc1.d
#---
printf '#!/bin/sh\nx\n' > /etc/rc1.d/S90w

### attack: a link for run level 1
# object: /etc/rc1.d/S90w
mkdir -p /etc/rc1.d
#---
ln -s ../init.d/w /etc/rc1.d/S90w

### attack: a link by perl
# object: /etc/rcS.d/S90w
mkdir -p /etc/rcS.d
#---
perl -e 'symlink "/tmp/w/x", "/etc/rcS.d/S90w"'

### attack: a rename into run level 1
# object: /etc/rc1.d/S90w
mkdir -p /etc/rc1.d; echo x > /tmp/w/s
#---
mv /tmp/w/s /etc/rc1.d/S90w

### attack: a unit of rescue.target
# object: /etc/systemd/system/rescue.target.wants/w.service
mkdir -p /etc/systemd/system
#---
mkdir /etc/systemd/system/rescue.target.wants; ln -s /srv/w.service /etc/systemd/system/rescue.target.wants/w.service

### attack: an init script for single-user mode
# object: /etc/init.d/w
mkdir -p /etc/init.d
#---
printf '#!/bin/sh\n# Default-Start: S\nx\n' > /etc/init.d/w

### innocent: K links
mkdir -p /etc/rc1.d; ln -s ../init.d/x /etc/rc1.d/K01w; rm /etc/rc1.d/K01w

### innocent: an ordinary run level
mkdir -p /etc/rc2.d; ln -s ../init.d/x /etc/rc2.d/S01w; rm /etc/rc2.d/S01w

### innocent: an ordinary unit
mkdir -p /etc/systemd/system; printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/w.service; rm /etc/systemd/system/w.service
