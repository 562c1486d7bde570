# What each case's machine has: users, an SSH server, keys. Done before the sensor starts.
useradd -m -s /bin/bash alice
useradd -m -s /bin/bash bob
install -d -o alice -g alice -m 700 /home/alice/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 <<<y >/dev/null
ssh-keygen -A >/dev/null
/usr/sbin/sshd
mkdir -p /etc/rc1.d /etc/rcS.d /etc/rc2.d /etc/cron.d
sleep 1
