//! Binds a rule's `path=`, `dir=` or `exe=` to what it names. The kernel binds to inodes
//! (kernel/audit_watch.c, kernel/audit_tree.c, kernel/audit_fsnotify.c); so does this, and to the
//! name, for what is not there yet and for what comes to be there unseen.
//!
//! Where the kernel's answer needs an inode and only a name is known, of a caller with another root,
//! the answer is "unknown": an always rule then matches, a never rule does not.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::host::{Host, Node, path_bytes};
use crate::{
    event::{Event, FileFacts, NameType, PathItem},
    script::absolute,
    syscalls,
};

/// A place in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Absolute, without links in it as far as they could be resolved.
    pub path: Vec<u8>,
    /// What is there now.
    pub node: Option<Node>,
    /// The directory it is in.
    pub parent: Option<Node>,
    /// Everything below it, too: `dir=`.
    pub tree: bool,
    /// A `dir=` that was not there: the kernel takes no such rule (`audit_add_tree_rule`), and none
    /// that waits for it.
    pub missing: bool,
}

impl Place {
    pub(super) fn bind(text: &[u8], tree: bool, host: &dyn Host) -> Self {
        let given = Path::new(OsStr::from_bytes(text));
        let parent = given.parent().and_then(|dir| host.canonical(dir));
        let beside = || Some(parent.as_ref()?.join(given.file_name()?));
        let whole = tree.then(|| host.canonical(given)).flatten();
        let path: PathBuf = whole.or_else(beside).unwrap_or_else(|| given.to_owned());
        let node = host.node(&path);
        Self {
            missing: tree && node.is_none(),
            node,
            parent: path.parent().and_then(|dir| host.node(dir)),
            path: path_bytes(&path).to_vec(),
            tree,
        }
    }

    /// Whether the directory it is in is known; without, it waits for its name.
    pub(crate) fn has_parent(&self) -> bool {
        self.parent.is_some() || self.path == b"/"
    }

    /// The last component of its path.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.path.rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    fn is_node(&self, file: &FileFacts) -> bool {
        let node = Node {
            dev: file.dev,
            ino: file.ino,
        };
        self.node == Some(node)
    }

    /// Whether a path is this one (or below, for a tree).
    fn covers(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(self.path.as_slice()) else {
            return false;
        };
        rest.is_empty() || self.tree && (rest[0] == b'/' || self.path == b"/")
    }

    /// Whether an item of the event is this place; `None` is unknown.
    pub(super) fn matches(&self, event: &Event, item: &PathItem) -> Option<bool> {
        if self.missing {
            return Some(false);
        }
        // The kernel compares only what it bound to an inode.
        let Some(file) = item.file.as_ref() else {
            return Some(false);
        };
        if self.is_node(file) || self.is_entry(event, item) {
            return Some(true);
        }
        // A file is known by its inode: the name may be that of a link.
        let below = || self.tree.then(|| by_text(event, item)).flatten();
        let path = item.resolved.clone().or_else(below);
        let named = path.is_some_and(|path| self.covers(&path));
        match named && event.caveats.other_root {
            true => None,
            false => Some(named),
        }
    }

    /// Whether a call made or removed it: an entry of its name in its directory, by inode, so that it
    /// is certain in any root.
    fn is_entry(&self, event: &Event, item: &PathItem) -> bool {
        let changed = matches!(item.nametype, NameType::Create | NameType::Delete);
        let Some(parent) = self.parent.filter(|_| changed) else {
            return false;
        };
        let in_parent = |other: &PathItem| {
            let file = other.file.filter(|_| other.nametype == NameType::Parent);
            file.is_some_and(|f| (f.dev, f.ino) == (parent.dev, parent.ino))
        };
        let name = item.name.as_ref().or(item.resolved.as_ref());
        // With two directories (a rename) the item's own path says which.
        let parents = event
            .paths
            .iter()
            .filter(|p| p.nametype == NameType::Parent);
        let certain = item.resolved.is_none() || event.caveats.other_root || parents.count() < 2;
        certain
            && name.is_some_and(|name| last_component(name) == self.name())
            && event.paths.iter().any(in_parent)
    }

    /// Binds again after an event that made, replaced or removed the entry, as the kernel does on
    /// notice of the directory (`audit_update_watch`).
    pub(super) fn follow(&mut self, event: &Event) {
        if self.missing {
            return;
        }
        let is_here = |place: &Self, item: &PathItem| {
            let by_name = item.resolved.as_deref() == Some(place.path.as_slice());
            by_name && !event.caveats.other_root || place.is_entry(event, item)
        };
        let of = |kind| event.paths.iter().filter(move |item| item.nametype == kind);
        if of(NameType::Delete).any(|item| is_here(self, item)) {
            self.node = None;
        }
        let made = of(NameType::Create).find(|item| is_here(self, item));
        if let Some(file) = made.and_then(|item| item.file) {
            self.node = Some(node_of(&file));
        }
        self.find_parent(event);
    }

    /// The directory itself may have come.
    fn find_parent(&mut self, event: &Event) {
        if self.has_parent() || event.caveats.other_root {
            return;
        }
        let dir = Path::new(OsStr::from_bytes(&self.path)).parent();
        let dir = dir.map(path_bytes).unwrap_or_default();
        let mut made = event.paths.iter();
        let made = made.find(|item| {
            item.nametype == NameType::Create && item.resolved.as_deref() == Some(dir)
        });
        self.parent = made.and_then(|item| item.file).map(|file| node_of(&file));
    }
}

/// The path of an item that no kernel object told of, that of a failed call: its name from where the call
/// looked, but where that is a descriptor's directory, or the way back up may be another.
fn by_text(event: &Event, item: &PathItem) -> Option<Bytes> {
    let name = item.name.as_ref().filter(|name| !name.is_empty())?;
    if name.split(|b| *b == b'/').any(|part| part == b"..") {
        return None;
    }
    if name.starts_with(b"/") {
        return Some(name.clone());
    }
    let call = event.call.as_ref()?;
    let takes_descriptor = syscalls::name(call.arch, call.nr).is_some_and(|name| {
        (name.ends_with("at") || name.ends_with("at2")) && !STATS.contains(&name)
    });
    // The kernel takes an int.
    let descriptor = (call.args[0] & u64::from(u32::MAX)) as u32;
    let from_cwd = !takes_descriptor || descriptor == libc::AT_FDCWD.cast_unsigned();
    let cwd = event.cwd.as_deref().filter(|_| from_cwd)?;
    Some(absolute(name, Some(cwd)))
}

/// Calls whose names end as those of calls with a directory's descriptor.
const STATS: [&str; 4] = ["stat", "lstat", "oldstat", "oldlstat"];

fn node_of(file: &FileFacts) -> Node {
    Node {
        dev: file.dev,
        ino: file.ino,
    }
}

fn last_component(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    path[..end]
        .rsplit(|b| *b == b'/')
        .next()
        .unwrap_or_default()
}
