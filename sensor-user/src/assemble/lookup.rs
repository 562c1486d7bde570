//! Files that no kernel object told of, looked up after the call. A race is possible, so the
//! event says so (`Caveats::looked_up`).

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::PathBuf,
};

use bytes::Bytes;
use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use sensor_ebpf::wire::flag;

use crate::{
    decode::CallFacts,
    event::{FileFacts, NameType, PathItem, Times},
    script,
};

/// Where a name may lead.
enum Place {
    /// A path of this process's.
    Here(PathBuf),
    /// A path from the root of the caller, which is another one: links must not lead out of it.
    There { root: PathBuf, path: PathBuf },
}

/// Where the caller's name leads, seen from this process: through /proc, so that the caller's root
/// and working directory hold; where its root is ours also, if it is gone or went on, as text.
fn places(facts: &CallFacts, name: &[u8]) -> Vec<Place> {
    let pid = facts.task.pid;
    // `self` would be this process.
    let own = name.strip_prefix(b"/proc/self/").map(|rest| {
        let mut own = format!("/proc/{pid}/").into_bytes();
        own.extend_from_slice(rest);
        own
    });
    let name = own.as_deref().unwrap_or(name);
    let start = match facts.dirfd() {
        Some(_) => facts.base.as_ref(),
        None => facts.cwd.as_ref(),
    };
    let absolute = name.first() == Some(&b'/');
    let text = (absolute || start.is_some()).then(|| {
        let start = start.map(|path| path.to_bytes());
        let text = script::absolute(name, start.as_deref());
        PathBuf::from(OsStr::from_bytes(&text))
    });
    if facts.header.flags & u32::from(flag::OTHER_ROOT) != 0 {
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        let there = text.map(|path| Place::There { root, path });
        return there.into_iter().collect();
    }
    let through = match facts.dirfd() {
        _ if absolute => Some(format!("/proc/{pid}/root")),
        // The descriptor may by now be another file's; its path is better.
        Some(_) if text.is_some() => None,
        Some(fd) => Some(format!("/proc/{pid}/fd/{fd}")),
        None => Some(format!("/proc/{pid}/cwd")),
    };
    let through = through.map(|base| {
        let mut path = OsString::from(base);
        path.push("/");
        path.push(OsStr::from_bytes(name));
        PathBuf::from(path)
    });
    through.into_iter().chain(text).map(Place::Here).collect()
}

impl Place {
    fn open(&self, flags: OFlags) -> Option<File> {
        let flags = flags | OFlags::CLOEXEC;
        let opened = match self {
            Self::Here(path) => fs::open(path, flags, Mode::empty()),
            Self::There { root, path } => {
                let root = fs::open(root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
                fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)
            }
        };
        opened.ok().map(File::from)
    }

    fn look(&self, follow: bool) -> Option<Metadata> {
        let follow = if follow {
            OFlags::empty()
        } else {
            OFlags::NOFOLLOW
        };
        self.open(OFlags::PATH | follow)?.metadata().ok()
    }
}

/// Opens a regular file to read; never a pipe or a device, which could block or act.
pub(super) fn open(facts: &CallFacts, name: &[u8]) -> Option<File> {
    places(facts, name).iter().find_map(|place| {
        place.look(true).filter(Metadata::is_file)?;
        let file = place.open(OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        file.metadata().ok()?.is_file().then_some(file)
    })
}

fn look(places: &[Place], follow: bool) -> Option<Metadata> {
    places.iter().find_map(|place| place.look(follow))
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
    let resolved = places.iter().find_map(|place| resolve(place, nofollow));
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

/// The path without links; the last component's own link stays when the call did not follow it. In
/// another root: as it stands.
fn resolve(place: &Place, nofollow: bool) -> Option<Bytes> {
    let resolved = match place {
        Place::There { path, .. } => path.clone(),
        Place::Here(path) if nofollow => std::fs::canonicalize(path.parent()?)
            .ok()?
            .join(path.file_name()?),
        Place::Here(path) => std::fs::canonicalize(path).ok()?,
    };
    Some(Bytes::copy_from_slice(resolved.as_os_str().as_bytes()))
}
