//! io_uring: what its operations do to audit's list of names.
//!
//! Before 7.0 the kernel takes an operation's names when it is submitted, inside io_uring_enter, into that
//! call's list. A worker that looks one up later finds the item by its name (`filename.aname`) and writes
//! into the call's list, not into its own; only what it can't write there it adds to its own. Since 7.0
//! names are taken when the operation is done. The ring's own thread has no list when it takes names.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use sensor_ebpf::wire::{
    OperationFacts, TakenName,
    item::op,
    kind,
    uring::{BY_RING, FLAGS},
};

use super::{
    Assembler, failed,
    items::{self, O_CREAT},
    lookup,
    names::{Found, Name, Names},
    open,
    other::{directory, entry},
};
use crate::{
    decode::{CallFacts, RawItem},
    event::{Aux, Caveats, FileFacts, NameType, Open, Operation, PathItem, Uring, What},
    syscalls::{self, Abi},
};

/// IORING_OP_CONNECT … of include/uapi/linux/io_uring.h.
const CONNECT: u32 = 16;
const RENAMEAT: u32 = 35;
const BIND: u32 = 56;

/// Names remembered; those of calls that nothing wants are never asked for.
const KEPT: usize = 1024;

/// What tasks did with names of another one's call, by the address of the name.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// With the time of the operation, nanoseconds since boot.
    names: HashMap<u64, (u64, Name)>,
    order: VecDeque<u64>,
}

impl Elsewhere {
    fn remember(&mut self, address: u64, ktime_ns: u64, name: Name) {
        if self.names.insert(address, (ktime_ns, name)).is_none() {
            self.order.push_back(address);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.names.remove(&oldest);
            }
        }
    }

    /// What became of a name of a call that began then.
    fn take(&mut self, address: u64, began_ns: u64) -> Option<Name> {
        let (ktime_ns, name) = self.names.remove(&address)?;
        self.order.retain(|other| *other != address);
        (ktime_ns >= began_ns).then_some(name)
    }
}

/// Whose list has names that were not seen to be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// This one: the kernel made the name itself (a unix socket's).
    Here,
    /// Another task's.
    Elsewhere,
    /// Nobody's: the ring's own thread has none when it takes them.
    Nowhere,
}

/// The list of names under construction.
struct Steps {
    names: Names,
    /// Items by the address of their name.
    items: HashMap<u64, usize>,
    others: Others,
    /// DELETE items so far.
    deleted: usize,
}

impl CallFacts {
    /// Whether its names may belong to operations of io_uring.
    pub(super) fn is_uring(&self) -> bool {
        self.header.kind == kind::URING || self.is("io_uring_enter")
    }
}

impl Assembler {
    /// The items, the operations that ended inside the call, the files that were opened.
    pub(super) fn uring(
        &mut self,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        caveats: &mut Caveats,
    ) -> (Vec<PathItem>, Vec<Aux>) {
        let mut steps = Steps {
            names: Names::new(self.kernel >= (7, 0)),
            items: HashMap::new(),
            others: self.others(facts),
            deleted: 0,
        };
        let (mut done, mut opened) = (Vec::new(), Vec::new());
        let mut operations = facts.operations.iter().peekable();
        for (n, raw) in facts.items.iter().enumerate() {
            while let Some((_, operation)) = operations.next_if(|(at, _)| *at <= n) {
                done.push(ended(operation, steps.names.count()));
            }
            match raw.facts.op {
                op::OPENED => {
                    opened.extend(self.opened(raw, facts, cwd, &mut steps, caveats));
                }
                _ => steps.event(raw, facts),
            }
        }
        done.extend(operations.map(|(_, operation)| ended(operation, steps.names.count())));
        if self.kernel < (5, 16) {
            done.clear();
        }
        self.exchange(facts, &mut steps);
        done.extend(opened);
        (steps.names.items(cwd), done)
    }

    fn others(&self, facts: &CallFacts) -> Others {
        const MADE: [u32; 2] = [CONNECT, BIND];
        let by_ring = facts.call.args[FLAGS] & BY_RING != 0;
        if facts.header.kind != kind::URING
            || self.kernel >= (7, 0)
            || MADE.contains(&facts.call.nr)
        {
            Others::Here
        } else if by_ring {
            Others::Nowhere
        } else {
            Others::Elsewhere
        }
    }

    /// Tells other events of what became of their names, and learns what became of those of this one.
    fn exchange(&mut self, facts: &CallFacts, steps: &mut Steps) {
        // Before 5.16 audit hears nothing of a worker: it has no call.
        if self.kernel < (5, 16) {
            return;
        }
        let time = facts.header.ktime_ns;
        for (address, item) in &steps.items {
            if let Some(name) = steps.names.of_elsewhere(*item) {
                self.elsewhere.remember(*address, time, name);
            } else if let Some(name) = self.elsewhere.take(*address, time) {
                steps.names.done_elsewhere(*item, name);
            }
        }
    }

    /// An open: its items as open(2) would have them, taken as steps. The file, if it was opened.
    fn opened(
        &self,
        raw: &RawItem,
        facts: &CallFacts,
        cwd: Option<&Bytes>,
        steps: &mut Steps,
        caveats: &mut Caveats,
    ) -> Option<Aux> {
        let taken = raw.taken?;
        let name = raw.name.as_ref()?;
        let err = raw.facts.err;
        // Without waiting it could not be done, and is tried again; or the name leads out of where it may.
        if err == -libc::EAGAIN || err == -libc::EXDEV {
            return None;
        }
        let call = as_openat(facts, raw, &taken);
        let open = open::open(&call, false);
        let paths = self.open_steps(&call, name, &open, cwd, caveats);
        let resolved = raw.path.as_ref().map(|path| path.to_bytes());
        let entry = last(resolved.as_ref().unwrap_or(name));
        let mut above = directory(raw);
        for path in paths {
            if let (NameType::Parent, Some(file)) = (path.nametype, path.file) {
                above = file;
            }
            steps.open_item(&taken, name, path, (&above, &entry));
        }
        let item = items::normal(raw);
        (err == 0).then(|| Aux::Opened(Box::new((open, item))))
    }

    /// What audit was told of during an open.
    fn open_steps(
        &self,
        call: &CallFacts,
        name: &Bytes,
        open: &Open,
        cwd: Option<&Bytes>,
        caveats: &mut Caveats,
    ) -> Vec<PathItem> {
        let mut paths = self.open_paths(call, cwd, open.flags, open.created, caveats);
        let slashes = name.iter().rev().take_while(|b| **b == b'/').count();
        let bare = name.slice(..name.len() - slashes);
        match i32::try_from(-call.call.ret).unwrap_or(0) {
            0 => {}
            // The directory is there, but makes no files: /proc.
            libc::ENOENT if open.flags & O_CREAT != 0 => {
                paths = directory_alone(call, cwd, name, caveats);
            }
            // That it is no directory was found last.
            libc::ENOTDIR if slashes > 0 => {
                for item in &mut paths {
                    item.name = Some(bare.clone());
                    caveats.looked_up |= lookup::fill(call, item, true);
                }
            }
            _ => self.complete_failed(call, &What::Open(*open), cwd, &mut paths, caveats),
        }
        // The root, `.` and `..` are in no directory.
        if [&b""[..], b".", b".."].contains(&&*last(&bare)) {
            paths.retain(|item| item.nametype != NameType::Parent);
        }
        paths
    }
}

/// The directory of a name, if it is there.
fn directory_alone(
    call: &CallFacts,
    cwd: Option<&Bytes>,
    name: &Bytes,
    caveats: &mut Caveats,
) -> Vec<PathItem> {
    let item = PathItem {
        name: Some(name.clone()),
        ..PathItem::default()
    };
    let parent = failed::parent(call, cwd, &item);
    caveats.looked_up |= parent.is_some();
    parent.into_iter().collect()
}

/// The last component of a path.
fn last(path: &Bytes) -> Bytes {
    let slash = path.iter().rposition(|b| *b == b'/');
    slash.map_or_else(|| path.clone(), |at| path.slice(at + 1..))
}

/// The same as a call.
fn as_openat(facts: &CallFacts, raw: &RawItem, taken: &TakenName) -> CallFacts {
    let mut call = CallFacts {
        items: vec![RawItem {
            facts: raw.facts,
            name: raw.name.clone(),
            path: raw.path.clone(),
            taken: None,
        }],
        ..facts.of_task()
    };
    call.header.kind = kind::OPEN;
    call.call.arch = Abi::Native.arch();
    call.call.nr = syscalls::number(Abi::Native, "openat").unwrap_or(0);
    let dirfd = u64::from(taken.dirfd.cast_unsigned());
    call.call.args = [dirfd, 0, taken.flags.into(), taken.mode.into(), 0, 0];
    call.call.ret = raw.facts.err.into();
    call
}

fn ended(facts: &OperationFacts, items: usize) -> Aux {
    Aux::Operation(Operation {
        uring: Uring {
            op: facts.op,
            exit: Some(facts.ret.into()),
        },
        items,
        cred: facts.cred,
        recorded: true,
        key: None,
    })
}

impl Steps {
    /// The item of a name that is looked up; none if it is in nobody's list.
    fn item_of(&mut self, taken: &TakenName, name: &Bytes) -> Option<usize> {
        if let Some(item) = self.items.get(&taken.address) {
            return Some(*item);
        }
        let item = match self.others {
            Others::Here => self.names.getname(name.clone()),
            Others::Elsewhere => self.names.elsewhere(name.clone()),
            Others::Nowhere => return None,
        };
        self.items.insert(taken.address, item);
        Some(item)
    }

    /// An item of an open, as a step; of what is made also where, and what it is called there.
    fn open_item(
        &mut self,
        taken: &TakenName,
        name: &Bytes,
        path: PathItem,
        (above, entry): (&FileFacts, &Bytes),
    ) {
        // What is to be made is told before, too, without a file.
        if path.nametype == NameType::Create {
            let made = path.file.map(Some);
            for file in [None].into_iter().chain(made) {
                self.names.child(above, entry, file, NameType::Create);
            }
            return;
        }
        let parent = path.nametype == NameType::Parent;
        if let Some(file) = path.file {
            let found = Found {
                file,
                resolved: path.resolved,
                unread: false,
            };
            self.found(taken, name, found, parent);
        }
    }

    fn found(&mut self, taken: &TakenName, name: &Bytes, found: Found, parent: bool) {
        // An item that there is not: the list is searched.
        let item = self.item_of(taken, name).unwrap_or(usize::MAX);
        self.names.inode(Some((item, name)), found, parent);
    }

    /// What the kernel did next.
    fn event(&mut self, raw: &RawItem, facts: &CallFacts) {
        let file = items::file(&raw.facts);
        let found = file.map(|file| Found {
            file,
            resolved: raw.path.as_ref().map(|path| path.to_bytes()),
            unread: false,
        });
        let Some(name) = &raw.name else {
            if let Some(found) = found {
                self.names.inode(None, found, false);
            }
            return;
        };
        match (raw.facts.op, raw.taken) {
            (op::TAKEN, Some(taken)) => {
                // A name that is used again is the same one.
                let names = &mut self.names;
                let items = self.items.entry(taken.address);
                items.or_insert_with(|| names.getname(name.clone()));
            }
            (op::DELETE | op::CREATE, _) => {
                let rename = facts.header.kind == kind::URING && facts.call.nr == RENAMEAT;
                entry(&mut self.names, &mut self.deleted, raw, rename);
            }
            (_, Some(taken)) => {
                let parent = raw.facts.op == op::PARENT;
                match found {
                    Some(found) => self.found(&taken, name, found, parent),
                    // It was taken all the same.
                    None if self.others == Others::Here => {
                        self.item_of(&taken, name);
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
}
