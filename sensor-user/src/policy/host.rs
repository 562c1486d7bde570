//! What a policy must know of the host it is loaded on: users, groups, files, mounts. A trait, so
//! that tests bring their own.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

/// An inode by its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The superblock's device in the kernel's encoding, like [`crate::event::FileFacts::dev`].
    pub dev: u32,
    pub ino: u64,
}

/// The host, as far as rules name parts of it.
pub trait Host {
    /// getpwnam(3)
    fn uid(&self, name: &[u8]) -> Option<u32>;
    /// getgrnam(3)
    fn gid(&self, name: &[u8]) -> Option<u32>;
    /// The inode a path names now. The last component is not followed, as by the kernel's
    /// `audit_add_watch`.
    fn node(&self, path: &Path) -> Option<Node>;
    /// Whether a path names a directory; links are followed, as by auditctl's stat(2).
    fn is_dir(&self, path: &Path) -> bool;
    /// A directory's path without links.
    fn canonical(&self, dir: &Path) -> Option<PathBuf>;
    /// Devices of the mounted file systems of a type.
    fn devices(&self, fstype: &str) -> Vec<u32>;
}

/// The running one.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Host for System {
    fn uid(&self, name: &[u8]) -> Option<u32> {
        number_of(&fs::read("/etc/passwd").ok()?, name)
    }

    fn gid(&self, name: &[u8]) -> Option<u32> {
        number_of(&fs::read("/etc/group").ok()?, name)
    }

    fn node(&self, path: &Path) -> Option<Node> {
        let flags = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        let stat = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, flags).ok()?;
        let has_mount = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
        let mount = has_mount.then_some(stat.stx_mnt_id);
        // st_dev of a btrfs subvolume is not its superblock's; the mount table has that one.
        let dev = mount.and_then(|id| device_of_mount(&mounts(), id));
        let own = || kernel_dev(makedev(stat.stx_dev_major, stat.stx_dev_minor));
        Some(Node {
            dev: dev.unwrap_or_else(own),
            ino: stat.stx_ino,
        })
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn canonical(&self, dir: &Path) -> Option<PathBuf> {
        let found = dir.canonicalize().ok()?;
        fs::metadata(&found)
            .ok()
            .filter(|m| m.mode() & libc::S_IFMT == libc::S_IFDIR)?;
        Some(found)
    }

    fn devices(&self, fstype: &str) -> Vec<u32> {
        devices_of(&mounts(), fstype)
    }
}

fn mounts() -> Vec<u8> {
    fs::read("/proc/self/mountinfo").unwrap_or_default()
}

/// A user's or group's number in passwd(5) or group(5): both have it in the third field.
fn number_of(file: &[u8], name: &[u8]) -> Option<u32> {
    file.split(|b| *b == b'\n').find_map(|line| {
        let mut fields = line.split(|b| *b == b':');
        let named = fields.next() == Some(name);
        let number = fields.nth(1).filter(|_| named)?;
        std::str::from_utf8(number).ok()?.parse().ok()
    })
}

/// Fields of mountinfo (proc_pid_mountinfo(5)): id, parent, major:minor, … - type source options.
fn mount_lines(mountinfo: &[u8]) -> impl Iterator<Item = (Vec<&[u8]>, u32)> {
    mountinfo.split(|b| *b == b'\n').filter_map(|line| {
        let fields: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
        let (major, minor) = std::str::from_utf8(fields.get(2)?).ok()?.split_once(':')?;
        let dev = major.parse::<u32>().ok()? << 20 | minor.parse::<u32>().ok()?;
        Some((fields, dev))
    })
}

fn device_of_mount(mountinfo: &[u8], id: u64) -> Option<u32> {
    let id = id.to_string();
    mount_lines(mountinfo).find_map(|(fields, dev)| (fields[0] == id.as_bytes()).then_some(dev))
}

fn devices_of(mountinfo: &[u8], fstype: &str) -> Vec<u32> {
    let mut found: Vec<u32> = mount_lines(mountinfo)
        .filter(|(fields, _)| {
            let dash = fields.iter().position(|field| *field == b"-");
            dash.and_then(|at| fields.get(at + 1)) == Some(&fstype.as_bytes())
        })
        .map(|(_, dev)| dev)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn kernel_dev(dev: u64) -> u32 {
    rustix::fs::major(dev) << 20 | rustix::fs::minor(dev)
}

/// A path as bytes.
pub(super) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_names() {
        let passwd = b"root:x:0:0::/root:/bin/sh\nbad\nal\xff:x:7:8::/:\n";
        assert_eq!(number_of(passwd, b"root"), Some(0));
        assert_eq!(number_of(passwd, b"al\xff"), Some(7));
        assert_eq!(number_of(passwd, b"bad"), None);
        assert_eq!(number_of(passwd, b""), None);
    }

    #[test]
    fn devices_of_mounts() {
        let table = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            31 22 0:7 / /sys/kernel/debug rw shared:9 - debugfs debugfs rw\n\
            32 22 0:7 / /mnt rw - debugfs debugfs rw\nbroken\n";
        assert_eq!(devices_of(table, "debugfs"), [7]);
        assert_eq!(device_of_mount(table, 22), Some(254 << 20));
        assert_eq!(device_of_mount(table, 9), None);
    }

    #[test]
    fn the_root_directory_is_found() {
        let node = System.node(Path::new("/")).expect("/");
        assert_ne!(node.ino, 0);
        assert!(System.node(Path::new("/nonesuch/x")).is_none());
        assert!(System.is_dir(Path::new("/")));
        assert_eq!(System.uid(b"root"), Some(0));
    }
}
