//! Watched files: which acts could have changed one, when to compare it, and with what.
//!
//! A file is recognised by its name, by its inode (a hard link, another mount namespace, a bind mount) and
//! by the inode of the directory it is in. Content is compared after a rename, a link or a removal at once;
//! after an open for writing once the process that opened it ended, and until then after ever longer
//! quiet times: the close itself is not seen. What nobody was seen to change (a raw device, an inherited
//! descriptor, `mmap`) is found when all files are compared, which [`Watch::sweep`] does bit by bit.

mod homes;
mod known;
mod look;
mod pending;
mod places;
mod sweep;

use std::collections::VecDeque;

use serde::Serialize;

pub use self::known::Limits;
use self::{homes::Homes, known::Known, pending::Pendings};
use super::{
    act::{Act, Actor, Deed, Name, Naming},
    change::{Change, Method, State, StateKind},
    files::Files,
    places::{HookKind, Place},
};

/// Counts of a watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files known.
    pub files: usize,
    /// Bytes of what they say.
    pub bytes: usize,
    /// Files opened for writing and not compared for good.
    pub pending: usize,
    /// Times a file was compared.
    pub compared: u64,
    /// Changes, and acts that left a file as it was, that were told.
    pub told: u64,
    /// Files and directories that had no room: known by name only.
    pub refused: u64,
    /// Files that were compared sooner than is good, for want of room.
    pub hurried: u64,
    /// Files whose content could not be read.
    pub unread: u64,
}

/// The state of all watched files. `W` is what is kept of whoever opened one.
#[derive(Debug)]
pub struct Watch<W> {
    known: Known,
    homes: Homes,
    pending: Pendings<W>,
    privileged: Vec<Vec<u8>>,
    /// Start-up links of the last minute: time, name, level.
    links: VecDeque<(u64, Vec<u8>, Vec<u8>)>,
    cursor: Option<Vec<u8>>,
    counts: Counts,
}

/// Start-up links remembered, and for how long.
const LINKS: usize = 256;
const TOGETHER_NS: u64 = 60_000_000_000;

impl<W: Clone> Watch<W> {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            known: Known::new(limits),
            homes: Homes::default(),
            pending: Pendings::new(limits.pending),
            privileged: Vec::new(),
            links: VecDeque::new(),
            cursor: None,
            counts: Counts::default(),
        }
    }

    /// Takes an act. `witness` is asked only if it was about a watched file.
    pub fn take(
        &mut self,
        act: &Act,
        files: &mut dyn Files,
        witness: &mut dyn FnMut() -> W,
    ) -> Vec<Change<W>> {
        match &act.deed {
            Deed::Opened(name) => self.opened(act, name, files, witness),
            Deed::Attributes(names) => self.named(act, Method::Attributes, names, files, witness),
            Deed::Named(how, names) => {
                let method = match how {
                    Naming::Rename => Method::Rename,
                    Naming::Link => Method::Link,
                    Naming::Make => Method::Make,
                    Naming::Remove => Method::Remove,
                    Naming::Mount => Method::Mount,
                };
                self.named(act, method, names, files, witness)
            }
        }
    }

    /// The next time, nanoseconds since the epoch, at which [`Watch::tick`] has something to do.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.pending.due_ns()
    }

    /// Compares what was opened for writing some time ago; `ended` says whether a process has ended.
    pub fn tick(
        &mut self,
        now_ns: u64,
        files: &mut dyn Files,
        ended: &dyn Fn((u32, u64)) -> bool,
    ) -> Vec<Change<W>> {
        let mut changes = Vec::new();
        for mut one in self.pending.take_due(now_ns, ended) {
            let last = one.is_last();
            let silent = one.told || !last;
            let writer = Some(one.writer.clone());
            if let Some(change) =
                self.compare(now_ns, &one.path, Method::Write, writer, files, silent)
            {
                one.told = true;
                changes.push(change);
            }
            if !last {
                self.pending.again(one, now_ns);
            }
        }
        changes
    }

    /// What is kept, and what was done.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (files, bytes, refused) = self.known.counts();
        Counts {
            files,
            bytes,
            refused,
            pending: self.pending.len(),
            ..self.counts
        }
    }

    /// Every known path and its state, for a snapshot.
    pub fn known(&self) -> impl Iterator<Item = (&Vec<u8>, &State)> {
        self.known.iter()
    }

    fn opened(
        &mut self,
        act: &Act,
        name: &Name,
        files: &mut dyn Files,
        witness: &mut dyn FnMut() -> W,
    ) -> Vec<Change<W>> {
        let mut changes = Vec::new();
        for path in self.watched_paths(&act.actor, name) {
            // The kernel's name of the inode may differ from stat's (btrfs, overlayfs): both lead here.
            self.known.learn(name.file, &path);
            let full = self.pending.add(&path, act, witness());
            if let Some(oldest) = full {
                self.counts.hurried += 1;
                let writer = Some(oldest.writer);
                let method = Method::Write;
                changes.extend(self.compare(
                    act.time_ns,
                    &oldest.path,
                    method,
                    writer,
                    files,
                    oldest.told,
                ));
            }
        }
        changes
    }

    fn named(
        &mut self,
        act: &Act,
        method: Method,
        names: &[Name],
        files: &mut dyn Files,
        witness: &mut dyn FnMut() -> W,
    ) -> Vec<Change<W>> {
        let mut paths: Vec<(Vec<u8>, Method)> = Vec::new();
        let mut add = |path, method| {
            if !paths.iter().any(|(known, _)| *known == path) {
                paths.push((path, method));
            }
        };
        for name in names {
            for path in self.watched_paths(&act.actor, name) {
                add(path, method);
            }
            if method == Method::Attributes {
                continue;
            }
            let Some(path) = self.host_path(&act.actor, name) else {
                continue;
            };
            // A link may stand for a directory, too.
            if name.is_directory || method == Method::Mount || self.has_root_below(&path) {
                let below = if method == Method::Mount {
                    method
                } else {
                    Method::Directory
                };
                for path in self.changed_below(&path, files) {
                    add(path, below);
                }
            }
        }
        let mut changes = Vec::new();
        for (path, method) in paths {
            let writer = Some(witness());
            // What was found below a directory differs, or it would not be here.
            let silent = method == Method::Directory || method == Method::Mount;
            changes.extend(self.compare(act.time_ns, &path, method, writer, files, silent));
        }
        changes
    }

    /// Compares one file with what was known; `silent`: nothing is told where nothing differs.
    fn compare(
        &mut self,
        time_ns: u64,
        path: &[u8],
        method: Method,
        writer: Option<W>,
        files: &mut dyn Files,
        silent: bool,
    ) -> Option<Change<W>> {
        let place = self.place(path)?;
        self.counts.compared += 1;
        let after = look::state(files, path, &place);
        self.counts.unread += u64::from(after.kind == StateKind::Unread);
        let before = self.known.get(path).cloned().unwrap_or_default();
        let differs = !before.same(&after);
        self.known.put(path, after.clone());
        self.follow(&place, differs, files);
        let nothing = before.kind == StateKind::Absent && after.kind == StateKind::Absent;
        if !differs && (silent || nothing) {
            return None;
        }
        self.counts.told += 1;
        let together = self.together(time_ns, path, &place, &after);
        Some(Change {
            time_ns,
            path: path.to_vec(),
            place,
            method,
            writer,
            before: Some(before),
            after,
            privileged: self.privileged.clone(),
            privileged_gids: self.privileged_gids(),
            together,
        })
    }

    /// Run levels and targets in which this start-up name was hooked within the last minute.
    fn together(&mut self, now_ns: u64, path: &[u8], place: &Place, after: &State) -> Vec<Vec<u8>> {
        let Place::Startup(hook) = place else {
            return Vec::new();
        };
        let Some(level) = hook
            .level
            .clone()
            .filter(|_| after.kind != StateKind::Absent)
        else {
            return Vec::new();
        };
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let name = match (hook.kind, name) {
            (HookKind::RunLevelLink, [b'S', rest @ ..]) => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                &rest[digits..]
            }
            _ => name,
        };
        self.links
            .retain(|(time, ..)| now_ns.saturating_sub(*time) <= TOGETHER_NS);
        if self.links.len() >= LINKS {
            self.links.pop_front();
        }
        self.links.push_back((now_ns, name.to_vec(), level));
        let same = self.links.iter().filter(|(_, known, _)| known == name);
        let mut levels: Vec<Vec<u8>> = same.map(|(.., level)| level.clone()).collect();
        levels.sort();
        levels.dedup();
        levels
    }
}

/// The path of a name as the host knows it, where that is certain.
fn own_path(actor: &Actor, name: &Name) -> Option<Vec<u8>> {
    (!actor.other_root && name.path.starts_with(b"/")).then(|| name.path.clone())
}

#[cfg(test)]
mod tests;
