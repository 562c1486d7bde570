//! What analysers are fed: who did what to which file. A view of an event, without its records.

/// Device and inode number of a file; the device as the kernel numbers it, major << 20 | minor.
pub type FileId = (u32, u64);

/// One act that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Nanoseconds since the epoch.
    pub time_ns: u64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub deed: Deed,
}

/// Who did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// Process id, and its start on the boot clock in nanoseconds: together a process for ever.
    pub pid: u32,
    /// See `pid`.
    pub start_ns: u64,
    /// Its paths start at another root than the host's, so they are not names of the host's files.
    pub other_root: bool,
}

impl Actor {
    /// The process, for ever.
    #[must_use]
    pub fn id(&self) -> (u32, u64) {
        (self.pid, self.start_ns)
    }
}

/// A name that an act was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Absolute, resolved, from the actor's root.
    pub path: Vec<u8>,
    /// The file that has, had or got this name.
    pub file: Option<FileId>,
    /// The directory that the name is in.
    pub directory: Option<FileId>,
    /// The file is a directory itself.
    pub is_directory: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A file was opened so that it can be written.
    Opened(Name),
    /// Names were made, taken away or exchanged.
    Named(Naming, Vec<Name>),
    /// Owner, mode, length, extended attributes or times of a file were set.
    Attributes(Vec<Name>),
}

/// How names changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// rename, also when it replaced a file or exchanged two.
    Rename,
    /// A second name for a file; also how a file without a name (O_TMPFILE) gets one.
    Link,
    /// A symbolic link, a directory, a device: something new that is not written to.
    Make,
    /// unlink, rmdir.
    Remove,
    /// A mount covers or uncovers what is at these names.
    Mount,
}
