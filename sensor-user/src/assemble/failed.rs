//! Items of a call that failed: how far the kernel's look-up came, told from the error. The files
//! are looked up afterwards (`Caveats::looked_up`), as no hook saw an object.

use bytes::Bytes;

use super::{
    Assembler,
    items::{O_CREAT, directory_name},
    lookup,
};
use crate::{
    decode::CallFacts,
    event::{Caveats, FileFacts, NameType, PathItem, What},
};

/// include/uapi/asm-generic/fcntl.h
const O_DIRECTORY: u64 = 0o200_000;

/// The look-up itself failed, or never began: there is no inode to tell of.
const NOT_THERE: [i32; 4] = [libc::ENOENT, libc::EBADF, libc::ENAMETOOLONG, libc::EFAULT];

impl Assembler {
    /// Gives an item the file that it leads to (EACCES, EISDIR, ETXTBSY …), as auditd has it.
    pub(super) fn complete_failed(
        &self,
        facts: &CallFacts,
        what: &What,
        cwd: Option<&Bytes>,
        paths: &mut Vec<PathItem>,
        caveats: &mut Caveats,
    ) {
        let errno = i32::try_from(-facts.call.ret).unwrap_or(0);
        let flags = match what {
            What::Open(open) => open.flags,
            _ => 0,
        };
        // It is the file system that finds a name too long, after audit was told of the directory.
        if errno == libc::ENAMETOOLONG && flags & O_CREAT != 0 {
            let directory = paths.first().and_then(|item| parent(facts, cwd, item));
            caveats.looked_up |= directory.is_some();
            if directory.is_some() {
                *paths = directory.into_iter().collect();
            }
            return;
        }
        if errno == libc::EISDIR && flags & O_CREAT != 0 && self.ends_at_slash(facts, cwd, paths) {
            caveats.looked_up |= self.parent_on_existing;
            return;
        }
        // O_DIRECTORY is looked at last; else a component of the name was no directory.
        let no_directory = errno == libc::ENOTDIR && flags & O_DIRECTORY == 0;
        if NOT_THERE.contains(&errno) || no_directory {
            return;
        }
        let follow = errno != libc::ELOOP;
        let mut found = false;
        let unsearchable = |item: &PathItem| {
            let name = item.name.as_deref().unwrap_or_default();
            errno == libc::EACCES && !reaches(facts, name)
        };
        let to_find = |item: &&mut PathItem| item.file.is_none() && !unsearchable(item);
        for item in paths.iter_mut().filter(to_find) {
            found |= lookup::fill(facts, item, follow);
        }
        caveats.looked_up |= found;
        // A file that was to be created and was not: its directory, if the caller came that far.
        let directory = match paths.first() {
            Some(item) if flags & O_CREAT != 0 => {
                let name = item.name.as_deref().unwrap_or_default();
                parent(facts, cwd, item).filter(|_| !is_in_none(name))
            }
            _ => None,
        };
        match directory {
            Some(directory) if !found => {
                caveats.looked_up = true;
                if self.child_of_failed_create {
                    paths
                        .iter_mut()
                        .for_each(|item| item.nametype = NameType::Create);
                } else {
                    paths.clear();
                }
                paths.insert(0, directory);
            }
            Some(directory) if self.parent_on_existing => paths.insert(0, directory),
            _ => {}
        }
    }

    /// A file is to be made, of a name that ends in a slash: the kernel looks for none. Before 6.12 it has told
    /// of the directory by then.
    fn ends_at_slash(
        &self,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        paths: &mut Vec<PathItem>,
    ) -> bool {
        let bare = paths.first().and_then(|item| item.name.as_ref());
        let Some(bare) = bare.and_then(without_slashes) else {
            return false;
        };
        if is_in_none(&bare) {
            return false;
        }
        let item = PathItem {
            name: Some(bare),
            ..PathItem::default()
        };
        if let Some(directory) = parent(facts, cwd, &item).filter(|_| self.parent_on_existing) {
            *paths = vec![directory];
        }
        true
    }
}

/// The root, `.` and `..` are in no directory: they are opened, and found to be directories.
fn is_in_none(name: &[u8]) -> bool {
    let mut components = name.rsplit(|b| *b == b'/').filter(|name| !name.is_empty());
    matches!(components.next(), None | Some(b"." | b".."))
}

/// The name without the slashes at its end, if there are any.
fn without_slashes(name: &Bytes) -> Option<Bytes> {
    let slashes = name.iter().rev().take_while(|b| **b == b'/').count();
    (slashes > 0).then(|| name.slice(..name.len() - slashes))
}

/// The PARENT item of a name, where the caller may look into the directory.
pub(super) fn parent(facts: &CallFacts, cwd: Option<&Bytes>, item: &PathItem) -> Option<PathItem> {
    let name = item.name.as_ref()?;
    let directory = lookup::directory(facts, name)?;
    may_search(facts, &directory).then(|| PathItem {
        name: directory_name(name, cwd),
        resolved: None,
        file: Some(directory),
        nametype: NameType::Parent,
        ..PathItem::default()
    })
}

/// Whether the caller may search every directory on the way to a name.
fn reaches(facts: &CallFacts, name: &[u8]) -> bool {
    let slashes = name.iter().enumerate().filter(|(_, b)| **b == b'/');
    let mut directories = slashes.filter_map(|(at, _)| lookup::directory(facts, &name[..=at]));
    directories.all(|directory| may_search(facts, &directory))
}

/// Whether the mode lets the caller search a directory.
pub(super) fn may_search(facts: &CallFacts, directory: &FileFacts) -> bool {
    may(facts, directory, 1)
}

/// Whether the mode gives the caller a right: 4, 2, 1. Its supplementary groups and capabilities are not
/// known here.
pub(super) fn may(facts: &CallFacts, file: &FileFacts, right: u32) -> bool {
    let [.., fsuid, fsgid] = facts.task.cred;
    let shift = match (file.uid == fsuid, file.gid == fsgid) {
        (true, _) => 6,
        (false, true) => 3,
        (false, false) => 0,
    };
    fsuid == 0 || file.mode >> shift & right != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_dots_are_in_no_directory() {
        for (name, expect) in [
            ("", true),
            ("/", true),
            (".", true),
            ("./", true),
            ("sub/..", true),
            ("sub/...", false),
            ("sub/", false),
            ("/sub//", false),
        ] {
            assert_eq!(is_in_none(name.as_bytes()), expect, "{name:?}");
        }
    }

    #[test]
    fn names_lose_the_slashes_at_their_end_only() {
        for (name, expect) in [("a/b", None), ("a/b/", Some("a/b")), ("a//", Some("a"))] {
            let bare = without_slashes(&Bytes::from_static(name.as_bytes()));
            assert_eq!(bare.as_deref(), expect.map(str::as_bytes), "{name:?}");
        }
    }
}
