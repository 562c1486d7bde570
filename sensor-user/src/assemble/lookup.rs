//! Files that no kernel object told of, looked up after the call. A race is possible, so the event says
//! so (`Caveats::looked_up`).
//!
//! The name is the caller's, and the caller may be hostile: a look-up follows no link into a process
//! (/proc/…/fd/…) but those of the caller itself at a name's start, stays below the caller's root where that is another one, and opens regular files
//! only. It takes what the kernel has in its caches since the call itself looked; what is not there
//! is looked up only where no mount asks a server or a program, which may never answer.

use std::{
    ffi::OsStr,
    fs::File,
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::{
    fs::{
        AtFlags, Mode, OFlags, ResolveFlags, Statx, StatxFlags, open, openat2, readlinkat, statx,
    },
    io::Errno,
};
use sensor_ebpf::wire::flag;

use crate::{
    decode::{CallFacts, RawPath},
    event::{FileFacts, NameType, PathItem, Times},
    script,
};

/// Where a name starts, and the rest of it.
struct Place {
    base: PathBuf,
    path: PathBuf,
    resolve: ResolveFlags,
    /// The mounts that the path may lead to.
    mounts: PathBuf,
}

/// A file that was found: a handle that can't be read from, and what the kernel knows of it.
struct Found {
    handle: OwnedFd,
    stat: Statx,
}

/// Where a relative name starts.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// `None` is the working directory.
    pub(super) fd: Option<i32>,
    pub(super) base: Option<&'a RawPath>,
}

impl<'a> Start<'a> {
    /// Of a call of the four families.
    fn of(facts: &'a CallFacts) -> Self {
        Self {
            fd: facts.dirfd(),
            base: facts.base.as_ref(),
        }
    }
}

/// A link of the caller's own in /proc that a name starts with, whose target no text tells: the link, and what
/// of the name comes behind it. `None` where the link itself is meant.
fn own_link(pid: u32, name: &[u8], follow: bool) -> Option<(PathBuf, PathBuf)> {
    let own = format!("/proc/{pid}/");
    let below = name.strip_prefix(own.as_bytes())?;
    let number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let len = |text: &[u8]| text.iter().position(|b| *b == b'/').unwrap_or(text.len());
    let link = match below.strip_prefix(b"fd/") {
        Some(fd) if number(&fd[..len(fd)]) => 3 + len(fd),
        _ if [&b"cwd"[..], b"root", b"exe"].contains(&&below[..len(below)]) => len(below),
        _ => return None,
    };
    let path = |text| PathBuf::from(OsStr::from_bytes(text));
    let link_path = path(&name[..own.len() + link]);
    let rest = &below[link..];
    if rest.is_empty() {
        return follow.then(|| (link_path, PathBuf::new()));
    }
    // A slash alone asks for a directory.
    let begin = rest.iter().position(|b| *b != b'/');
    Some((link_path, begin.map_or(".".into(), |at| path(&rest[at..]))))
}

/// Where the caller's name leads: as text from the root, or from the descriptor that it started at. With
/// `follow` also through a link that the name ends with.
fn place(facts: &CallFacts, start: Start<'_>, name: &[u8], follow: bool) -> Option<Place> {
    let pid = facts.task.pid;
    // `self` would be this process.
    let own = name.strip_prefix(b"/proc/self/").map(|rest| {
        let mut own = format!("/proc/{pid}/").into_bytes();
        own.extend_from_slice(rest);
        own
    });
    let name = own.as_deref().unwrap_or(name);
    let ours = facts.header.flags & u32::from(flag::OTHER_ROOT) == 0;
    let (root, resolve) = if ours {
        ("/".into(), ResolveFlags::NO_MAGICLINKS)
    } else {
        (format!("/proc/{pid}/root").into(), ResolveFlags::IN_ROOT)
    };
    let mounts = if ours {
        "/proc/self/mountinfo".into()
    } else {
        format!("/proc/{pid}/mountinfo").into()
    };
    if let Some((base, path)) = own_link(pid, name, follow).filter(|_| ours) {
        return Some(Place {
            base,
            path,
            resolve,
            mounts,
        });
    }
    let below_root = |start: Option<&[u8]>, mounts| Place {
        mounts,
        base: root,
        path: match start {
            // A descriptor need not be a directory's.
            Some(start) if name.is_empty() => PathBuf::from(OsStr::from_bytes(&start[1..])),
            _ => PathBuf::from(OsStr::from_bytes(&script::absolute(name, start)[1..])),
        },
        resolve,
    };
    if name.first() == Some(&b'/') {
        return Some(below_root(None, mounts));
    }
    let text = match start.fd {
        None => facts.cwd.as_ref(),
        Some(_) => start.base,
    };
    let link = match start.fd {
        None => "cwd".to_owned(),
        Some(fd) => format!("fd/{fd}"),
    };
    // What has no name any more.
    let nameless = |path: &RawPath| path.flags & (flag::DELETED | flag::DETACHED) != 0;
    match text {
        Some(start) if !nameless(start) => Some(below_root(Some(&start.to_bytes()), mounts)),
        // It is not below the caller's root: the name must not lead out of it to anywhere.
        Some(_) if !ours => Some(Place {
            base: format!("/proc/{pid}/{link}").into(),
            path: PathBuf::from(OsStr::from_bytes(name)),
            resolve: ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
            mounts,
        }),
        // The programs of the stronger plans send no base: few of their calls need a look-up.
        _ if ours => Some(Place {
            base: format!("/proc/{pid}/{link}").into(),
            path: PathBuf::from(OsStr::from_bytes(name)),
            resolve,
            mounts,
        }),
        _ => None,
    }
}

impl Place {
    /// Where it was found, as the caller sees it: below another root that is not the path that this
    /// process sees.
    fn resolved(&self, found: &Found) -> Option<Bytes> {
        if self.resolve.contains(ResolveFlags::IN_ROOT) {
            let mut path = b"/".to_vec();
            path.extend_from_slice(self.path.as_os_str().as_bytes());
            return Some(path.into());
        }
        path_of(&found.handle).map(Bytes::from)
    }

    fn below(&self, base: &OwnedFd, follow: bool) -> Option<OwnedFd> {
        let mut flags = OFlags::PATH | OFlags::CLOEXEC;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        let at = |resolve| openat2(base, &self.path, flags, Mode::empty(), resolve);
        let opened = match at(self.resolve | ResolveFlags::CACHED) {
            // Before 5.12; and where the kernel must do more than read its caches.
            Err(Errno::INVAL | Errno::AGAIN) if asks_nobody(&self.mounts) => at(self.resolve),
            opened => opened,
        };
        opened.ok()
    }

    fn look(&self, follow: bool) -> Option<Found> {
        let handle = OFlags::PATH | OFlags::CLOEXEC;
        let base = open(&self.base, handle, Mode::empty()).ok()?;
        let opened = if self.path.as_os_str().is_empty() {
            base
        } else {
            self.below(&base, follow)?
        };
        let handle = Some(opened).filter(|handle| !is_this_process(handle))?;
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let stat = statx(&handle, c"", flags, StatxFlags::BASIC_STATS).ok()?;
        Some(Found { handle, stat })
    }
}

/// Whether all file systems of a mountinfo (proc_pid_mountinfo(5)) answer by themselves.
fn asks_nobody(mounts: &Path) -> bool {
    const ASK: [&[u8]; 10] = [
        b"fuse", b"nfs", b"cifs", b"smb", b"autofs", b"9p", b"ceph", b"afs", b"lustre", b"gfs",
    ];
    let Ok(mounts) = std::fs::read(mounts) else {
        return false;
    };
    let kind = |line: &[u8]| {
        let at = line.windows(3).position(|w| w == b" - ")?;
        line.get(at + 3..).map(<[u8]>::to_vec)
    };
    let mut kinds = mounts.split(|b| *b == b'\n').filter_map(kind);
    !kinds.any(|kind| ASK.iter().any(|ask| kind.starts_with(ask)))
}

/// Where a handle leads, as a path of this process's.
fn path_of(handle: &OwnedFd) -> Option<Vec<u8>> {
    let link = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
    let path = readlinkat(rustix::fs::CWD, link, Vec::new()).ok()?;
    Some(path.into_bytes())
}

/// Whether a link named `self` led to this process's own files.
fn is_this_process(handle: &OwnedFd) -> bool {
    let own = format!("/proc/{}/", std::process::id());
    path_of(handle).is_some_and(|path| path.starts_with(own.as_bytes()))
}

impl Found {
    fn file(&self) -> FileFacts {
        let dev = |major: u32, minor: u32| major << 20 | minor;
        let stat = &self.stat;
        FileFacts {
            ino: stat.stx_ino,
            dev: dev(stat.stx_dev_major, stat.stx_dev_minor),
            rdev: dev(stat.stx_rdev_major, stat.stx_rdev_minor),
            mode: stat.stx_mode.into(),
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            nlink: stat.stx_nlink,
        }
    }

    fn is_regular(&self) -> bool {
        u32::from(self.stat.stx_mode) & libc::S_IFMT == libc::S_IFREG
    }
}

fn look(facts: &CallFacts, name: &[u8], follow: bool) -> Option<Found> {
    place(facts, Start::of(facts), name, follow)?.look(follow)
}

/// A file and its path, by a name that starts anywhere.
pub(super) fn find(
    facts: &CallFacts,
    start: Start<'_>,
    name: &[u8],
    follow: bool,
) -> Option<(FileFacts, Option<Bytes>)> {
    let place = place(facts, start, name, follow)?;
    let found = place.look(follow)?;
    Some((found.file(), place.resolved(&found)))
}

/// What a link in the caller's /proc directory leads to now: `root`, where a chroot led, or `cwd`.
pub(super) fn link(facts: &CallFacts, name: &str) -> Option<FileFacts> {
    let place = Place {
        base: format!("/proc/{}/{name}", facts.task.pid).into(),
        path: PathBuf::new(),
        resolve: ResolveFlags::NO_MAGICLINKS,
        mounts: "/proc/self/mountinfo".into(),
    };
    place.look(true).map(|found| found.file())
}

/// Opens a regular file to read; never a pipe or a device, which could block or act. By the handle that
/// was looked at: another file may have the name by now.
pub(super) fn read(facts: &CallFacts, name: &[u8]) -> Option<File> {
    let found = look(facts, name, true).filter(Found::is_regular)?;
    let link = format!("/proc/self/fd/{}", found.handle.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    open(link, flags, Mode::empty()).ok().map(File::from)
}

/// Fills the file of an item that has none. True if it was found.
pub(super) fn fill(facts: &CallFacts, item: &mut PathItem, follow: bool) -> bool {
    let Some(name) = item.name.as_ref().filter(|name| !name.is_empty()) else {
        return false;
    };
    let Some(found) = look(facts, name, follow) else {
        return false;
    };
    item.file = Some(found.file());
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
    look(facts, directory, true).map(|found| found.file())
}

/// The target of a utimensat by path, where the plan has no hook on it.
pub(super) fn after_utime(facts: &CallFacts) -> Option<(PathItem, Times)> {
    const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
    let name = facts.user_name.as_ref()?;
    let nofollow = facts.is("utimensat") && facts.call.args[3] & AT_SYMLINK_NOFOLLOW != 0;
    let place = place(facts, Start::of(facts), name, !nofollow)?;
    let found = place.look(!nofollow)?;
    let item = PathItem {
        name: Some(name.clone()),
        resolved: place.resolved(&found),
        file: Some(found.file()),
        nametype: NameType::Normal,
        ..PathItem::default()
    };
    let stat = &found.stat;
    let times = Times {
        atime: (stat.stx_atime.tv_sec, stat.stx_atime.tv_nsec),
        mtime: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        ctime: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
    };
    Some((item, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mounts: &str, expect: bool) {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(&file, mounts).expect("write");
        assert_eq!(asks_nobody(file.path()), expect);
    }

    #[test]
    fn links_of_the_caller_itself() {
        let own = |name: &str, follow| {
            let (link, rest) = own_link(7, name.as_bytes(), follow)?;
            Some(format!("{} {}", link.display(), rest.display()))
        };
        for (name, follow, expect) in [
            ("/proc/7/fd/12", true, Some("/proc/7/fd/12 ")),
            ("/proc/7/fd/12", false, None),
            ("/proc/7/fd/12/", false, Some("/proc/7/fd/12 .")),
            ("/proc/7/fd/12//a/b", false, Some("/proc/7/fd/12 a/b")),
            ("/proc/7/exe", true, Some("/proc/7/exe ")),
            ("/proc/7/cwd/../a", true, Some("/proc/7/cwd ../a")),
            ("/proc/8/fd/12", true, None),
            ("/proc/7/fd/", true, None),
            ("/proc/7/fd/x", true, None),
            ("/proc/7/executable", true, None),
            ("/proc/7/status", true, None),
        ] {
            assert_eq!(own(name, follow).as_deref(), expect, "{name} {follow}");
        }
    }

    #[test]
    fn mounts_that_ask_somebody_are_known() {
        let local =
            "22 1 0:2 / / rw - rootfs none rw\n23 22 8:1 / /a\\040-\\040b rw - ext4 /dev/sda1 rw\n";
        check(local, true);
        check(
            &format!("{local}24 22 0:40 / /mnt rw shared:1 - fuse.sshfs u@h:/ rw\n"),
            false,
        );
        check(
            &format!("{local}25 22 0:41 / /net rw - nfs4 h:/x rw\n"),
            false,
        );
        assert!(!asks_nobody(Path::new("/no/such/file")));
    }
}
