//! From an event to what analysers are fed: who did what to which names.

use auklet_rules::analysis::{Act, Actor, Deed, FileId, Name, Naming};
use bytes::Bytes;

use crate::{
    event::{Event, FileFacts, NameType, PathItem, What},
    syscalls,
};

/// O_ACCMODE's two bits, O_CREAT and O_TRUNC of include/uapi/asm-generic/fcntl.h.
const WRITES: u64 = 0o3 | 0o100 | 0o1000;

/// Calls beyond the four families that analysers of files need to see. Names of both tables.
pub(crate) const CALLS: [&str; 43] = [
    "chmod",
    "chown",
    "chown32",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchown32",
    "fchownat",
    "fremovexattr",
    "fsetxattr",
    "ftruncate",
    "ftruncate64",
    "lchown",
    "lchown32",
    "link",
    "linkat",
    "lremovexattr",
    "lsetxattr",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mount",
    "move_mount",
    "pivot_root",
    "removexattr",
    "removexattrat",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "setxattr",
    "setxattrat",
    "symlink",
    "symlinkat",
    "truncate",
    "truncate64",
    "umount",
    "umount2",
    "unlink",
    "unlinkat",
];

/// What the event did to files; nothing if analysers don't know of it, or it failed.
pub(crate) fn acts(event: &Event) -> impl Iterator<Item = Act> {
    let by_ring = opened_by_ring(event);
    by_ring.chain(deed(event)).map(|deed| Act {
        time_ns: event.time_ns,
        actor: Actor {
            pid: event.who.pid,
            start_ns: event.who.start_ns,
            other_root: event.caveats.other_root,
        },
        deed,
    })
}

/// What the event itself is.
fn deed(event: &Event) -> Option<Deed> {
    if !event.success() {
        return None;
    }
    Some(match &event.what {
        What::Open(open) if open.flags & WRITES != 0 => {
            Deed::Opened(name(event, event.paths.last()?)?)
        }
        What::Utime(utime) => Deed::Attributes(vec![name(event, utime.target.as_ref()?)?]),
        What::Other => by_call(event)?,
        What::Uring(uring) => by_operation(event, uring.op)?,
        _ => return None,
    })
}

/// Opens of io_uring that write, whether they ended inside a call or in a worker.
fn opened_by_ring(event: &Event) -> impl Iterator<Item = Deed> {
    let writing = event.opened().filter(|(open, _)| open.flags & WRITES != 0);
    writing.filter_map(|(_, item)| name(event, item).map(Deed::Opened))
}

fn by_call(event: &Event) -> Option<Deed> {
    let call = event.call.as_ref()?;
    let name = syscalls::layout(call.arch, call.nr)?;
    let has = |word| name.contains(word);
    Some(if has("rename") {
        Deed::Named(Naming::Rename, names(event))
    } else if has("unlink") || name == "rmdir" {
        Deed::Named(Naming::Remove, names(event))
    } else if has("symlink") || has("mkdir") || has("mknod") {
        Deed::Named(Naming::Make, names(event))
    } else if has("link") && !has("readlink") {
        Deed::Named(Naming::Link, names(event))
    } else if has("mount") || name == "pivot_root" {
        Deed::Named(Naming::Mount, names(event))
    } else if CALLS.contains(&name) {
        Deed::Attributes(names(event))
    } else {
        return None;
    })
}

/// `IORING_OP_*` of include/uapi/linux/io_uring.h.
fn by_operation(event: &Event, op: u32) -> Option<Deed> {
    Some(match op {
        35 => Deed::Named(Naming::Rename, names(event)),
        36 => Deed::Named(Naming::Remove, names(event)),
        37 | 38 => Deed::Named(Naming::Make, names(event)),
        39 => Deed::Named(Naming::Link, names(event)),
        // FALLOCATE, FSETXATTR, SETXATTR, FTRUNCATE
        17 | 41 | 42 | 55 => Deed::Attributes(names(event)),
        _ => return None,
    })
}

/// The files that an event names, without the directories that they are in.
fn names(event: &Event) -> Vec<Name> {
    let items = event.paths.iter();
    let files = items.filter(|item| item.nametype != NameType::Parent);
    files.filter_map(|item| name(event, item)).collect()
}

fn name(event: &Event, item: &PathItem) -> Option<Name> {
    let path = path(event, item)?;
    let end = path.iter().rposition(|b| *b == b'/')?;
    let above = if end == 0 { b"/" } else { &path[..end] };
    let is_parent = |other: &&PathItem| {
        other.nametype == NameType::Parent && other.resolved.as_deref() == Some(above)
    };
    let directory = event.paths.iter().find(is_parent);
    Some(Name {
        directory: directory.and_then(|item| item.file.as_ref().map(id)),
        file: item.file.as_ref().map(id),
        is_directory: item
            .file
            .is_some_and(|file| file.mode & libc::S_IFMT == libc::S_IFDIR),
        path,
    })
}

/// As the kernel resolved it, else as the caller gave it, from its working directory.
fn path(event: &Event, item: &PathItem) -> Option<Vec<u8>> {
    if let Some(resolved) = &item.resolved {
        let path = resolved.strip_suffix(b" (deleted)").unwrap_or(resolved);
        return Some(path.to_vec());
    }
    let name: &Bytes = item.name.as_ref()?;
    if name.starts_with(b"/") {
        return Some(name.to_vec());
    }
    let mut path = event.cwd.as_ref()?.to_vec();
    path.push(b'/');
    path.extend_from_slice(name.strip_prefix(b"./").unwrap_or(name));
    Some(path)
}

fn id(file: &FileFacts) -> FileId {
    (file.dev, file.ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Aux, Caveats, Open, Process, Syscall};

    fn event(what: What, call: &str, paths: Vec<PathItem>) -> Event {
        let abi = syscalls::Abi::Native;
        let nr = syscalls::all(abi)
            .find(|(_, name)| *name == call)
            .expect(call)
            .0;
        Event {
            time_ns: 5,
            serial: 1,
            call: Some(Syscall {
                arch: abi.arch(),
                nr,
                args: [0; 4],
                exit: 0,
                personality: 0,
            }),
            who: Process::default(),
            cwd: Some(Bytes::from_static(b"/srv")),
            paths,
            proctitle: Bytes::new(),
            key: None,
            what,
            aux: Vec::new(),
            caveats: Caveats::default(),
        }
    }

    fn item(kind: NameType, resolved: &'static str, ino: u64, mode: u32) -> PathItem {
        PathItem {
            resolved: Some(Bytes::from_static(resolved.as_bytes())),
            file: Some(FileFacts {
                ino,
                mode,
                ..FileFacts::default()
            }),
            nametype: kind,
            ..PathItem::default()
        }
    }

    /// The act of an event that has at most one.
    #[track_caller]
    fn one(event: &Event) -> Option<Act> {
        let mut acts = acts(event);
        let first = acts.next();
        assert_eq!(acts.next(), None);
        first
    }

    #[test]
    fn opens_of_a_ring_that_write() {
        let mut event = event(What::Other, "io_uring_enter", Vec::new());
        for (flags, path) in [(0, "/read"), (1, "/written"), (0o100, "/made")] {
            let open = Open {
                flags,
                ..Open::default()
            };
            let item = item(NameType::Normal, path, 3, libc::S_IFREG);
            event.aux.push(Aux::Opened(Box::new((open, item))));
        }
        let opened = acts(&event).map(|act| match act.deed {
            Deed::Opened(name) => name.path,
            deed => panic!("{deed:?}"),
        });
        let expect = [&b"/written"[..], b"/made"];
        assert_eq!(opened.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_rename_names_both_and_their_directories() {
        let paths = vec![
            item(NameType::Parent, "/tmp", 1, libc::S_IFDIR),
            item(NameType::Parent, "/", 2, libc::S_IFDIR),
            item(NameType::Delete, "/tmp/stage", 9, libc::S_IFDIR),
            item(NameType::Create, "/x", 9, libc::S_IFDIR),
        ];
        let act = one(&event(What::Other, "renameat2", paths)).expect("an act");
        let name = |path: &str, directory| Name {
            path: path.as_bytes().to_vec(),
            file: Some((0, 9)),
            directory: Some((0, directory)),
            is_directory: true,
        };
        let expect = vec![name("/tmp/stage", 1), name("/x", 2)];
        assert_eq!(act.deed, Deed::Named(Naming::Rename, expect));
    }

    #[test]
    fn opens_that_write() {
        let file = || vec![item(NameType::Normal, "/f (deleted)", 3, libc::S_IFREG)];
        let open = |flags| {
            What::Open(Open {
                flags,
                ..Open::default()
            })
        };
        assert_eq!(one(&event(open(0), "open", file())), None);
        let found = one(&event(open(1), "open", file())).expect("an act");
        let Deed::Opened(name) = found.deed else {
            panic!("{found:?}");
        };
        assert_eq!(name.path, b"/f");
        let mut failed = event(open(1), "open", file());
        failed.call = failed.call.map(|call| Syscall { exit: -13, ..call });
        assert_eq!(one(&failed), None);
    }

    #[test]
    fn what_was_not_resolved_starts_from_the_working_directory() {
        let mut relative = item(NameType::Normal, "", 3, libc::S_IFREG);
        relative.resolved = None;
        relative.name = Some(Bytes::from_static(b"./f"));
        let found = one(&event(What::Other, "chmod", vec![relative])).expect("an act");
        let Deed::Attributes(names) = found.deed else {
            panic!("{found:?}");
        };
        assert_eq!(names[0].path, b"/srv/f");
    }

    #[test]
    fn calls_that_do_nothing_to_files() {
        for call in ["readlink", "getpid", "umask", "connect"] {
            let paths = vec![item(NameType::Normal, "/f", 3, libc::S_IFREG)];
            assert_eq!(one(&event(What::Other, call, paths)), None, "{call}");
        }
    }

    #[test]
    fn every_call_exists() {
        for call in CALLS {
            let known = |abi| syscalls::all(abi).any(|(_, name)| name == call);
            assert!(syscalls::Abi::BOTH.into_iter().any(known), "{call}");
        }
    }
}
