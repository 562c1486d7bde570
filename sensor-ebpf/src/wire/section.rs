//! The sections that follow a record's fixed part: names, paths, file facts, arguments, times.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Before each section's bytes. 8 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Section {
    pub tag: u16,
    /// [`flag`] bits that hold for this section.
    pub flags: u16,
    /// Bytes that follow, without the padding to 8.
    pub len: u32,
}

/// `Section::tag`. A reader skips what it does not know.
pub mod tag {
    /// The path as the caller gave it, with its NUL. Belongs to the item before it.
    pub const NAME: u16 = 1;
    /// Path components from the leaf to the root, each with its NUL. Belongs to the item before it.
    pub const PATH: u16 = 2;
    /// Working directory, like PATH.
    pub const CWD: u16 = 3;
    /// `mm->exe_file`, like PATH.
    pub const EXE: u16 = 4;
    /// [`super::ItemFacts`]: a path that the call used; NAME and PATH of it may follow.
    pub const ITEM: u16 = 5;
    /// First bytes of the command line.
    pub const PROCTITLE: u16 = 6;
    /// First part of the arguments, each with its NUL.
    pub const ARGV: u16 = 7;
    /// [`super::ExecFacts`].
    pub const EXEC: u16 = 8;
    /// [`super::TimeFacts`].
    pub const TIMES: u16 = 9;
    /// `module.name`, with its NUL.
    pub const MODULE_NAME: u16 = 10;
    /// `bprm->interp`, with its NUL.
    pub const INTERP: u16 = 11;
    /// [`super::OpenHow`].
    pub const OPEN_HOW: u16 = 12;
    /// `bprm->filename`, with its NUL.
    pub const FILENAME: u16 = 13;
}

/// Flags of a section or of a whole event.
pub mod flag {
    /// Read from user memory, which the caller may have changed since.
    pub const FROM_USER: u16 = 1;
    /// More bytes or components than fit.
    pub const TRUNCATED: u16 = 2;
    /// The dentry is unhashed: `d_path` would append ` (deleted)`.
    pub const DELETED: u16 = 4;
    /// The walk ended at a root that is not the task's (memfd, detached mount).
    pub const DETACHED: u16 = 8;
    /// A read of kernel memory failed: some facts are zero.
    pub const READ_FAILED: u16 = 16;
}

/// `ItemFacts::flags`.
pub mod item {
    /// The inode block is valid.
    pub const FILE: u32 = 1;
    /// The parent's block is valid.
    pub const PARENT: u32 = 2;
    /// The file behind a descriptor (finit_module, futimens), not a path of the call.
    pub const DESCRIPTOR: u32 = 4;
}

/// An inode and its directory's. 80 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ItemFacts {
    pub ino: u64,
    pub parent_ino: u64,
    /// `super_block.s_dev`: major << 20 | minor.
    pub dev: u32,
    pub rdev: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub nlink: u32,
    pub parent_mode: u32,
    pub parent_uid: u32,
    pub parent_gid: u32,
    /// `file.f_mode` (FMODE_CREATED tells whether this open made the file).
    pub f_mode: u32,
    /// Negated errno that the hook returned, 0 on success.
    pub err: i32,
    /// [`item`] bits.
    pub flags: u32,
    /// The directory's `s_dev` equals `dev` but for a mount point, so it travels too.
    pub parent_dev: u32,
    pub parent_rdev: u32,
    pub reserved: [u32; 2],
}

/// Sizes of an argument list. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ExecFacts {
    /// Bytes of the argument area, NULs included.
    pub argv_bytes: u64,
    /// Bytes of it that were sent (ARGV section and ARGV records).
    pub sent_bytes: u64,
}

/// A time. 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stamp {
    pub sec: i64,
    pub nsec: u32,
    pub reserved: u32,
}

/// Times of an inode around a change. 136 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TimeFacts {
    pub old_atime: Stamp,
    pub old_mtime: Stamp,
    pub old_ctime: Stamp,
    pub new_atime: Stamp,
    pub new_mtime: Stamp,
    pub new_ctime: Stamp,
    /// What the caller asked for, `tv_nsec` possibly UTIME_NOW or UTIME_OMIT.
    pub asked_atime: Stamp,
    pub asked_mtime: Stamp,
    /// [`TimeFacts::OLD`] and friends: which of the above are valid.
    pub valid: u32,
    pub reserved: u32,
}

impl TimeFacts {
    pub const OLD: u32 = 1;
    pub const NEW: u32 = 2;
    pub const ASKED: u32 = 4;
}

/// How a file was opened, from the kernel's `struct open_flags` where a hook sees it. 24 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenHow {
    pub flags: u64,
    pub mode: u64,
    pub resolve: u64,
}

const _: () = {
    assert!(size_of::<Section>() == 8);
    assert!(size_of::<ItemFacts>() == 80);
    assert!(size_of::<ExecFacts>() == 16);
    assert!(size_of::<TimeFacts>() == 136);
    assert!(size_of::<OpenHow>() == 24);
};
