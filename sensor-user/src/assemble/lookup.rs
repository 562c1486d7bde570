//! Files that no kernel object told of, looked up after the call. A race is possible, so the
//! event says so (`Caveats::looked_up`).

use std::{
    ffi::OsStr,
    fs::{self, Metadata},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::{
    decode::CallFacts,
    event::{FileFacts, NameType, PathItem, Times},
    script,
};

/// Where the caller's name leads, seen from this process: through /proc, so that the caller's
/// root and working directory hold. If the caller is gone, from its working directory as text.
fn places(facts: &CallFacts, name: &[u8]) -> [PathBuf; 2] {
    let pid = facts.task.pid;
    // `self` would be this process.
    let own = name.strip_prefix(b"/proc/self/").map(|rest| {
        let mut own = format!("/proc/{pid}/").into_bytes();
        own.extend_from_slice(rest);
        own
    });
    let name = own.as_deref().unwrap_or(name);
    let base = match facts.dirfd() {
        _ if name.first() == Some(&b'/') => format!("/proc/{pid}/root"),
        Some(fd) => format!("/proc/{pid}/fd/{fd}"),
        None => format!("/proc/{pid}/cwd"),
    };
    let mut through = PathBuf::from(base).into_os_string();
    through.push("/");
    through.push(OsStr::from_bytes(name));
    let cwd = facts
        .cwd
        .as_ref()
        .filter(|_| facts.dirfd().is_none())
        .map(|path| path.to_bytes());
    let text = script::absolute(name, cwd.as_deref());
    [through.into(), PathBuf::from(OsStr::from_bytes(&text))]
}

fn look(places: &[PathBuf; 2], follow: bool) -> Option<Metadata> {
    let look = |path: &PathBuf| {
        if follow {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        }
    };
    places.iter().find_map(|path| look(path).ok())
}

fn facts_of(metadata: &Metadata) -> FileFacts {
    FileFacts {
        ino: metadata.ino(),
        dev: kernel_dev(metadata.dev()),
        rdev: kernel_dev(metadata.rdev()),
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
    }
}

/// From the C library's encoding to the kernel's own.
fn kernel_dev(dev: u64) -> u32 {
    libc::major(dev) << 20 | libc::minor(dev)
}

/// Fills the file of an item that has none. True if it was found.
pub(super) fn fill(facts: &CallFacts, item: &mut PathItem, follow: bool) -> bool {
    let Some(name) = item.name.as_ref().filter(|name| !name.is_empty()) else {
        return false;
    };
    let Some(metadata) = look(&places(facts, name), follow) else {
        return false;
    };
    item.file = Some(facts_of(&metadata));
    item.nametype = NameType::Normal;
    true
}

/// The directory that a name is in.
pub(super) fn directory(facts: &CallFacts, name: &[u8]) -> Option<FileFacts> {
    let end = name.iter().rposition(|b| *b == b'/');
    let directory = match end {
        Some(at) => &name[..=at],
        None => &b"."[..],
    };
    look(&places(facts, directory), true).map(|metadata| facts_of(&metadata))
}

/// The target of a utimensat by path, where the plan has no hook on it.
pub(super) fn after_utime(facts: &CallFacts) -> Option<(PathItem, Times)> {
    const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
    let name = facts.user_name.as_ref()?;
    let nofollow = facts.is("utimensat") && facts.call.args[3] & AT_SYMLINK_NOFOLLOW != 0;
    let places = places(facts, name);
    let metadata = look(&places, !nofollow)?;
    let resolved = places.iter().find_map(|path| resolve(path, nofollow));
    let item = PathItem {
        name: Some(name.clone()),
        resolved,
        file: Some(facts_of(&metadata)),
        nametype: NameType::Normal,
    };
    let pair = |sec, nsec| (sec, u32::try_from(nsec).unwrap_or(0));
    let times = Times {
        atime: pair(metadata.atime(), metadata.atime_nsec()),
        mtime: pair(metadata.mtime(), metadata.mtime_nsec()),
        ctime: pair(metadata.ctime(), metadata.ctime_nsec()),
    };
    Some((item, times))
}

/// The path without links; the last component's own link stays when the call did not follow it.
fn resolve(path: &Path, nofollow: bool) -> Option<Bytes> {
    let resolved = if nofollow {
        fs::canonicalize(path.parent()?)
            .ok()?
            .join(path.file_name()?)
    } else {
        fs::canonicalize(path).ok()?
    };
    Some(Bytes::copy_from_slice(resolved.as_os_str().as_bytes()))
}
