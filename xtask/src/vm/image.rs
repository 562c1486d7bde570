//! A guest's initramfs: the cached root file system, and behind it a small archive with what
//! this run needs. The kernel unpacks archives one after the other.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};

use super::Guest;
use crate::{
    command::{command, exists, quiet},
    setup::rootfs,
};

/// Runs as process 1: mounts what a system has, runs the command, says how it ended.
const INIT: &str = r#"#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/sshd /run/lock
mount -t securityfs security /sys/kernel/security 2>/dev/null
mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
ln -sf /proc/self/fd /dev/fd
hostname guest
ip link set lo up 2>/dev/null
stty -F /dev/ttyS1 raw -echo 2>/dev/null
stty -F /dev/ttyS2 raw -echo 2>/dev/null
cd /root
if [ -s /auklet/command ]; then
  setsid sh /auklet/command </dev/null >/dev/ttyS1 2>&1
else
  setsid -c bash -l </dev/ttyS1 >/dev/ttyS1 2>&1
fi
code=$?
# A port that still has bytes to send would lose them when the machine goes.
stty -F /dev/ttyS1 drain 2>/dev/null || sleep 0.2
echo $code >/dev/ttyS2
stty -F /dev/ttyS2 drain 2>/dev/null || sleep 0.2
echo o >/proc/sysrq-trigger
sleep 10
"#;

/// Writes `initrd` into a directory.
pub(super) fn write(guest: &Guest<'_>, dir: &Path) -> Result<()> {
    let root = dir.join("overlay");
    let modules = root.join("lib/modules").join(guest.kernel.release()?);
    for below in ["auklet", "usr/local/bin"] {
        fs::create_dir_all(root.join(below))?;
    }
    program(&root.join("auklet/init"), INIT)?;
    fs::write(
        root.join("auklet/command"),
        guest.command.unwrap_or_default(),
    )?;
    for binary in [&guest.built.auklet, &guest.built.guest] {
        if let Some(name) = binary.file_name().filter(|_| binary.exists()) {
            stripped(binary, &root.join("usr/local/bin").join(name))?;
        }
    }
    // The root file system has /lib as a link to usr/lib; an archive can't put a directory there.
    let modules = root.join("usr").join(modules.strip_prefix(&root)?);
    fs::create_dir_all(&modules)?;
    for entry in fs::read_dir(guest.kernel.dir.join("modules"))
        .context("the kernel's modules: run `cargo xtask setup`")?
    {
        let entry = entry?;
        fs::copy(entry.path(), modules.join(entry.file_name()))?;
    }
    let _unneeded = fs::remove_dir_all(root.join("lib")).is_ok();
    let overlay = dir.join("overlay.cpio.zst");
    let pipe = "cd \"$1\" && find . | cpio -o -H newc -R 0:0 --quiet | zstd -q -1 -o \"$2\"";
    quiet(command(&["sh", "-ec", pipe, "sh"]).arg(&root).arg(&overlay))?;
    concatenate(
        &[&rootfs::image(guest.root)?, &overlay],
        &dir.join("initrd"),
    )
}

fn program(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Without debug information: less for the guest to unpack.
fn stripped(binary: &Path, target: &Path) -> Result<()> {
    if exists("strip") {
        return quiet(command(&["strip", "-o"]).arg(target).arg(binary));
    }
    fs::copy(binary, target).with_context(|| binary.display().to_string())?;
    Ok(())
}

fn concatenate(parts: &[&Path], whole: &Path) -> Result<()> {
    let mut out = File::create(whole)?;
    for part in parts {
        let mut part = File::open(part)
            .with_context(|| format!("{}: run `cargo xtask setup`", part.display()))?;
        io::copy(&mut part, &mut out)?;
    }
    Ok(())
}
