//! PATH items: which, in auditd's order, with auditd's names (kernel/auditsc.c: __audit_inode,
//! __audit_inode_child; fs/namei.c says when each is called).

use bytes::Bytes;
use sensor_ebpf::{
    config::plan,
    wire::{ItemFacts, item, kind},
};

use super::{Assembler, images, lookup, utime::UTIME_OMIT};
use crate::{
    decode::{CallFacts, RawItem},
    event::{Caveats, FileFacts, NameType, PathItem, What},
};

/// O_CREAT and O_TMPFILE's own bit of include/uapi/asm-generic/fcntl.h.
pub(super) const O_CREAT: u64 = 0o100;
const O_EXCL: u64 = 0o200;
/// include/uapi/linux/limits.h; with the NUL.
const PATH_MAX: usize = 4096;

/// An item as it is.
pub(super) fn normal(raw: &RawItem) -> PathItem {
    PathItem {
        name: raw.name.clone(),
        resolved: raw.path.as_ref().map(|path| path.to_bytes()),
        file: file(&raw.facts),
        nametype: if raw.facts.flags & item::FILE != 0 {
            NameType::Normal
        } else {
            NameType::Unknown
        },
        ..PathItem::default()
    }
}

pub(super) fn file(facts: &ItemFacts) -> Option<FileFacts> {
    (facts.flags & item::FILE != 0).then_some(FileFacts {
        ino: facts.ino,
        dev: facts.dev,
        rdev: facts.rdev,
        mode: facts.mode,
        uid: facts.uid,
        gid: facts.gid,
        nlink: facts.nlink,
    })
}

/// What auditd calls a directory: the directory part of the name, or the working directory even
/// where the call started from another one.
pub(super) fn directory_name(name: &Bytes, cwd: Option<&Bytes>) -> Option<Bytes> {
    let slash = name.iter().rposition(|b| *b == b'/');
    slash.map(|at| name.slice(..=at)).or_else(|| cwd.cloned())
}

/// The directory's item.
fn parent(raw: &RawItem, cwd: Option<&Bytes>) -> Option<PathItem> {
    let facts = &raw.facts;
    let name = raw.name.as_ref()?;
    (facts.flags & item::PARENT != 0).then(|| PathItem {
        name: directory_name(name, cwd),
        resolved: raw.path.as_ref().map(|path| directory(&path.to_bytes())),
        file: Some(FileFacts {
            ino: facts.parent_ino,
            dev: facts.parent_dev,
            rdev: facts.parent_rdev,
            mode: facts.parent_mode,
            uid: facts.parent_uid,
            gid: facts.parent_gid,
            nlink: 0,
        }),
        nametype: NameType::Parent,
        ..PathItem::default()
    })
}

/// The path without its last component.
fn directory(path: &Bytes) -> Bytes {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) | None => Bytes::from_static(b"/"),
        Some(at) => path.slice(..at),
    }
}

impl Assembler {
    /// The items of a call; empty when it named no path.
    pub(super) fn paths(
        &self,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        what: &What,
        caveats: &mut Caveats,
    ) -> Vec<PathItem> {
        let mut paths = match what {
            What::Other => return self.other_paths(facts, cwd, caveats),
            What::Module(_) | What::Message(_) | What::Uring(_) => Vec::new(),
            What::Exec(_) => self.exec_paths(facts, caveats),
            What::Open(open) => self.open_paths(facts, cwd, open.flags, open.created, caveats),
            What::Utime(utime) => {
                caveats.name_from_user = facts.user_name.is_some();
                utime_paths(facts, utime.target.as_ref())
            }
        };
        // A call that failed before any hook saw a path did not look for the file either.
        let looked = self.plan == plan::TRACEPOINT || !facts.items.is_empty();
        let looked = looked && (self.plan != plan::TRACEPOINT || facts.header.kind != kind::EXEC);
        if facts.call.ret < 0 && facts.header.kind != kind::MODULE && looked {
            self.complete_failed(facts, what, cwd, &mut paths, caveats);
        }
        if self.tomoyo && matches!(what, What::Exec(_)) {
            seen_by_tomoyo(facts, &mut paths);
        }
        paths
    }

    fn exec_paths(&self, facts: &CallFacts, caveats: &mut Caveats) -> Vec<PathItem> {
        if self.plan != plan::TRACEPOINT {
            if facts.items.is_empty() {
                return self.unseen(facts, caveats);
            }
            return facts.items.iter().map(normal).collect();
        }
        caveats.name_from_user = facts.filename.is_none();
        let Some(name) = exec_name(facts) else {
            return Vec::new();
        };
        let errno = i32::try_from(-facts.call.ret).unwrap_or(0);
        let unopened = errno == libc::EINVAL || (errno == libc::E2BIG && !self.opens_first);
        if unopened || !fits(&name) {
            return self.unseen(facts, caveats);
        }
        caveats.looked_up = true;
        let image = facts.items.first().map(normal);
        if let Some(image) = image.clone().filter(|_| name.is_empty()) {
            return images::by_descriptor(facts, image);
        }
        let (mut items, at) = images::items(facts, name);
        // The image that runs is a kernel object, however the names lead by now.
        if let (Some(image), Some(item)) = (image, items.get_mut(at)) {
            *item = PathItem {
                name: item.name.take(),
                ..image
            };
        }
        items
    }

    /// The call failed where no file was in sight, or the plan sees none: the name alone. A name
    /// that the kernel did not take (empty, too long, after flags that it refused) is no item.
    fn unseen(&self, facts: &CallFacts, caveats: &mut Caveats) -> Vec<PathItem> {
        caveats.name_from_user = facts.user_name.is_some();
        // openat2 is strict with its flags: where no hook tells, it was them.
        let strict = self.plan != plan::TRACEPOINT || facts.is("openat2");
        let refused =
            strict && facts.header.kind == kind::OPEN && facts.call.ret == -i64::from(libc::EINVAL);
        let name = facts
            .user_name
            .as_ref()
            .filter(|name| !refused && !name.is_empty() && fits(name));
        name.map(|name| PathItem {
            name: Some(name.clone()),
            ..PathItem::default()
        })
        .into_iter()
        .collect()
    }

    pub(super) fn open_paths(
        &self,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        flags: u64,
        created: bool,
        caveats: &mut Caveats,
    ) -> Vec<PathItem> {
        let Some(raw) = facts.items.last() else {
            return self.unseen(facts, caveats);
        };
        let mut found = normal(raw);
        if found.name.is_none() {
            caveats.name_from_user = true;
            found.name = facts.user_name.clone();
        }
        let named = RawItem {
            facts: raw.facts,
            name: found.name.clone(),
            path: raw.path.clone(),
            taken: None,
        };
        let directory = || parent(&named, cwd);
        if created && flags & O_CREAT != 0 {
            found.nametype = NameType::Create;
            return directory().into_iter().chain([found]).collect();
        }
        let existing = flags & O_CREAT != 0 && flags & O_EXCL == 0;
        let seen = self.parent_on_existing || raw.facts.flags & item::COLD != 0;
        if existing && facts.call.ret >= 0 && seen {
            return directory().into_iter().chain([found]).collect();
        }
        vec![found]
    }
}

/// What an exec named. For execveat the kernel puts the descriptor before it: alloc_bprm of fs/exec.c.
fn exec_name(facts: &CallFacts) -> Option<Bytes> {
    let Some(name) = facts.filename.clone() else {
        return facts.user_name.clone();
    };
    let Some(fd) = facts.dirfd().filter(|_| facts.is("execveat")) else {
        return Some(name);
    };
    let prefix = format!("/dev/fd/{fd}");
    Some(match name.strip_prefix(prefix.as_bytes()) {
        Some([]) => Bytes::new(),
        Some([b'/', rest @ ..]) => name.slice_ref(rest),
        _ => name,
    })
}

/// Whether the kernel's getname takes it; a longer one is cut to this length by the programs.
fn fits(name: &Bytes) -> bool {
    name.len() < PATH_MAX - 1
}

/// TOMOYO's check of an exec resolves the name once more, without following a link, and auditd then
/// has a second item: tomoyo_find_next_domain (security/tomoyo/domain.c). It comes after the file was
/// opened and the arguments were copied.
fn seen_by_tomoyo(facts: &CallFacts, paths: &mut Vec<PathItem>) {
    let errno = i32::try_from(-facts.call.ret).unwrap_or(0);
    let opened = match facts.items.first() {
        Some(raw) => raw.facts.err == 0,
        None => errno != libc::EACCES,
    };
    let first = paths.first().filter(|item| item.file.is_some());
    let Some(first) = first.filter(|_| opened && errno != libc::E2BIG) else {
        return;
    };
    let mut again = first.clone();
    // For an exec by descriptor the kernel makes a name of its own.
    if let Some(name) = facts.filename.clone().filter(|name| !name.is_empty()) {
        again.name = Some(name);
    }
    let by_descriptor = first.name.as_deref() == Some(b"");
    let mut link = again.clone();
    if !by_descriptor && lookup::fill(facts, &mut link, false) {
        if link.file.is_some_and(|file| file.is_link()) {
            again = link;
        }
    } else if by_descriptor
        || again
            .name
            .as_ref()
            .is_some_and(|n| n.starts_with(b"/proc/"))
    {
        // A link of a process that closed the descriptor or is gone: nobody saw its inode.
        again.file = None;
    }
    paths.insert(1, again);
}

/// By path: the item with the name as given. By descriptor: no item, as auditd.
fn utime_paths(facts: &CallFacts, target: Option<&PathItem>) -> Vec<PathItem> {
    // Nothing to set, or flags that there are not: the call ends before it takes the name.
    const FLAGS: u64 = 0x1100; // AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW
    let refused = facts.is("utimensat") && facts.call.args[3] & 0xffff_ffff & !FLAGS != 0;
    let times = [&facts.times.asked_atime, &facts.times.asked_mtime];
    let nothing = times.iter().all(|time| time.nsec == UTIME_OMIT);
    if refused || (facts.call.ret == 0 && (target.is_none() || nothing)) {
        return Vec::new();
    }
    let empty_path = facts.is("utimensat") && facts.call.args[3] & 0x1000 != 0;
    let taken = |name: &&Bytes| fits(name) && (empty_path || !name.is_empty());
    let Some(name) = facts.user_name.as_ref().filter(taken) else {
        return Vec::new();
    };
    vec![PathItem {
        name: Some(name.clone()),
        ..target.cloned().unwrap_or_default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_parent(name: &'static str, expect: &str) {
        let facts = ItemFacts {
            flags: item::PARENT,
            ..ItemFacts::default()
        };
        let raw = RawItem {
            facts,
            name: Some(Bytes::from_static(name.as_bytes())),
            path: None,
            taken: None,
        };
        let cwd = Bytes::from_static(b"/srv");
        let item = parent(&raw, Some(&cwd)).expect("an item");
        assert_eq!(item.name.as_deref(), Some(expect.as_bytes()));
    }

    #[test]
    fn parents_are_named_as_auditd_names_them() {
        check_parent("sub/f", "sub/");
        check_parent("/etc/x", "/etc/");
        check_parent("f", "/srv");
        check_parent("/f", "/");
    }

    #[test]
    fn directories() {
        assert_eq!(directory(&Bytes::from_static(b"/a/b")), "/a");
        assert_eq!(directory(&Bytes::from_static(b"/a")), "/");
    }
}
