//! Calls beyond the four families: their items, in the order in which the kernel takes names, and the
//! records beside SYSCALL.

use bytes::Bytes;
use sensor_ebpf::{config::plan, wire::item::op};

use super::{
    Assembler, items, lookup,
    names::{Found, Names},
    unseen,
};
use crate::{
    decode::{CallFacts, RawItem},
    event::{Caveats, FileFacts, NameType, PathItem},
};

/// include/linux/fs.h
const FMODE_PATH: u32 = 1 << 14;
/// include/uapi/linux/fcntl.h
const AT_EMPTY_PATH: u64 = 0x1000;
const AT_REMOVEDIR: u64 = 0x200;
/// include/uapi/linux/limits.h; with the NUL.
const PATH_MAX: usize = 4096;

/// One path argument of a call.
struct Argument {
    text: Option<Bytes>,
    /// Its item, once the kernel took the name.
    item: Option<usize>,
    looked_up: bool,
    /// Not a path: what a new symbolic link will say.
    is_text: bool,
}

/// A call's paths while its items are made.
struct Paths {
    names: Names,
    arguments: Vec<Argument>,
    /// DELETE items so far.
    deleted: usize,
}

impl Assembler {
    /// The items of a call of kind OTHER.
    pub(super) fn other_paths(
        &self,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        caveats: &mut Caveats,
    ) -> Vec<PathItem> {
        // Its name is not a path.
        if facts.is("delete_module") {
            return Vec::new();
        }
        let mut paths = Paths {
            names: Names::new(self.kernel >= (7, 0)),
            arguments: self.arguments_of(facts),
            deleted: 0,
        };
        for n in taken_first(facts, self.kernel) {
            paths.take(*n);
        }
        let unseen = self.unseen_items(facts, caveats);
        for raw in facts.items.iter().chain(&unseen) {
            paths.event(raw, facts);
            if raw.facts.op == op::OPENED && raw.facts.err != 0 {
                caveats.looked_up |= paths.failed_open(raw, facts);
            }
        }
        caveats.name_from_user = paths
            .arguments
            .iter()
            .any(|argument| argument.item.is_some() && !argument.looked_up);
        unseen::without_unknown(paths.names.items(cwd))
    }

    /// What no hook told of.
    fn unseen_items(&self, facts: &CallFacts, caveats: &mut Caveats) -> Vec<RawItem> {
        if self.plan != plan::TRACEPOINT {
            return Vec::new();
        }
        let items = unseen::items(facts, self.kernel);
        caveats.looked_up |= items.iter().any(|raw| items::file(&raw.facts).is_some());
        items
    }

    /// The path arguments that the kernel can take: not too long, not empty unless that is allowed.
    fn arguments_of(&self, facts: &CallFacts) -> Vec<Argument> {
        let flags = match facts.name() {
            Some("linkat" | "fchownat" | "name_to_handle_at") => facts.call.args[4],
            Some("fchmodat2" | "newfstatat" | "faccessat2") => facts.call.args[3],
            Some("statx") if self.kernel < (6, 11) => facts.call.args[2],
            _ => 0,
        };
        let empty_too = flags & AT_EMPTY_PATH != 0;
        let takes = |text: &&Bytes, first: bool| {
            text.len() < PATH_MAX - 1 && (!text.is_empty() || (empty_too && first))
        };
        let argument = |text: Option<&Bytes>, first| Argument {
            text: text.filter(|text| takes(text, first)).cloned(),
            item: None,
            looked_up: false,
            is_text: first && (facts.is("symlink") || facts.is("symlinkat")),
        };
        let mut arguments = vec![argument(facts.user_name.as_ref(), true)];
        if facts.second_name.is_some() {
            arguments.push(argument(facts.second_name.as_ref(), false));
        }
        // audit_reusename: the same address is the same name.
        let address = |n: usize| facts.call.args.get(n);
        let same = match facts.name() {
            Some("rename" | "link" | "symlink" | "pivot_root") => address(0) == address(1),
            Some("symlinkat") => address(0) == address(2),
            _ => address(1) == address(3),
        };
        if same && self.reuses_names && arguments.len() == 2 {
            arguments.pop();
            arguments.iter_mut().for_each(|one| one.is_text = false);
        }
        arguments
    }
}

/// The names that the kernel takes before it looks for any, in its order: 0 is the call's first path.
/// Where a call has both names as arguments of a function, compilers take the last first.
fn taken_first(facts: &CallFacts, kernel: (u32, u32)) -> &'static [usize] {
    const BOTH: &[usize] = &[0, 1];
    const BACKWARDS: &[usize] = &[1, 0];
    let both = if kernel >= (7, 0) { BOTH } else { BACKWARDS };
    match facts.name() {
        Some("rename" | "renameat" | "renameat2") => both,
        Some("link" | "linkat" | "symlink" | "symlinkat") if kernel >= (5, 15) => both,
        Some("symlink" | "symlinkat") => &[0],
        Some("mkdir" | "mkdirat" | "mknod" | "mknodat") if kernel >= (5, 15) => &[0],
        Some("unlink" | "rmdir" | "quotactl") => &[0],
        Some("statx") if kernel >= (5, 18) => &[0],
        // Flags are looked at before the name.
        Some("unlinkat") if facts.call.args[2] & 0xffff_ffff & !AT_REMOVEDIR == 0 => &[0],
        _ => &[],
    }
}

impl Paths {
    /// getname of an argument; its item.
    fn take(&mut self, n: usize) -> Option<usize> {
        // With one item for both names there is only one argument.
        let argument = self.arguments.get_mut(n)?;
        if argument.item.is_none() {
            let text = argument.text.clone()?;
            argument.item = Some(self.names.getname(text));
        }
        argument.item
    }

    /// What the kernel did next.
    fn event(&mut self, raw: &RawItem, call: &CallFacts) {
        let facts = &raw.facts;
        let file = items::file(facts);
        let found = file.map(|file| Found {
            file,
            resolved: raw.path.as_ref().map(|path| path.to_bytes()),
            unread: matches!(call.name(), Some("umount" | "umount2")),
        });
        if raw.is_descriptor() {
            // One that is only a place (O_PATH) is as good as none for the calls that audit its file.
            if let Some(found) = found.filter(|_| facts.f_mode & FMODE_PATH == 0) {
                self.names.inode(None, found, false);
            }
            return;
        }
        let Some(name) = &raw.name else {
            // A look-up without a name, as of an empty path since 6.11.
            if let Some(found) = found {
                self.names.inode(None, found, false);
            }
            return;
        };
        match facts.op {
            op::DELETE | op::CREATE => {
                let rename = call.name().is_some_and(|name| name.starts_with("rename"));
                entry(&mut self.names, &mut self.deleted, raw, rename);
            }
            _ => {
                let item = self.item_of(name, call.is("quotactl"));
                if let Some(found) = found {
                    let parent = facts.op == op::PARENT;
                    self.names.inode(Some((item, name)), found, parent);
                }
            }
        }
    }

    /// An open that failed once the file was found: it is looked up afterwards. True if it was found.
    fn failed_open(&mut self, raw: &RawItem, call: &CallFacts) -> bool {
        let found_first = [-libc::EISDIR, -libc::EACCES, -libc::ETXTBSY, -libc::EPERM];
        let Some(name) = raw
            .name
            .as_ref()
            .filter(|_| found_first.contains(&raw.facts.err))
        else {
            return false;
        };
        let mut item = PathItem {
            name: Some(name.clone()),
            ..PathItem::default()
        };
        lookup::fill(call, &mut item, true);
        let Some(file) = item.file else { return false };
        let found = Found {
            file,
            resolved: None,
            unread: false,
        };
        let at = self.item_of(name, false);
        self.names.inode(Some((at, name)), found, false);
        true
    }

    /// The item of the name that is looked up: an argument's, or one that the kernel made itself.
    fn item_of(&mut self, name: &Bytes, copied: bool) -> usize {
        let same = |argument: &Argument| !argument.is_text && argument.text.as_ref() == Some(name);
        let unseen = |argument: &Argument| same(argument) && !argument.looked_up;
        let arguments = &self.arguments;
        let at = arguments.iter().position(unseen);
        let at = at.or_else(|| arguments.iter().position(same));
        match at.filter(|_| !copied) {
            Some(at) => {
                let item = self.take(at);
                self.arguments[at].looked_up = true;
                item.unwrap_or_else(|| self.names.getname(name.clone()))
            }
            None if copied => self.names.getname(name.clone()),
            None => match self.changed(name) {
                Some(item) => item,
                None => self.names.getname(name.clone()),
            },
        }
    }

    /// The caller's memory has another name by now: the item that waits for one gets the kernel's.
    fn changed(&mut self, name: &Bytes) -> Option<usize> {
        let waits = |argument: &&mut Argument| {
            argument.item.is_some() && !argument.looked_up && !argument.is_text
        };
        let argument = self.arguments.iter_mut().find(waits)?;
        argument.looked_up = true;
        let item = argument.item?;
        self.names.correct(item, name.clone());
        Some(item)
    }
}

/// A name in a directory is made or removed; `deleted` counts the latter.
pub(super) fn entry(names: &mut Names, deleted: &mut usize, raw: &RawItem, rename: bool) {
    let facts = &raw.facts;
    let (Some(name), file) = (&raw.name, items::file(facts)) else {
        return;
    };
    let kind = if facts.op == op::DELETE {
        NameType::Delete
    } else {
        NameType::Create
    };
    // may_delete of a rename's old name failed where the caller may not write: the kernel did not come as
    // far as the new one.
    let refused = rename && [-libc::EACCES, -libc::EPERM].contains(&facts.err);
    *deleted += usize::from(facts.op == op::DELETE);
    // What is to be made is told before, too, without a file: may_create. Not where a rename has something
    // to replace.
    if facts.op == op::CREATE && !refused && *deleted < 2 {
        names.child(&directory(raw), name, None, kind);
    }
    if facts.err == 0 {
        names.child(&directory(raw), name, file, kind);
    }
}

pub(super) fn directory(raw: &RawItem) -> FileFacts {
    let facts = &raw.facts;
    FileFacts {
        ino: facts.parent_ino,
        dev: facts.parent_dev,
        rdev: facts.parent_rdev,
        mode: facts.parent_mode,
        uid: facts.parent_uid,
        gid: facts.parent_gid,
        nlink: 0,
    }
}
