//! How a watched file differs from what was known of it.

use super::{facts::Facts, places::Place};
use crate::analysis::act::FileId;

/// What is known of the file at a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What is there.
    pub kind: StateKind,
    /// Its inode; of a link, what it leads to.
    pub id: Option<FileId>,
    /// Size, modification and change time: whether it is worth reading again.
    pub stamp: (u64, i128, i128),
    /// User id of the owner.
    pub owner: u32,
    /// Type and permission bits.
    pub mode: u32,
    /// SHA-256 of the content, as far as it was read.
    pub digest: [u8; 32],
    /// What it says.
    pub facts: Facts,
    /// What the symbolic link says, where there is one.
    pub target: Vec<u8>,
    /// The file is longer than what is read of it.
    pub cut: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateKind {
    /// Nothing.
    #[default]
    Absent,
    /// A file whose content is known.
    Known,
    /// Something whose content could not be read: a device, a dangling link, no permission.
    Unread,
}

impl State {
    /// Whether the two say the same and let the same users write.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let said = |s: &Self| (s.kind, s.digest, s.cut, s.owner, s.mode);
        said(self) == said(other) && self.facts == other.facts && self.target == other.target
    }

    /// Bytes that it takes, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // A map's entry costs two vectors, and its share of a node.
        const ENTRY: usize = 64;
        let facts = self.facts.iter().map(|(k, v)| k.len() + v.len() + ENTRY);
        facts.sum::<usize>() + self.target.len() + size_of::<Self>()
    }
}

/// How a change came to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The file was opened for writing.
    Write,
    /// A file was renamed to this name, or away from it.
    Rename,
    /// A directory above it was renamed, made or removed.
    Directory,
    /// A hard link to or from it.
    Link,
    /// A symbolic link, or another thing that is no regular file.
    Make,
    /// It was removed.
    Remove,
    /// Owner, mode, length or times were set.
    Attributes,
    /// A mount.
    Mount,
    /// Nobody was seen to change it: found when all files were compared.
    Unseen,
    /// It changed while the sensor did not run.
    Down,
}

impl Method {
    /// As rules see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Rename => "rename",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Make => "make",
            Self::Remove => "remove",
            Self::Attributes => "attributes",
            Self::Mount => "mount",
            Self::Unseen => "unseen",
            Self::Down => "down",
        }
    }
}

/// A change of a watched file, or an act that could have changed it and left it as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<W> {
    /// Nanoseconds since the epoch: when it was found.
    pub time_ns: u64,
    /// The watched path.
    pub path: Vec<u8>,
    /// What the file is.
    pub place: Place,
    /// How.
    pub method: Method,
    /// Who; `None`: nobody was seen.
    pub writer: Option<W>,
    /// What was known before; `None`: nothing, so what is added is not known.
    pub before: Option<State>,
    /// What is there now.
    pub after: State,
    /// Groups whose members may become root: the usual ones, and those that sudoers names.
    pub privileged: Vec<Vec<u8>>,
    /// Group ids of those groups, with their names.
    pub privileged_gids: Vec<(Vec<u8>, Vec<u8>)>,
    /// Run levels in which the same name was hooked within a minute.
    pub together: Vec<Vec<u8>>,
}

impl<W> Change<W> {
    /// Whether anything differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.before
            .as_ref()
            .is_none_or(|old| !old.same(&self.after))
    }

    /// Facts that are there now and were not, or said something else.
    #[must_use]
    pub fn added(&self) -> Vec<(&[u8], &[u8])> {
        match &self.before {
            Some(before) => new_in(&self.after.facts, &before.facts),
            None => Vec::new(),
        }
    }

    /// Facts that were there and are gone, or say something else.
    #[must_use]
    pub fn removed(&self) -> Vec<(&[u8], &[u8])> {
        match &self.before {
            Some(before) => new_in(&before.facts, &self.after.facts),
            None => Vec::new(),
        }
    }
}

fn new_in<'a>(facts: &'a Facts, other: &Facts) -> Vec<(&'a [u8], &'a [u8])> {
    let differs = |(key, value): &(&Vec<u8>, &Vec<u8>)| other.get(*key) != Some(value);
    let new = facts.iter().filter(differs);
    new.map(|(key, value)| (&key[..], &value[..])).collect()
}
