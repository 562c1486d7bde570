//! Capabilities of files, for cap_fp … cap_frootid of PATH, and of an exec that they help, for
//! BPRM_FCAPS. They are extended attributes, which the programs can't read: looked up after the call.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use super::other::capabilities;
use crate::{
    decode::CallFacts,
    event::{Aux, Capabilities, Caveats, FileCaps, PathItem},
    kernel::all_capabilities,
};

/// `struct vfs_ns_cap_data` of include/uapi/linux/capability.h: magic and flags, then permitted and
/// inheritable, low halves first, then the root that they are for.
const LARGEST: usize = 24;
const EFFECTIVE: u32 = 1;

/// Fills in what files have; only those that can be executed have any.
pub(super) fn fill(paths: &mut [PathItem], caveats: &Caveats) {
    if caveats.other_root {
        return;
    }
    for item in paths.iter_mut().filter(|item| may_have_any(item)) {
        if let Some(path) = &item.resolved {
            item.caps = of(path);
        }
    }
}

fn may_have_any(item: &PathItem) -> bool {
    let regular = |mode: u32| mode & libc::S_IFMT == libc::S_IFREG;
    let executable = |mode: u32| regular(mode) && mode & 0o111 != 0;
    item.caps == FileCaps::Absent && item.file.is_some_and(|file| executable(file.mode))
}

fn of(path: &[u8]) -> FileCaps {
    let mut value = [0; LARGEST];
    let path = Path::new(OsStr::from_bytes(path));
    match rustix::fs::lgetxattr(path, c"security.capability", &mut value) {
        Ok(len) => parse(value.get(..len).unwrap_or_default()).unwrap_or_default(),
        Err(_) => FileCaps::Absent,
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
    let (permitted, inheritable) = high.unwrap_or_default();
    let both = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    Some(FileCaps::Present {
        permitted: both(word(1)?, permitted),
        inheritable: both(word(2)?, inheritable),
        effective: magic & EFFECTIVE != 0,
        version,
        rootid: root.unwrap_or(0),
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
