//! A path that a call used, as its inode and its directory are.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `ItemFacts::flags`: the inode block is valid.
pub const FILE: u32 = 1;
/// `ItemFacts::flags`: the parent's block is valid.
pub const PARENT: u32 = 2;
/// `ItemFacts::flags`: the file behind a descriptor (finit_module, futimens), not a path of the
/// call.
pub const DESCRIPTOR: u32 = 4;
/// `ItemFacts::flags`: this call was the first to use the name: it was not in the dentry cache.
pub const COLD: u32 = 8;

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
    /// [`FILE`], [`PARENT`], [`DESCRIPTOR`], [`COLD`].
    pub flags: u32,
    /// The directory's `s_dev` equals `dev` but for a mount point, so it travels too.
    pub parent_dev: u32,
    pub parent_rdev: u32,
    /// An [`op`].
    pub op: u32,
    /// `LOOKUP_*` flags of a look-up (include/linux/namei.h).
    pub lookup_flags: u32,
}

/// `ItemFacts::op`: at which of audit's own points the kernel was.
pub mod op {
    /// `do_filp_open` returned; the first two families' and execs' items.
    pub const OPENED: u32 = 0;
    /// `filename_lookup` returned: audit_inode. `err` says how.
    pub const LOOKED_UP: u32 = 1;
    /// `filename_parentat` returned: audit_inode with AUDIT_INODE_PARENT.
    pub const PARENT: u32 = 2;
    /// `may_delete` begins: audit_inode_child with AUDIT_TYPE_CHILD_DELETE. NAME is the dentry's.
    pub const DELETE: u32 = 3;
    /// `vfs_mkdir` and its kin returned: audit_inode_child with AUDIT_TYPE_CHILD_CREATE, `err` says
    /// how. NAME is the dentry's.
    pub const CREATE: u32 = 4;
    /// The kernel took a name from the caller: audit_getname. Of io_uring only.
    pub const TAKEN: u32 = 5;
}

const _: () = assert!(size_of::<ItemFacts>() == 80);
