//! Capabilities of files, for cap_fp … cap_frootid of PATH, and of an exec that they help, for
//! BPRM_FCAPS. They are extended attributes, which the programs can't read: looked up after the call, unless
//! a change is known that was after it.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

use sensor_ebpf::wire::FileCapFacts;

use super::{Assembler, aux::capabilities};
use crate::{
    decode::CallFacts,
    event::{Aux, Capabilities, FileCaps, FileFacts, NameType, PathItem},
    kernel::all_capabilities,
};

/// `struct vfs_ns_cap_data` of include/uapi/linux/capability.h: magic and flags, then permitted and
/// inheritable, low halves first, then the root that they are for.
const LARGEST: usize = 24;
const EFFECTIVE: u32 = 1;

/// Most files whose changes are remembered.
const FILES: usize = 16_384;
/// How far a file's ctime may lag behind the clock: the kernel's coarse clock ticks 100 times a second
/// at least.
const COARSE_NS: u64 = 20_000_000;

/// What changed of files' capabilities since the start.
#[derive(Debug, Default)]
pub(super) struct FileCapsTable {
    /// Device and inode → times (CLOCK_MONOTONIC, ns) and what was from then on.
    changes: HashMap<(u32, u64), Vec<(u64, FileCaps)>>,
}

impl FileCapsTable {
    pub(super) fn changed(&mut self, facts: &FileCapFacts) {
        // With so many all are forgotten: a look-up then says what is now.
        if self.changes.len() >= FILES {
            self.changes.clear();
        }
        let bytes = facts.value.map(u64::to_ne_bytes).concat();
        let value = bytes.get(..facts.len as usize).unwrap_or_default();
        let caps = parse(value).unwrap_or_default();
        let of_file = self.changes.entry((facts.dev, facts.ino)).or_default();
        of_file.push((facts.header.ktime_ns, caps));
    }

    /// What a file had, as far as its changes say. Before the first it had none: what else it had, it
    /// had before the sensor came, and no look-up was before the change.
    fn at(&self, file: &FileFacts, ktime_ns: u64) -> Option<FileCaps> {
        let changes = self.changes.get(&(file.dev, file.ino))?;
        let before = changes.iter().rfind(|(time, _)| *time <= ktime_ns);
        Some(before.map_or(FileCaps::Absent, |(_, caps)| *caps))
    }

    /// Another file has the inode.
    fn made(&mut self, file: &FileFacts, ktime_ns: u64) {
        let key = (file.dev, file.ino);
        if let Some(changes) = self.changes.get_mut(&key) {
            changes.retain(|(time, _)| *time > ktime_ns);
            if changes.is_empty() {
                self.changes.remove(&key);
            }
        }
    }
}

/// When a call began: by the clock of the programs, and the time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    pub(super) ktime_ns: u64,
    pub(super) time_ns: u64,
}

impl Assembler {
    /// Fills in what files have; only those that can be executed have any. True if it is in doubt
    /// whether a look-up came too late: then what is in the ring says.
    pub(super) fn fill_caps(&mut self, event: &mut [PathItem], made: bool, when: When) -> bool {
        let mut doubt = false;
        for item in event.iter_mut().filter(|item| may_have_any(item)) {
            let Some(file) = &item.file else { continue };
            if made && item.nametype == NameType::Create {
                // A new file has none.
                self.file_caps.made(file, when.ktime_ns);
                continue;
            }
            if let Some(known) = self.file_caps.at(file, when.ktime_ns) {
                item.caps = known;
            } else if let Some(path) = &item.resolved {
                let (caps, is_new) = of(path, file, when.time_ns);
                item.caps = caps;
                doubt |= is_new;
            }
        }
        doubt
    }
}

fn may_have_any(item: &PathItem) -> bool {
    let regular = |mode: u32| mode & libc::S_IFMT == libc::S_IFREG;
    let executable = |mode: u32| regular(mode) && mode & 0o111 != 0;
    item.caps != FileCaps::Unread && item.file.is_some_and(|file| executable(file.mode))
}

/// What a file has now, and whether it may have got that since.
fn of(path: &[u8], file: &FileFacts, time_ns: u64) -> (FileCaps, bool) {
    let mut value = [0; LARGEST];
    let path = Path::new(OsStr::from_bytes(path));
    let Ok(len) = rustix::fs::lgetxattr(path, c"security.capability", &mut value) else {
        return (FileCaps::Absent, false);
    };
    let caps = parse(value.get(..len).unwrap_or_default()).unwrap_or_default();
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.ino() == file.ino => {
            let whole = u64::try_from(found.ctime()).unwrap_or(0);
            let part = u64::try_from(found.ctime_nsec()).unwrap_or(0);
            let changed = whole * 1_000_000_000 + part + COARSE_NS;
            (caps, caps != FileCaps::Absent && changed > time_ns)
        }
        // Another file has the name by now.
        _ => (FileCaps::Absent, false),
    }
}

/// get_vfs_caps_from_disk
fn parse(value: &[u8]) -> Option<FileCaps> {
    let word = |n: usize| {
        let bytes = value.get(4 * n..4 * n + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let magic = word(0)?;
    let version = magic >> 24;
    let (high, root) = match version {
        1 => (None, None),
        2 => (Some((word(3)?, word(4)?)), None),
        3 => (Some((word(3)?, word(4)?)), Some(word(5)?)),
        _ => return None,
    };
    // Those for the root of a user namespace of its own are none elsewhere: rootid_owns_currentns.
    if root.is_some_and(|root| root != 0) {
        return None;
    }
    let (permitted, inheritable) = high.unwrap_or_default();
    let both = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    Some(FileCaps::Present {
        permitted: both(word(1)?, permitted),
        inheritable: both(word(2)?, inheritable),
        effective: magic & EFFECTIVE != 0,
        version,
        rootid: 0,
    })
}

/// The record of an exec that gave its caller more than it had: nonroot_raised_pE of
/// security/commoncap.c. The image is the last file but for the dynamic linker's.
pub(super) fn raised(facts: &CallFacts, paths: &[PathItem]) -> Option<Aux> {
    let old = capabilities(&facts.old_caps?);
    let new = capabilities(&facts.caps?);
    let mut files = paths.iter().map(|item| item.caps);
    let file = files.rfind(|caps| matches!(caps, FileCaps::Present { .. }));
    let file = file.unwrap_or_default();
    let [uid, _, _, _, euid, ..] = facts.task.cred;
    is_raised(uid, euid, &old, &new, file != FileCaps::Absent).then_some(Aux::BprmFcaps {
        file,
        old,
        new,
    })
}

fn is_raised(uid: u32, euid: u32, old: &Capabilities, new: &Capabilities, has_fcap: bool) -> bool {
    let beyond = |a: u64, b: u64| a & !b != 0;
    let full = !beyond(all_capabilities(), new.effective);
    let grew = beyond(new.effective, new.ambient) && !(full && (euid == 0 || uid == 0));
    let suid_root = uid != 0 && euid == 0 && !full;
    let gained =
        has_fcap && beyond(new.permitted, old.permitted) || beyond(new.ambient, old.ambient);
    // The real uid is the one before, as an exec does not change it.
    grew || suid_root || (euid == uid && gained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        let net_raw = "0100000200200000000000000000000000000000";
        let value = hex::decode(net_raw).expect("hexadecimal");
        let expect = FileCaps::Present {
            permitted: 1 << 13,
            inheritable: 0,
            effective: true,
            version: 2,
            rootid: 0,
        };
        assert_eq!(parse(&value), Some(expect));
        for cut in 0..value.len() {
            assert_eq!(parse(&value[..cut]), None);
        }
        assert_eq!(parse(&[0, 0, 0, 9]), None);
    }

    #[test]
    fn who_gains() {
        let none = Capabilities::default();
        let raw = Capabilities {
            permitted: 1 << 13,
            effective: 1 << 13,
            ..none
        };
        let root = Capabilities {
            permitted: all_capabilities(),
            effective: all_capabilities(),
            ..none
        };
        assert!(is_raised(1000, 1000, &none, &raw, true));
        assert!(!is_raised(1000, 1000, &none, &none, true));
        assert!(!is_raised(0, 0, &root, &root, false));
        assert!(!is_raised(1000, 0, &none, &root, false));
        assert!(is_raised(0, 0, &raw, &raw, false));
    }
}
