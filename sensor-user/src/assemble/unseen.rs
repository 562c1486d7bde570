//! The tracepoint plan has no hook where the kernel tells audit of names (fs/namei.c, fs/open.c and their
//! kin): what it must have told is made up here, in its order, from a call's arguments and result and from
//! look-ups afterwards. What nobody can tell any more, such as the inode of a file that was removed, is
//! left out: the blind spots of docs/parity.md.

mod address;
mod changes;
pub(super) mod guards;
mod looks;

use bytes::Bytes;
use sensor_ebpf::wire::{ItemFacts, item, item::op};

use super::{
    failed::may_search,
    lookup::{self, Start},
    low32,
};
use crate::{
    decode::{CallFacts, RawItem, RawPath},
    event::{FileFacts, PathItem},
};

/// include/uapi/linux/fcntl.h
const AT_FDCWD: i32 = -100;
const AT_SYMLINK_FOLLOW: u32 = 0x400;
const AT_EMPTY_PATH: u32 = 0x1000;
/// include/uapi/linux/limits.h; with the NUL.
const PATH_MAX: usize = 4096;

/// An inode number that no file has: that of a file that nobody could look up.
const UNKNOWN: u64 = 0xffff_ffff_ffff_0000;

/// Whether a file is only known to have been there.
fn is_unknown(file: &FileFacts) -> bool {
    file.ino & UNKNOWN == UNKNOWN && file.dev == 0
}

/// The items as they can be told.
pub(super) fn without_unknown(mut items: Vec<PathItem>) -> Vec<PathItem> {
    for item in &mut items {
        item.file = item.file.filter(|file| !is_unknown(file));
    }
    items
}

/// What the kernel told audit of one call.
struct Story<'a> {
    facts: &'a CallFacts,
    kernel: (u32, u32),
    /// 0 on success.
    errno: i32,
    items: Vec<RawItem>,
    /// A link was refused by fs.protected_hardlinks.
    guarded: bool,
}

/// A path argument that the kernel takes.
struct Argument<'a> {
    text: Bytes,
    start: Start<'a>,
}

/// The directory that a name is in.
struct Directory {
    file: FileFacts,
    resolved: Option<Bytes>,
    /// The name in it; `None` for `.`, `..` and the root.
    entry: Option<Bytes>,
    /// The name ends in a slash.
    slash: bool,
}

/// The points of a call of kind OTHER at which audit was told of a name.
pub(super) fn items(facts: &CallFacts, kernel: (u32, u32)) -> Vec<RawItem> {
    let mut story = Story::new(facts, kernel);
    // Nothing stands behind the number.
    if story.errno != libc::ENOSYS {
        story.tell();
    }
    story.items
}

impl<'a> Story<'a> {
    fn new(facts: &'a CallFacts, kernel: (u32, u32)) -> Self {
        Self {
            facts,
            kernel,
            errno: i32::try_from(-facts.call.ret).map_or(0, |errno| errno.max(0)),
            items: Vec::new(),
            guarded: false,
        }
    }

    /// `None`: the kernel stopped there.
    fn tell(&mut self) -> Option<()> {
        match self.facts.name()? {
            "mkdir" | "mkdirat" | "mknod" | "mknodat" => {
                if !self.refused_node() {
                    self.created(&self.first()?)?;
                }
            }
            "symlink" | "symlinkat" => {
                self.first()?;
                self.created(&self.second()?)?;
            }
            "unlink" | "rmdir" | "unlinkat" => self.removed()?,
            "rename" | "renameat" | "renameat2" => self.renamed()?,
            "link" | "linkat" => self.linked()?,
            "bind" | "connect" | "sendto" | "sendmsg" | "sendmmsg" | "socketcall" => {
                self.at_address()?;
            }
            name => self.looked_at(name)?,
        }
        Some(())
    }

    fn arg(&self, n: usize) -> u32 {
        low32(self.facts.call.args[n])
    }

    fn failed(&self, errors: &[i32]) -> bool {
        errors.contains(&self.errno)
    }

    fn argument(
        &self,
        text: Option<&Bytes>,
        fd: Option<usize>,
        base: Option<&'a RawPath>,
    ) -> Option<Argument<'a>> {
        let text = text.filter(|text| text.len() < PATH_MAX - 1)?.clone();
        let fd = fd.map(|n| self.arg(n).cast_signed());
        Some(Argument {
            text,
            start: Start {
                fd: fd.filter(|fd| *fd != AT_FDCWD),
                base,
            },
        })
    }

    /// The first path, not empty.
    fn first(&self) -> Option<Argument<'a>> {
        self.first_or_empty().filter(|a| !a.text.is_empty())
    }

    fn first_or_empty(&self) -> Option<Argument<'a>> {
        let name = self.facts.name()?;
        let fd = match name {
            "fanotify_mark" => Some(3),
            "symlinkat" => None,
            _ if name.ends_with("at") || name.contains("at2") || name.contains("at64") => {
                // stat, statfs and truncate64 have no descriptor.
                let without = ["stat", "lstat", "oldstat", "oldlstat"];
                (!without.contains(&name)).then_some(0)
            }
            "statx" | "name_to_handle_at" | "open_tree" | "move_mount" | "mount_setattr"
            | "fspick" | "file_getattr" | "file_setattr" => Some(0),
            _ => None,
        };
        self.argument(self.facts.user_name.as_ref(), fd, self.facts.base.as_ref())
    }

    /// The second path, not empty.
    fn second(&self) -> Option<Argument<'a>> {
        let fd = match self.facts.name()? {
            "renameat" | "renameat2" | "linkat" | "move_mount" => Some(2),
            "symlinkat" => Some(1),
            _ => None,
        };
        let base = self.facts.second_base.as_ref();
        let second = self.argument(self.facts.second_name.as_ref(), fd, base);
        second.filter(|a| !a.text.is_empty())
    }

    fn push(
        &mut self,
        op: u32,
        name: Option<Bytes>,
        found: Option<(FileFacts, Option<Bytes>)>,
        err: i32,
    ) {
        let mut facts = ItemFacts {
            op,
            err,
            ..ItemFacts::default()
        };
        let mut path = None;
        if let Some((file, resolved)) = found {
            fill(&mut facts, &file);
            path = resolved.map(|path| walked(&path));
        }
        self.items.push(RawItem {
            facts,
            name,
            path,
            taken: None,
        });
    }

    /// Whether the caller may pass each directory of a name; only an EACCES leaves a doubt.
    fn passes(&self, argument: &Argument<'_>) -> bool {
        if self.errno != libc::EACCES || self.facts.task.cred[6] == 0 {
            return true;
        }
        let text = &argument.text;
        let slashes = (0..text.len()).filter(|at| text[*at] == b'/');
        let starts = (text.first() != Some(&b'/')).then_some(&b"."[..]);
        let mut above = starts.into_iter().chain(slashes.map(|at| &text[..=at]));
        above.all(|name| {
            let found = lookup::find(self.facts, argument.start, name, true);
            found.is_some_and(|(file, _)| may_search(self.facts, &file))
        })
    }

    /// A call that succeeded found its files, also those that are gone by now.
    fn or_unknown(
        &self,
        found: Option<(FileFacts, Option<Bytes>)>,
    ) -> Option<(FileFacts, Option<Bytes>)> {
        let nobody = || {
            let file = FileFacts {
                ino: UNKNOWN | self.items.len() as u64,
                mode: libc::S_IFDIR,
                ..FileFacts::default()
            };
            (file, None)
        };
        found.or_else(|| (self.errno == 0).then(nobody))
    }

    /// filename_lookup.
    fn look(
        &mut self,
        argument: &Argument<'_>,
        follow: bool,
        directory: bool,
    ) -> Option<FileFacts> {
        let found = lookup::find(self.facts, argument.start, &argument.text, follow);
        let fits = |file: &FileFacts| !directory || is_directory(file);
        let found = found.filter(|(file, _)| fits(file) && self.passes(argument));
        let found = self.or_unknown(found);
        let file = found.as_ref().map(|(file, _)| *file);
        let err = if file.is_some() { 0 } else { -self.errno };
        self.push(op::LOOKED_UP, Some(argument.text.clone()), found, err);
        file
    }

    /// filename_parentat.
    fn parent(&mut self, argument: &Argument<'_>) -> Option<Directory> {
        let text = &argument.text;
        let end = text.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
        let from = text[..end].iter().rposition(|b| *b == b'/');
        let (directory, entry) = match from {
            _ if end == 0 => (&b"/"[..], &b""[..]),
            Some(at) => (&text[..=at], &text[at + 1..end]),
            None => (&b"."[..], &text[..end]),
        };
        let found = lookup::find(self.facts, argument.start, directory, true)
            .filter(|(file, _)| is_directory(file) && self.passes(argument));
        let found = self.or_unknown(found);
        let err = if found.is_some() { 0 } else { -self.errno };
        self.push(op::PARENT, Some(text.clone()), found.clone(), err);
        let (file, resolved) = found?;
        let normal = !matches!(entry, b"" | b"." | b"..");
        Some(Directory {
            file,
            resolved,
            entry: normal.then(|| text.slice_ref(entry)),
            slash: end < text.len(),
        })
    }

    /// audit_inode_child.
    fn child(&mut self, op: u32, directory: &Directory, file: Option<FileFacts>) {
        let err = -self.errno;
        let err = if op == op::DELETE { 0 } else { err };
        self.push(
            op,
            directory.entry.clone(),
            file.map(|file| (file, None)),
            err,
        );
        let (Some(raw), above) = (self.items.last_mut(), &directory.file) else {
            return;
        };
        raw.facts.flags |= item::PARENT;
        raw.facts.parent_ino = above.ino;
        raw.facts.parent_dev = above.dev;
        raw.facts.parent_rdev = above.rdev;
        raw.facts.parent_mode = above.mode;
        raw.facts.parent_uid = above.uid;
        raw.facts.parent_gid = above.gid;
    }

    /// What a name leads to, and not what a link there does.
    fn itself(&self, argument: &Argument<'_>) -> Option<FileFacts> {
        let text = &argument.text;
        let end = text.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
        let found = lookup::find(self.facts, argument.start, &text[..end], false);
        found.map(|(file, _)| file)
    }
}

fn fill(facts: &mut ItemFacts, file: &FileFacts) {
    facts.flags |= item::FILE;
    facts.ino = file.ino;
    facts.dev = file.dev;
    facts.rdev = file.rdev;
    facts.mode = file.mode;
    facts.uid = file.uid;
    facts.gid = file.gid;
    facts.nlink = file.nlink;
}

/// As the programs send a path: from the leaf up.
fn walked(path: &[u8]) -> RawPath {
    let mut components = Vec::with_capacity(path.len() + 1);
    for component in path.rsplit(|b| *b == b'/').filter(|c| !c.is_empty()) {
        components.extend_from_slice(component);
        components.push(0);
    }
    RawPath {
        components: components.into(),
        flags: 0,
    }
}

fn is_directory(file: &FileFacts) -> bool {
    file.mode & libc::S_IFMT == libc::S_IFDIR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_walked_from_the_leaf() {
        for path in ["/", "/a", "/a/b c/d"] {
            assert_eq!(walked(path.as_bytes()).to_bytes(), path);
        }
    }

    #[test]
    fn an_unknown_file_is_no_real_one() {
        let file = |ino, dev| FileFacts {
            ino,
            dev,
            ..FileFacts::default()
        };
        assert!(is_unknown(&file(UNKNOWN | 3, 0)));
        assert!(!is_unknown(&file(3, 0)));
        assert!(!is_unknown(&file(UNKNOWN | 3, 5)));
    }
}
