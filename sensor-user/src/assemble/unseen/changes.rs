//! Calls that make, remove or rename names (fs/namei.c: do_mkdirat, do_unlinkat, do_renameat2 …).

use sensor_ebpf::wire::item::op;

use super::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, Argument, Directory, Story, guards, is_directory};
use crate::{
    assemble::{failed::may, names},
    decode::CallFacts,
    event::FileFacts,
};

/// include/uapi/linux/fcntl.h
const AT_REMOVEDIR: u32 = 0x200;
/// include/uapi/linux/fs.h: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;
const WHITEOUT: u32 = 4;
/// Errors of filename_create itself: no vfs_… is called.
const BEFORE_CREATE: [i32; 6] = [
    libc::EEXIST,
    libc::ENOENT,
    libc::ENAMETOOLONG,
    libc::EROFS,
    libc::ENOTDIR,
    libc::ELOOP,
];

impl Story<'_> {
    /// may_mknod: a kind that mknod can't make.
    pub(super) fn refused_node(&self) -> bool {
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
    pub(super) fn created(&mut self, name: &Argument<'_>) -> Option<()> {
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
    pub(super) fn removed(&mut self) -> Option<()> {
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
    pub(super) fn renamed(&mut self) -> Option<()> {
        let flags = if self.facts.is("renameat2") {
            self.arg(4)
        } else {
            0
        };
        let both = flags & EXCHANGE != 0 && flags & (NOREPLACE | WHITEOUT) != 0;
        if both || flags & !(NOREPLACE | EXCHANGE | WHITEOUT) != 0 {
            return None;
        }
        // Of a new name that can't be taken the kernel hears after it looked for the old one.
        let old = self.first()?;
        let from = self.parent(&old)?;
        let new = self.second()?;
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
    pub(super) fn linked(&mut self) -> Option<()> {
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
        self.guarded = self.errno == libc::EPERM && guards::keeps(self.facts, &file);
        // vfs_link refuses it, not filename_create: a file without a name.
        let nameless = self.errno == libc::ENOENT && file.nlink == 0 && !directory.slash;
        let before = self.failed(&BEFORE_CREATE) && !nameless;
        if self.errno == 0 {
            let made = self.itself(&new).unwrap_or(file);
            self.child(op::CREATE, &directory, Some(made));
        } else if !before && self.errno != libc::EXDEV && !self.guarded {
            self.child(op::CREATE, &directory, None);
        }
        Some(())
    }
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
    let top = names::join(above, entry);
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn directory(resolved: &'static str, entry: &'static str) -> Directory {
        Directory {
            file: FileFacts::default(),
            resolved: Some(Bytes::from_static(resolved.as_bytes())),
            entry: Some(Bytes::from_static(entry.as_bytes())),
            slash: false,
        }
    }

    #[test]
    fn what_is_above() {
        for (upper, lower, expect) in [
            (("/a", "b"), "/a/b", true),
            (("/a", "b"), "/a/b/c", true),
            (("/a", "b"), "/a/bc", false),
            (("/a", "b"), "/a", false),
            (("/", "a"), "/a/b", true),
        ] {
            let upper = directory(upper.0, upper.1);
            assert_eq!(is_above(&upper, &directory(lower, "x")), expect, "{lower}");
        }
    }
}
