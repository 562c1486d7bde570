//! Comparing all files: at the start with a snapshot, later bit by bit, and below a directory that came.

use std::collections::BTreeMap;

use super::{Homes, Watch, look};
use crate::analysis::{
    change::{Change, Method, State, StateKind},
    files::{Files, Look},
    places::{Root, under_home, watched},
};

/// Names looked at in one directory.
const PER_DIRECTORY: usize = 4096;
/// Directories looked at in one walk.
const DIRECTORIES: usize = 16_384;

impl<W: Clone> Watch<W> {
    /// Reads every watched file. With a snapshot of an earlier run, what differs is told.
    pub fn start(
        &mut self,
        now_ns: u64,
        files: &mut dyn Files,
        mut snapshot: Option<BTreeMap<Vec<u8>, State>>,
    ) -> Vec<Change<W>> {
        self.homes = Homes::read(files);
        let mut changes = Vec::new();
        for path in self.paths_below(b"/", files) {
            let Some(place) = self.place(&path) else {
                continue;
            };
            let state = look::state(files, &path, &place);
            self.known.put(&path, state.clone());
            let Some(old) = snapshot.as_mut().map(|all| all.remove(&path)) else {
                continue;
            };
            let old = old.unwrap_or_default();
            if !old.same(&state) {
                changes.extend(self.down(now_ns, path, old));
            }
        }
        for (path, old) in snapshot.into_iter().flatten() {
            changes.extend(self.down(now_ns, path, old));
        }
        self.learn_groups();
        for change in &mut changes {
            change.privileged.clone_from(&self.privileged);
            change.privileged_gids = self.privileged_gids();
        }
        changes
    }

    /// A file changed while nobody looked.
    fn down(&mut self, time_ns: u64, path: Vec<u8>, old: State) -> Option<Change<W>> {
        let place = self.place(&path)?;
        let after = self.known.get(&path).cloned().unwrap_or_default();
        if old.same(&after) {
            return None;
        }
        self.counts.told += 1;
        Some(Change {
            time_ns,
            path,
            place,
            method: Method::Down,
            writer: None,
            before: Some(old),
            after,
            privileged: Vec::new(),
            privileged_gids: Vec::new(),
            together: Vec::new(),
        })
    }

    /// Looks whether the next `count` files are still as known; once round, whether there are new ones.
    /// True when a round is over.
    pub fn sweep(
        &mut self,
        now_ns: u64,
        files: &mut dyn Files,
        count: usize,
        changes: &mut Vec<Change<W>>,
    ) -> bool {
        let paths = self.known.after(self.cursor.as_deref(), count);
        self.cursor = paths.last().cloned();
        for path in &paths {
            if !self.pending.is_pending(path) && self.is_stale(path, files) {
                changes.extend(self.compare(now_ns, path, Method::Unseen, None, files, true));
            }
        }
        if paths.len() == count {
            return false;
        }
        self.cursor = None;
        for path in self.paths_below(b"/", files) {
            if self.known.get(&path).is_none() && !self.pending.is_pending(&path) {
                changes.extend(self.compare(now_ns, &path, Method::Unseen, None, files, true));
            }
        }
        true
    }

    /// Whether what is at a path is not what is known.
    fn is_stale(&self, path: &[u8], files: &mut dyn Files) -> bool {
        let known = self.known.get(path);
        match files.glance(path) {
            Look::File(file) => known.is_none_or(|state| {
                let link = !state.target.is_empty();
                link || state.id != Some(file.id) || state.stamp != look::stamp(&file)
            }),
            Look::Absent => known.is_some(),
            // What it leads to may have changed: a link is read again, which is cheap.
            Look::Link { .. } => true,
            _ => known.is_none_or(|state| state.kind != StateKind::Unread),
        }
    }

    /// Watched paths below a directory that came, went or was covered, where something differs.
    pub(super) fn changed_below(
        &mut self,
        directory: &[u8],
        files: &mut dyn Files,
    ) -> Vec<Vec<u8>> {
        let mut paths = self.known.below(directory);
        paths.retain(|path| self.is_stale(path, files));
        for path in self.paths_below(directory, files) {
            if self.is_stale(&path, files) && !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// Whether a listed directory is at this path or below it.
    pub(super) fn has_root_below(&self, path: &[u8]) -> bool {
        self.roots().any(|root| is_below(&root.path, path))
    }

    fn roots(&self) -> impl Iterator<Item = Root> {
        let homes = self.homes.homes.keys();
        watched().chain(homes.flat_map(|home| under_home(home)))
    }

    /// Watched paths that exist below a directory; their directories are learned.
    fn paths_below(&mut self, directory: &[u8], files: &mut dyn Files) -> Vec<Vec<u8>> {
        let mut walk = Walk {
            left: DIRECTORIES,
            ..Walk::default()
        };
        for root in self.roots().filter(|root| concerns(root, directory)) {
            walk.directory(&root.path, root.depth, files);
        }
        walk.paths.extend(self.homes.keys.keys().cloned());
        walk.paths.sort();
        walk.paths.dedup();
        for (id, path) in &walk.directories {
            self.known.learn_directory(*id, path);
        }
        let below = |path: &Vec<u8>| is_below(path, directory);
        let paths = walk.paths.into_iter().filter(below);
        paths.filter(|path| self.place(path).is_some()).collect()
    }
}

/// Whether a walk of the root can meet something below the directory.
fn concerns(root: &Root, directory: &[u8]) -> bool {
    is_below(&root.path, directory) || is_below(directory, &root.path)
}

/// Whether a path is a directory or below it.
fn is_below(path: &[u8], directory: &[u8]) -> bool {
    let directory = directory.strip_suffix(b"/").unwrap_or(directory);
    let rest = path.strip_prefix(directory);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// A bounded walk.
#[derive(Default)]
struct Walk {
    paths: Vec<Vec<u8>>,
    directories: Vec<((u32, u64), Vec<u8>)>,
    left: usize,
}

impl Walk {
    fn directory(&mut self, path: &[u8], depth: u8, files: &mut dyn Files) {
        let id = match files.glance(path) {
            Look::Directory(id) => id,
            // sshd goes through a link that stands for ~/.ssh; other links lead to what is walked itself.
            Look::Link { target, .. } if path.ends_with(b"/.ssh") => {
                match files.glance(&look::joined(path, &target)) {
                    Look::Directory(id) => id,
                    _ => return,
                }
            }
            _ => return,
        };
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        self.directories.push((id, path.to_vec()));
        for name in files.list(path, PER_DIRECTORY) {
            let path = [path, b"/", &name[..]].concat();
            if depth > 0 {
                self.directory(&path, depth - 1, files);
            }
            self.paths.push(path);
        }
    }
}
