# alert: Process seen accessing the SSH authorized keys file in an unusual way
### attack: append
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
echo ssh-rsa BBBB intruder >> /home/ann/.ssh/authorized_keys

### attack: the same content once more
# object: /home/ann/.ssh/authorized_keys
cp /home/ann/.ssh/authorized_keys /tmp/w/same
#---
cat /tmp/w/same > /home/ann/.ssh/authorized_keys

### attack: tee, renamed
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
cp /usr/bin/tee /tmp/w/vim
#---
echo ssh-rsa BBBB intruder | /tmp/w/vim -a /home/ann/.ssh/authorized_keys >/dev/null

### attack: perl
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
perl -e 'open F, ">>", "/home/ann/.ssh/authorized_keys"; print F "ssh-rsa BBBB intruder\n"'

### attack: truncate
# object: /home/ann/.ssh/authorized_keys
truncate -s 5 /home/ann/.ssh/authorized_keys

### attack: a rename over the file
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
echo ssh-rsa BBBB intruder > /tmp/w/n
#---
mv /tmp/w/n /home/ann/.ssh/authorized_keys

### attack: sed -i
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
sed -i 'a ssh-rsa BBBB intruder' /home/ann/.ssh/authorized_keys

### attack: a directory renamed into place
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
mkdir /tmp/w/stage; echo ssh-rsa BBBB intruder > /tmp/w/stage/authorized_keys
#---
mv /home/ann/.ssh /home/ann/old; mv /tmp/w/stage /home/ann/.ssh

### attack: a hard link
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
ln /home/ann/.ssh/authorized_keys /srv/w/l; echo ssh-rsa BBBB intruder >> /srv/w/l

### attack: an older hard link
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
ln /home/ann/.ssh/authorized_keys /srv/w/l
#---
echo ssh-rsa BBBB intruder >> /srv/w/l

### attack: a hard link into place
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
rm /home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /srv/w/l
#---
ln /srv/w/l /home/ann/.ssh/authorized_keys

### attack: a symbolic link into place
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
rm /home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /tmp/w/keys
#---
ln -s /tmp/w/keys /home/ann/.ssh/authorized_keys

### attack: what a symbolic link leads to
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
rm /home/ann/.ssh/authorized_keys; touch /tmp/w/keys; ln -s /tmp/w/keys /home/ann/.ssh/authorized_keys
#---
echo ssh-rsa BBBB intruder > /tmp/w/keys

### attack: a symbolic link in place of the directory
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
echo ssh-rsa BBBB intruder > /srv/w/authorized_keys; rm -r /home/ann/.ssh
#---
ln -s /srv/w /home/ann/.ssh

### attack: through a symbolic link of the directory
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
rm -r /home/ann/.ssh; ln -s /srv/w /home/ann/.ssh
#---
echo ssh-rsa BBBB intruder > /srv/w/authorized_keys

### attack: through /proc/self/root
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
echo ssh-rsa BBBB intruder >> /proc/self/root/home/ann/.ssh/../.ssh/authorized_keys

### attack: a descriptor
# object: /home/ann/.ssh/authorized_keys
exec 7<>/home/ann/.ssh/authorized_keys; echo ssh-rsa BBBB intruder > /proc/self/fd/7; exec 7>&-

### attack: a bind mount
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
touch /tmp/w/b; mount --bind /home/ann/.ssh/authorized_keys /tmp/w/b
#---
echo ssh-rsa BBBB intruder >> /tmp/w/b

### attack: another root
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
mkdir /tmp/w/root; mount --bind / /tmp/w/root
#---
chroot /tmp/w/root /bin/bash -c 'echo ssh-rsa BBBB intruder >> /home/ann/.ssh/authorized_keys'

### attack: another mount namespace
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
mkdir /tmp/w/ns
#---
unshare -m bash -c 'mount --bind /home/ann/.ssh /tmp/w/ns; echo ssh-rsa BBBB intruder >> /tmp/w/ns/authorized_keys'

### attack: open to all
# object: /home/ann/.ssh/authorized_keys
chmod 666 /home/ann/.ssh/authorized_keys

### attack: a late write
# object: /home/ann/.ssh/authorized_keys
# also: New SSH key added
exec 7>>/home/ann/.ssh/authorized_keys; sleep 2; echo ssh-rsa BBBB intruder >&7; sleep 1

### attack: a child that writes when its parent has ended
# object: /home/ann/.ssh/authorized_keys
(exec 7>>/home/ann/.ssh/authorized_keys; (sleep 2; echo ssh-rsa BBBB intruder >&7) &)

### attack: where sshd_config says
# object: /srv/w/keys/ann
mkdir -p /srv/w/keys; cp /etc/ssh/sshd_config /srv/w/sshd_config; echo 'AuthorizedKeysFile /srv/w/keys/%u' >> /etc/ssh/sshd_config
#---
echo ssh-rsa BBBB intruder > /srv/w/keys/ann

### innocent: the keys are read
cat /home/ann/.ssh/authorized_keys >/dev/null; su ann -s /bin/sh -c 'cat ~/.ssh/authorized_keys' >/dev/null

### innocent: the keys' mode is tidied
chmod 600 /home/ann/.ssh/authorized_keys; chown ann /home/ann/.ssh/authorized_keys; touch /home/ann/.ssh/authorized_keys.bak

### innocent: other files of ~/.ssh
echo x > /home/ann/.ssh/known_hosts; rm /home/ann/.ssh/known_hosts

### innocent: a backup
tar cf /tmp/w/b.tar /etc/cron.d /etc/group /home/ann/.ssh 2>/dev/null; cp /etc/group /tmp/w/group
