//! A machine of files in memory, whose acts change them and are told to a watch as the sensor tells them.

use std::collections::BTreeMap;

use crate::analysis::{
    Act, Actor, Change, Deed, FileId, FileLook, Files, Limits, Look, Name, Naming, Watch,
};

/// What is at a path.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileLook),
    Link(FileId, Vec<u8>),
    Directory(FileId),
}

/// The files, what was read of them, and the watch.
pub(super) struct Machine {
    pub(super) files: Fake,
    pub(super) watch: Watch<&'static str>,
    pub(super) now_ns: u64,
    /// Who acts.
    pub(super) actor: Actor,
    pub(super) ended: Vec<(u32, u64)>,
}

#[derive(Default)]
pub(super) struct Fake {
    pub(super) nodes: BTreeMap<Vec<u8>, Node>,
    next: u64,
    pub(super) looks: usize,
}

const SECOND: u64 = 1_000_000_000;

impl Files for Fake {
    fn look(&mut self, path: &[u8]) -> Look {
        self.looks += 1;
        match self.nodes.get(path) {
            None => Look::Absent,
            Some(Node::File(file)) => Look::File(file.clone()),
            Some(Node::Link(id, target)) => Look::Link {
                id: *id,
                target: target.clone(),
            },
            Some(Node::Directory(id)) => Look::Directory(*id),
        }
    }

    fn glance(&mut self, path: &[u8]) -> Look {
        self.look(path)
    }

    fn list(&mut self, path: &[u8], limit: usize) -> Vec<Vec<u8>> {
        let path = match self.nodes.get(path) {
            // As the kernel: a link to a directory can be listed.
            Some(Node::Link(_, target)) => target.clone(),
            _ => path.to_vec(),
        };
        let start = [&path[..], b"/"].concat();
        let below = self.nodes.keys().filter_map(|p| p.strip_prefix(&start[..]));
        let names = below.filter(|rest| !rest.contains(&b'/'));
        names.take(limit).map(<[u8]>::to_vec).collect()
    }
}

impl Fake {
    fn id(&mut self) -> FileId {
        self.next += 1;
        (1, self.next)
    }

    /// Makes directories up to a path, and a file there.
    pub(super) fn put(&mut self, path: &str, content: &str) {
        let path = path.as_bytes().to_vec();
        for (at, _) in path
            .iter()
            .enumerate()
            .filter(|(at, b)| **b == b'/' && *at > 0)
        {
            if !self.nodes.contains_key(&path[..at]) {
                let id = self.id();
                self.nodes.insert(path[..at].to_vec(), Node::Directory(id));
            }
        }
        let id = match self.nodes.get(&path) {
            Some(Node::File(file)) => file.id,
            _ => self.id(),
        };
        // Any write gives another time.
        self.next += 1;
        let file = FileLook {
            id,
            owner: 0,
            mode: 0o100_644,
            links: 1,
            size: content.len() as u64,
            times_ns: (self.next.into(), self.next.into()),
            content: content.as_bytes().to_vec(),
        };
        // Every name of the inode shows it.
        for node in self.nodes.values_mut() {
            if let Node::File(other) = node
                && other.id == id
            {
                *other = file.clone();
            }
        }
        self.nodes.insert(path, Node::File(file));
    }

    fn id_of(&self, path: &[u8]) -> Option<FileId> {
        match self.nodes.get(path)? {
            Node::File(file) => Some(file.id),
            Node::Link(id, _) | Node::Directory(id) => Some(*id),
        }
    }

    fn name(&self, path: &str) -> Name {
        let path = path.as_bytes();
        let up = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Name {
            path: path.to_vec(),
            file: self.id_of(path),
            directory: self.id_of(&path[..up]),
            is_directory: matches!(self.nodes.get(path), Some(Node::Directory(_))),
        }
    }
}

impl Machine {
    /// A machine with these files, known to the watch.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let mut fake = Fake::default();
        fake.put(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
        );
        fake.put("/home/ann/.ssh/known_hosts", "");
        fake.put("/root/.ssh/config", "");
        fake.put("/etc/cron.d/.placeholder", "");
        fake.put("/tmp/x", "");
        for (path, content) in files {
            fake.put(path, content);
        }
        let actor = Actor {
            pid: 7,
            start_ns: 1,
            other_root: false,
        };
        let mut machine = Self {
            files: fake,
            watch: Watch::new(Limits::default()),
            now_ns: SECOND,
            actor,
            ended: Vec::new(),
        };
        let changes = machine.watch.start(SECOND, &mut machine.files, None);
        assert!(changes.is_empty(), "{changes:?}");
        machine
    }

    fn take(&mut self, deed: Deed) -> Vec<Change<&'static str>> {
        self.now_ns += SECOND / 10;
        let act = Act {
            time_ns: self.now_ns,
            actor: self.actor,
            deed,
        };
        self.watch.take(&act, &mut self.files, &mut || "writer")
    }

    /// Opens for writing, before anything is written.
    pub(super) fn open(&mut self, path: &str) -> Vec<Change<&'static str>> {
        if self.files.id_of(path.as_bytes()).is_none() {
            self.files.put(path, "");
        }
        let name = self.files.name(path);
        self.take(Deed::Opened(name))
    }

    /// Opens, writes; the process ends; what was told of it.
    pub(super) fn write(&mut self, path: &str, content: &str) -> Vec<Change<&'static str>> {
        let mut changes = self.open(path);
        self.files.put(path, content);
        self.ended.push(self.actor.id());
        changes.extend(self.tick());
        self.ended.clear();
        changes
    }

    pub(super) fn tick(&mut self) -> Vec<Change<&'static str>> {
        let ended = self.ended.clone();
        self.watch
            .tick(self.now_ns, &mut self.files, &|id| ended.contains(&id))
    }

    /// Some seconds later.
    pub(super) fn later(&mut self, seconds: u64) -> Vec<Change<&'static str>> {
        self.now_ns += seconds * SECOND;
        self.tick()
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Vec<Change<&'static str>> {
        let (old, mut new) = (self.files.name(from), self.files.name(to));
        (new.file, new.is_directory) = (old.file, old.is_directory);
        let start = [from.as_bytes(), b"/"].concat();
        let moved: Vec<Vec<u8>> = self.files.nodes.keys().cloned().collect();
        self.files.nodes.remove(to.as_bytes());
        for path in moved {
            if path == from.as_bytes() || path.starts_with(&start) {
                let node = self.files.nodes.remove(&path).expect("there");
                let path = [to.as_bytes(), &path[from.len()..]].concat();
                self.files.nodes.insert(path, node);
            }
        }
        self.take(Deed::Named(Naming::Rename, vec![old, new]))
    }

    pub(super) fn link(&mut self, from: &str, to: &str) -> Vec<Change<&'static str>> {
        let node = self.files.nodes[from.as_bytes()].clone();
        self.files.nodes.insert(to.as_bytes().to_vec(), node);
        let names = vec![self.files.name(from), self.files.name(to)];
        self.take(Deed::Named(Naming::Link, names))
    }

    pub(super) fn symlink(&mut self, target: &str, path: &str) -> Vec<Change<&'static str>> {
        let id = self.files.id();
        let node = Node::Link(id, target.as_bytes().to_vec());
        self.files.nodes.insert(path.as_bytes().to_vec(), node);
        let name = self.files.name(path);
        self.take(Deed::Named(Naming::Make, vec![name]))
    }

    pub(super) fn mkdir(&mut self, path: &str) -> Vec<Change<&'static str>> {
        let id = self.files.id();
        self.files
            .nodes
            .insert(path.as_bytes().to_vec(), Node::Directory(id));
        let name = self.files.name(path);
        self.take(Deed::Named(Naming::Make, vec![name]))
    }

    pub(super) fn remove(&mut self, path: &str) -> Vec<Change<&'static str>> {
        let name = self.files.name(path);
        self.files.nodes.remove(path.as_bytes());
        self.take(Deed::Named(Naming::Remove, vec![name]))
    }

    pub(super) fn chmod(&mut self, path: &str, mode: u32) -> Vec<Change<&'static str>> {
        if let Some(Node::File(file)) = self.files.nodes.get_mut(path.as_bytes()) {
            file.mode = mode;
        }
        let name = self.files.name(path);
        self.take(Deed::Attributes(vec![name]))
    }
}
