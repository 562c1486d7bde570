# alert: A new user was added to the sudoers group
### attack: usermod
# object: /etc/group
gpasswd -d eve sudo || true
#---
usermod -aG sudo eve

### attack: a renamed usermod
# object: /etc/group
cp /usr/sbin/usermod /tmp/w/ls
#---
/tmp/w/ls -aG sudo eve

### attack: gpasswd
# object: /etc/group
gpasswd -a eve sudo

### attack: sed
# object: /etc/group
cp /etc/group /srv/w/group
#---
sed -i 's/^sudo:.*/&eve/' /etc/group

### attack: by primary group
# object: /etc/passwd
usermod -g sudo eve

### attack: a second root
# object: /etc/passwd
cp /etc/passwd /srv/w/passwd
#---
echo 'toor:x:0:0::/:/bin/sh' >> /etc/passwd

### attack: sudoers.d
# object: /etc/sudoers.d/w
mkdir -p /etc/sudoers.d
#---
echo 'eve ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/w

### attack: a group that sudoers names
# object: /etc/group
mkdir -p /etc/sudoers.d; echo '%ops ALL=(ALL) ALL' > /etc/sudoers.d/w; groupadd ops
#---
gpasswd -a eve ops

### innocent: an account is made and removed
useradd -m zoe; passwd -l zoe; userdel -r zoe 2>/dev/null

### innocent: a group without members
groupadd devs; groupdel devs

### innocent: a member of a harmless group
usermod -aG video eve; gpasswd -d eve video

### innocent: a member is removed
gpasswd -d ann sudo || true

### innocent: files are checked and converted
grpck -r || true; pwck -r || true; grpconv; pwconv

### innocent: passwords
echo eve:xyz123xyz | chpasswd; chage -M 99 eve; passwd -l eve
