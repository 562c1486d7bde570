//! How analysers look at files: a trait, so that they stay pure and tests bring their own.

use super::act::FileId;

/// Most bytes that are read of one file.
pub const READ_LIMIT: usize = 256 * 1024;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Absent,
    /// A regular file.
    File(FileLook),
    /// A symbolic link, not followed.
    Link {
        /// The link's own inode.
        id: FileId,
        /// What it says.
        target: Vec<u8>,
    },
    /// A directory.
    Directory(FileId),
    /// A device, a pipe, a socket: not opened.
    Other(FileId),
    /// It could not be read; why.
    Unreadable(String),
}

/// A regular file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLook {
    /// Which.
    pub id: FileId,
    /// User id of its owner.
    pub owner: u32,
    /// Type and permission bits.
    pub mode: u32,
    /// Names that the inode has.
    pub links: u64,
    /// Bytes it has.
    pub size: u64,
    /// Modification and change time, nanoseconds since the epoch.
    pub times_ns: (i128, i128),
    /// Its bytes, at most [`READ_LIMIT`].
    pub content: Vec<u8>,
}

impl FileLook {
    /// There is more than was read.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > self.content.len() as u64
    }
}

/// The host's files. Implementations open regular files only, follow no symbolic link in the last
/// component, and read at most [`READ_LIMIT`] bytes.
pub trait Files {
    /// What is there, with its content.
    fn look(&mut self, path: &[u8]) -> Look;
    /// What is there, without content: a cheap question.
    fn glance(&mut self, path: &[u8]) -> Look;
    /// Names in a directory, at most `limit`, in no order; none if it can't be read.
    fn list(&mut self, path: &[u8], limit: usize) -> Vec<Vec<u8>>;
}
