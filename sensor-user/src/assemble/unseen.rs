//! The tracepoint plan has no hook where the kernel tells audit of names (fs/namei.c, fs/open.c and their
//! kin): what it must have told is made up here, in its order, from a call's arguments and result and from
//! look-ups afterwards. What nobody can tell any more, such as the inode of a file that was removed, is
//! left out: the blind spots of docs/parity.md.

mod address;
mod looks;

use bytes::Bytes;
use sensor_ebpf::wire::{ItemFacts, item, item::op};

use super::{
    failed::{may, may_search},
    lookup::{self, Start},
    low32,
};
use crate::{
    decode::{CallFacts, RawItem, RawPath},
    event::FileFacts,
};

/// include/uapi/linux/fcntl.h
const AT_FDCWD: i32 = -100;
const AT_REMOVEDIR: u32 = 0x200;
const AT_SYMLINK_FOLLOW: u32 = 0x400;
const AT_EMPTY_PATH: u32 = 0x1000;
/// include/uapi/linux/fs.h: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;
const WHITEOUT: u32 = 4;
/// include/uapi/linux/limits.h; with the NUL.
const PATH_MAX: usize = 4096;

/// An inode number that no file has: that of a file that nobody could look up.
const UNKNOWN: u64 = 0xffff_ffff_ffff_0000;

/// Whether a file is only known to have been there.
pub(super) fn is_unknown(file: &FileFacts) -> bool {
    file.ino & UNKNOWN == UNKNOWN && file.dev == 0
}

/// What the kernel told audit of one call.
struct Story<'a> {
    facts: &'a CallFacts,
    kernel: (u32, u32),
    /// 0 on success.
    errno: i32,
    items: Vec<RawItem>,
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
    let mut story = Story {
        facts,
        kernel,
        errno: i32::try_from(-facts.call.ret).map_or(0, |errno| errno.max(0)),
        items: Vec::new(),
    };
    if facts.call.ret >= 0 {
        story.errno = 0;
    }
    // Nothing stands behind the number.
    if story.errno != libc::ENOSYS {
        story.tell();
    }
    story.items
}

impl<'a> Story<'a> {
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
        self.items.push(RawItem { facts, name, path });
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

    /// may_mknod: a kind that mknod can't make.
    fn refused_node(&self) -> bool {
        let mode = match self.facts.name() {
            Some("mknod") => self.arg(1),
            Some("mknodat") => self.arg(2),
            _ => return false,
        };
        let kinds = [
            0,
            libc::S_IFREG,
            libc::S_IFCHR,
            libc::S_IFBLK,
            libc::S_IFIFO,
            libc::S_IFSOCK,
        ];
        !kinds.contains(&(mode & libc::S_IFMT))
    }

    /// filename_create, and the vfs_… that follows.
    fn created(&mut self, name: &Argument<'_>) -> Option<()> {
        let directory = self.parent(name)?;
        directory.entry.as_ref()?;
        if self.errno == 0 {
            let file = self.itself(name);
            self.child(op::CREATE, &directory, file);
        } else if !self.failed(&BEFORE_CREATE) {
            self.child(op::CREATE, &directory, None);
        }
        Some(())
    }

    /// do_unlinkat, do_rmdir.
    fn removed(&mut self) -> Option<()> {
        let flags = if self.facts.is("unlinkat") {
            self.arg(2)
        } else {
            0
        };
        if flags & !AT_REMOVEDIR != 0 {
            return None;
        }
        let rmdir = self.facts.is("rmdir") || flags != 0;
        let name = self.first()?;
        let directory = self.parent(&name)?;
        directory.entry.as_ref()?;
        if directory.slash && !rmdir {
            return None;
        }
        if self.errno == 0 {
            self.child(op::DELETE, &directory, None);
        } else if !self.failed(&[libc::ENOENT, libc::EROFS, libc::ENAMETOOLONG, libc::EINVAL]) {
            let file = self.itself(&name)?;
            self.child(op::DELETE, &directory, Some(file));
        }
        Some(())
    }

    /// do_renameat2.
    fn renamed(&mut self) -> Option<()> {
        let flags = if self.facts.is("renameat2") {
            self.arg(4)
        } else {
            0
        };
        let both = flags & EXCHANGE != 0 && flags & (NOREPLACE | WHITEOUT) != 0;
        if both || flags & !(NOREPLACE | EXCHANGE | WHITEOUT) != 0 {
            return None;
        }
        let (old, new) = (self.first()?, self.second()?);
        let from = self.parent(&old)?;
        let to = self.parent(&new)?;
        from.entry.as_ref().and(to.entry.as_ref())?;
        let (at_old, at_new) = (self.itself(&old), self.itself(&new));
        if self.errno != 0 {
            return self.not_renamed((&from, at_old?), (&to, at_new));
        }
        // Two names of one file: nothing is done.
        if at_old.is_some() && same(at_old, at_new) {
            return None;
        }
        self.child(op::DELETE, &from, at_new);
        if flags & EXCHANGE != 0 {
            self.child(op::DELETE, &to, at_old);
            self.child(op::CREATE, &to, at_new);
            self.child(op::CREATE, &from, at_old);
        } else {
            self.child(op::CREATE, &to, at_new);
        }
        Some(())
    }

    /// How far a rename came that failed.
    fn not_renamed(
        &mut self,
        (from, old): (&Directory, FileFacts),
        (to, new): (&Directory, Option<FileFacts>),
    ) -> Option<()> {
        let slash = from.slash || to.slash;
        let before = [
            libc::EXDEV,
            libc::EEXIST,
            libc::EROFS,
            libc::ENOENT,
            libc::ENAMETOOLONG,
            libc::EINVAL,
        ];
        // The new name is a directory that the old one is in.
        let above = self.errno == libc::ENOTEMPTY && is_above(to, from);
        let no_directory = self.errno == libc::ENOTDIR && slash && !is_directory(&old);
        if self.failed(&before) || above || no_directory {
            return None;
        }
        self.child(op::DELETE, from, Some(old));
        let denied = self.failed(&[libc::EACCES, libc::EPERM]);
        if denied && !may_remove(self.facts, &from.file, &old) {
            return None;
        }
        match new {
            Some(_) => self.child(op::DELETE, to, new),
            None => self.child(op::CREATE, to, None),
        }
        Some(())
    }

    /// do_linkat.
    fn linked(&mut self) -> Option<()> {
        let flags = if self.facts.is("linkat") {
            self.arg(4)
        } else {
            0
        };
        if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
            return None;
        }
        let old = match flags & AT_EMPTY_PATH {
            0 => self.first()?,
            _ => self.first_or_empty()?,
        };
        let new = self.second();
        let file = self.look(&old, flags & AT_SYMLINK_FOLLOW != 0, false)?;
        let new = new?;
        let directory = self.parent(&new)?;
        directory.entry.as_ref()?;
        // may_linkat: not of others' files.
        let others = !is_directory(&file) && self.facts.task.cred[6] != 0;
        let guarded = self.errno == libc::EPERM && others;
        if self.errno == 0 {
            self.child(op::CREATE, &directory, Some(file));
        } else if !self.failed(&BEFORE_CREATE) && self.errno != libc::EXDEV && !guarded {
            self.child(op::CREATE, &directory, None);
        }
        Some(())
    }
}

/// Errors of filename_create itself: no vfs_… is called.
const BEFORE_CREATE: [i32; 6] = [
    libc::EEXIST,
    libc::ENOENT,
    libc::ENAMETOOLONG,
    libc::EROFS,
    libc::ENOTDIR,
    libc::ELOOP,
];

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

fn same(one: Option<FileFacts>, other: Option<FileFacts>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.ino == other.ino && one.dev == other.dev)
}

/// Whether what one name is in lies below what the other names.
fn is_above(upper: &Directory, lower: &Directory) -> bool {
    let (Some(above), Some(below)) = (&upper.resolved, &lower.resolved) else {
        return false;
    };
    let Some(entry) = &upper.entry else {
        return false;
    };
    let top = super::names::join(above, entry);
    let rest = below.strip_prefix(&top[..]);
    rest.is_some_and(|rest| rest.first().is_none_or(|b| *b == b'/'))
}

/// may_delete: the caller may write there, and nothing there is another's in a sticky directory.
fn may_remove(facts: &CallFacts, directory: &FileFacts, file: &FileFacts) -> bool {
    let fsuid = facts.task.cred[6];
    let sticky = directory.mode & libc::S_ISVTX != 0;
    let own = fsuid == 0 || file.uid == fsuid || directory.uid == fsuid;
    may(facts, directory, 2) && (!sticky || own)
}
