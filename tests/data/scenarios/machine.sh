# What each case's machine has: users, keys, an SSH server. Done before the sensor starts.
useradd -m -s /bin/bash ann
useradd -m -s /bin/bash eve
install -d -o ann -g ann -m 700 /home/ann/.ssh
echo ssh-ed25519 AAAA ann@home > /home/ann/.ssh/authorized_keys
chown ann:ann /home/ann/.ssh/authorized_keys
chmod 600 /home/ann/.ssh/authorized_keys
mkdir -p /root/.ssh /run/sshd
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
ssh-keygen -A >/dev/null
/usr/sbin/sshd
mkdir -p /tmp/w /srv/w /etc/init.d /etc/rc1.d /etc/rcS.d /etc/rc2.d /etc/cron.d /etc/sudoers.d /etc/systemd/system
