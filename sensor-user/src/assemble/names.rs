//! audit's list of names of one call, made as the kernel makes it (kernel/auditsc.c: __audit_getname,
//! __audit_inode, __audit_inode_child): the programs tell of the same points of the call in the same
//! order, so what audit makes of odd names comes out odd here, too.

use bytes::Bytes;

use crate::event::{FileCaps, FileFacts, NameType, PathItem};

/// How much of a name an item shows: `audit_names.name_len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// AUDIT_NAME_FULL
    Full,
    /// The directory part; 0 bytes stand for the working directory.
    Directory(usize),
}

/// One `struct audit_names`.
#[derive(Clone, Debug)]
pub(super) struct Name {
    text: Option<Bytes>,
    shown: Shown,
    kind: NameType,
    file: Option<FileFacts>,
    caps: FileCaps,
    resolved: Option<Bytes>,
    /// It is in the list of another task, which took the name: io_uring before 7.0.
    elsewhere: bool,
}

/// What a look-up found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) file: FileFacts,
    pub(super) resolved: Option<Bytes>,
    /// LOOKUP_MOUNTPOINT: audit does not ask for the file's capabilities.
    pub(super) unread: bool,
}

/// The list under construction.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<Name>,
    strips_slashes: bool,
}

/// parent_len: bytes up to and with the last slash that is not trailing.
fn parent_len(path: &[u8]) -> usize {
    let Some(mut at) = path.len().checked_sub(1) else {
        return 0;
    };
    while path[at] == b'/' && at > 0 {
        at -= 1;
    }
    while path[at] != b'/' && at > 0 {
        at -= 1;
    }
    if path[at] == b'/' { at + 1 } else { at }
}

fn same_inode(file: Option<&FileFacts>, other: &FileFacts) -> bool {
    file.is_some_and(|file| file.ino == other.ino && file.dev == other.dev)
}

fn suits(kind: NameType, parent: bool) -> bool {
    if parent {
        matches!(kind, NameType::Parent | NameType::Unknown)
    } else {
        kind != NameType::Parent
    }
}

impl Names {
    /// Since 7.0 a name's trailing slashes do not count: audit_compare_dname_path.
    pub(super) fn new(strips_slashes: bool) -> Self {
        Self {
            strips_slashes,
            ..Self::default()
        }
    }

    fn alloc(&mut self, text: Option<Bytes>) -> usize {
        self.list.push(Name {
            text,
            shown: Shown::Full,
            kind: NameType::Unknown,
            file: None,
            caps: FileCaps::Absent,
            resolved: None,
            elsewhere: false,
        });
        self.list.len() - 1
    }

    /// __audit_getname: the kernel took a name from the caller, or made one. Gives its item.
    pub(super) fn getname(&mut self, text: Bytes) -> usize {
        self.alloc(Some(text))
    }

    /// A name that another task took, into its own list.
    pub(super) fn elsewhere(&mut self, text: Bytes) -> usize {
        let at = self.alloc(Some(text));
        self.list[at].elsewhere = true;
        at
    }

    /// What became of an item that is in another task's list.
    pub(super) fn of_elsewhere(&self, item: usize) -> Option<Name> {
        self.list.get(item).filter(|name| name.elsewhere).cloned()
    }

    /// What another task did with an item of this list.
    pub(super) fn done_elsewhere(&mut self, item: usize, name: Name) {
        if let Some(place) = self.list.get_mut(item) {
            *place = Name {
                elsewhere: false,
                ..name
            };
        }
    }

    /// How many items there are.
    pub(super) fn count(&self) -> usize {
        self.list.iter().filter(|name| !name.elsewhere).count()
    }

    /// The kernel's own copy of a name is the true one.
    pub(super) fn correct(&mut self, item: usize, text: Bytes) {
        if let Some(name) = self.list.get_mut(item) {
            name.text = Some(text);
        }
    }

    /// __audit_inode: a look-up found a file or, for `parent`, the directory that a name is in.
    /// `named` is the item of the name that was looked up, with its text; `None`: by descriptor.
    pub(super) fn inode(&mut self, named: Option<(usize, &Bytes)>, found: Found, parent: bool) {
        let by_inode = |name: &Name| {
            let same = same_inode(name.file.as_ref(), &found.file);
            same && suits(name.kind, parent) && !name.elsewhere
        };
        let place = match named {
            None => self.alloc(None),
            Some((item, _)) if self.list.get(item).is_some_and(|n| suits(n.kind, parent)) => item,
            Some((_, text)) => match self.list.iter().rposition(by_inode) {
                Some(place) => place,
                None => self.alloc(Some(text.clone())),
            },
        };
        let Some(name) = self.list.get_mut(place) else {
            return;
        };
        if parent {
            let directory = name.text.as_ref().map(|text| parent_len(text));
            name.shown = directory.map_or(Shown::Full, Shown::Directory);
            name.kind = NameType::Parent;
        } else {
            name.shown = Shown::Full;
            name.kind = NameType::Normal;
        }
        name.file = Some(found.file);
        name.resolved = found.resolved;
        if found.unread {
            name.caps = FileCaps::Unread;
        }
    }

    /// __audit_inode_child: a name in a directory is made or removed. `file` is what it names, if any.
    pub(super) fn child(
        &mut self,
        directory: &FileFacts,
        entry: &Bytes,
        file: Option<FileFacts>,
        kind: NameType,
    ) {
        let parent = self.list.iter().position(|n| {
            n.text.is_some()
                && !n.elsewhere
                && suits(n.kind, true)
                && same_inode(n.file.as_ref(), directory)
                && self.is_entry(entry, n, n.shown)
        });
        if let Some(parent) = parent.and_then(|at| self.list.get_mut(at)) {
            parent.kind = NameType::Parent;
        }
        let shown = parent.map_or(Shown::Full, |at| self.list[at].shown);
        let child = self.list.iter().position(|n| {
            let same = |text: &Bytes| text == entry || self.is_entry(entry, n, shown);
            let fits = n.kind == kind || n.kind == NameType::Unknown;
            fits && !n.elsewhere && n.text.as_ref().is_some_and(same)
        });
        if parent.is_none() {
            let at = self.alloc(None);
            self.list[at].kind = NameType::Parent;
            self.list[at].file = Some(*directory);
        }
        let child = child.unwrap_or_else(|| {
            let text = parent.and_then(|at| self.list[at].text.clone());
            self.alloc(text)
        });
        let above = parent.and_then(|at| self.list[at].resolved.clone());
        let name = &mut self.list[child];
        name.kind = kind;
        name.file = file;
        name.resolved = above.map(|above| join(&above, entry));
    }

    /// audit_compare_dname_path: whether an item's name ends in this entry.
    fn is_entry(&self, entry: &[u8], name: &Name, shown: Shown) -> bool {
        let Some(text) = &name.text else { return false };
        let from = match shown {
            Shown::Full => parent_len(text),
            Shown::Directory(len) => len,
        };
        let Some(mut rest) = text.get(from..) else {
            return false;
        };
        if self.strips_slashes {
            while let Some(shorter) = rest.strip_suffix(b"/") {
                rest = shorter;
            }
        }
        rest == entry
    }

    /// The items, as audit_log_name shows them.
    pub(super) fn items(self, cwd: Option<&Bytes>) -> Vec<PathItem> {
        let shown = |name: &Name| match (&name.text, name.shown) {
            (Some(text), Shown::Full) => Some(text.clone()),
            (Some(_), Shown::Directory(0)) => cwd.cloned(),
            (Some(text), Shown::Directory(len)) => Some(text.slice(..len.min(text.len()))),
            (None, _) => None,
        };
        let item = |name: Name| PathItem {
            name: shown(&name),
            resolved: name.resolved,
            file: name.file,
            nametype: name.kind,
            caps: name.caps,
            ..PathItem::default()
        };
        let own = self.list.into_iter().filter(|name| !name.elsewhere);
        own.map(item).collect()
    }
}

pub(super) fn join(directory: &Bytes, entry: &Bytes) -> Bytes {
    let mut path = directory.to_vec();
    if path.last() != Some(&b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(entry);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ino: u64) -> FileFacts {
        FileFacts {
            ino,
            ..FileFacts::default()
        }
    }

    fn found(ino: u64) -> Found {
        Found {
            file: file(ino),
            resolved: Some(Bytes::from_static(b"/srv/d")),
            unread: false,
        }
    }

    fn b(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    /// Items as `TYPE name inode`.
    fn show(names: Names) -> Vec<String> {
        let cwd = b("/srv");
        let show = |item: &PathItem| {
            let name = item.name.as_ref().map(|n| String::from_utf8_lossy(n));
            let name = name.unwrap_or("(null)".into()).into_owned();
            format!(
                "{} {name} {}",
                crate::records::nametype(item.nametype),
                item.file.map_or(0, |f| f.ino)
            )
        };
        names.items(Some(&cwd)).iter().map(show).collect()
    }

    #[test]
    fn directory_parts() {
        for (path, expect) in [
            ("", 0),
            ("f", 0),
            ("/f", 1),
            ("a/f", 2),
            ("a/f//", 2),
            ("/", 1),
            ("//", 1),
        ] {
            assert_eq!(parent_len(path.as_bytes()), expect, "{path:?}");
        }
    }

    #[test]
    fn a_rename_has_two_directories_and_both_names() {
        let mut names = Names::default();
        let (new, old) = (names.getname(b("d/new")), names.getname(b("old")));
        names.inode(Some((old, &b("old"))), found(1), true);
        names.inode(Some((new, &b("d/new"))), found(2), true);
        names.child(&file(1), &b("old"), Some(file(9)), NameType::Delete);
        names.child(&file(2), &b("new"), Some(file(9)), NameType::Create);
        let expect = [
            "PARENT d/ 2",
            "PARENT /srv 1",
            "DELETE old 9",
            "CREATE d/new 9",
        ];
        assert_eq!(show(names), expect);
    }

    #[test]
    fn trailing_slashes_make_names_that_fit_nothing() {
        for (strips, expect) in [
            (
                false,
                &["PARENT /srv 1", "PARENT (null) 1", "CREATE (null) 7"][..],
            ),
            (true, &["PARENT /srv 1", "CREATE d/ 7"][..]),
        ] {
            let mut names = Names::new(strips);
            let item = names.getname(b("d/"));
            names.inode(Some((item, &b("d/"))), found(1), true);
            names.child(&file(1), &b("d"), Some(file(7)), NameType::Create);
            assert_eq!(show(names), expect);
        }
    }

    #[test]
    fn a_worker_writes_into_the_list_of_the_task_that_took_the_name() {
        let mut worker = Names::default();
        let item = worker.elsewhere(b("d/new"));
        worker.inode(Some((item, &b("d/new"))), found(1), true);
        worker.child(&file(1), &b("new"), None, NameType::Create);
        worker.child(&file(1), &b("new"), Some(file(7)), NameType::Create);
        assert_eq!(worker.count(), 4);
        let name = worker.of_elsewhere(item).expect("the name");
        let expect = [
            "PARENT (null) 1",
            "CREATE (null) 0",
            "PARENT (null) 1",
            "CREATE (null) 7",
        ];
        assert_eq!(show(worker), expect);
        let mut caller = Names::default();
        let item = caller.getname(b("d/new"));
        caller.done_elsewhere(item, name);
        assert_eq!(show(caller), ["PARENT d/ 1"]);
    }
}
