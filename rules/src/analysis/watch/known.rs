//! What is known of the watched files: by path, by inode, and their directories; bounded.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::{act::FileId, change::State};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Watched files.
    pub files: usize,
    /// Bytes of what they say.
    pub bytes: usize,
    /// Watched directories.
    pub directories: usize,
    /// Files opened for writing and not yet compared for good.
    pub pending: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 16_384,
            bytes: 16 << 20,
            directories: 16_384,
            pending: 1024,
        }
    }
}

/// Names that one inode may have among the watched ones.
const NAMES: usize = 8;

#[derive(Debug)]
pub(super) struct Known {
    limits: Limits,
    by_path: BTreeMap<Vec<u8>, State>,
    by_id: HashMap<FileId, Vec<Vec<u8>>>,
    directories: HashMap<FileId, Vec<u8>>,
    bytes: usize,
    /// Files and directories that had no room.
    refused: u64,
}

impl Known {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            by_path: BTreeMap::new(),
            by_id: HashMap::new(),
            directories: HashMap::new(),
            bytes: 0,
            refused: 0,
        }
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&State> {
        self.by_path.get(path)
    }

    /// Puts what is there now in place of what was; nothing there takes no room.
    pub(super) fn put(&mut self, path: &[u8], state: State) {
        if let Some(old) = self.by_path.remove(path) {
            self.bytes -= old.bytes() + path.len();
            self.forget_id(old.id, path);
        }
        if state == State::default() {
            return;
        }
        let bytes = state.bytes() + path.len();
        if self.by_path.len() >= self.limits.files || self.bytes + bytes > self.limits.bytes {
            self.refused += 1;
            return;
        }
        self.bytes += bytes;
        self.learn(state.id, path);
        self.by_path.insert(path.to_vec(), state);
    }

    /// An inode is known by a path.
    pub(super) fn learn(&mut self, id: Option<FileId>, path: &[u8]) {
        let Some(id) = id else { return };
        if self.by_id.len() >= self.limits.files * 2 && !self.by_id.contains_key(&id) {
            self.refused += 1;
            return;
        }
        let names = self.by_id.entry(id).or_default();
        if names.len() < NAMES && !names.iter().any(|name| name == path) {
            names.push(path.to_vec());
        }
    }

    fn forget_id(&mut self, id: Option<FileId>, path: &[u8]) {
        let Some(id) = id else { return };
        if let Some(names) = self.by_id.get_mut(&id) {
            names.retain(|name| name != path);
            if names.is_empty() {
                self.by_id.remove(&id);
            }
        }
    }

    /// Watched paths of an inode.
    pub(super) fn paths_of(&self, id: FileId) -> &[Vec<u8>] {
        self.by_id.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn learn_directory(&mut self, id: FileId, path: &[u8]) {
        if self.directories.len() >= self.limits.directories && !self.directories.contains_key(&id)
        {
            self.refused += 1;
            return;
        }
        self.directories.insert(id, path.to_vec());
    }

    pub(super) fn directory(&self, id: FileId) -> Option<&[u8]> {
        self.directories.get(&id).map(Vec::as_slice)
    }

    /// Known paths below a directory.
    pub(super) fn below(&self, directory: &[u8]) -> Vec<Vec<u8>> {
        let mut start = directory.to_vec();
        if !start.ends_with(b"/") {
            start.push(b'/');
        }
        let from = self.by_path.range(start.clone()..);
        let paths = from
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&start));
        paths.cloned().collect()
    }

    /// Known paths after one, at most `count`.
    pub(super) fn after(&self, path: Option<&[u8]>, count: usize) -> Vec<Vec<u8>> {
        use std::ops::Bound;
        let start = path.map_or(Bound::Unbounded, |path| Bound::Excluded(path.to_vec()));
        let paths = self.by_path.range((start, Bound::Unbounded));
        paths.map(|(path, _)| path.clone()).take(count).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &State)> {
        self.by_path.iter()
    }

    /// Files, bytes, refusals.
    pub(super) fn counts(&self) -> (usize, usize, u64) {
        (self.by_path.len(), self.bytes, self.refused)
    }
}
