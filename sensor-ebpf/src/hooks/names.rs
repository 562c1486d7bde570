//! Look-ups and changes of names, at the points where the kernel tells audit of them (fs/namei.c):
//! audit_inode in filename_lookup and filename_parentat, audit_inode_child in may_delete and behind
//! vfs_mkdir and its kin. For calls of kind OTHER; user space makes of them what audit makes.

use aya_ebpf::{
    macros::{fexit, kprobe, kretprobe},
    programs::{FExitContext, ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    fields::Field,
    wire::{ItemFacts, flag, item::op, tag},
};

use crate::{
    file::{dentry_facts, file_facts, fill_inode, fill_parent, path_facts},
    hooks::{other::FORCED, uring},
    kernel::Ptr,
    path::put_path,
    slot::{self, Slot},
};

/// `Slot::saved` while a function runs whose return matters.
const SAVED: usize = 0;
/// There, for a null pointer: no name.
const NAMELESS: u64 = 1;

#[inline(always)]
fn other() -> Option<&'static mut Slot> {
    let slot = slot::under_way()?;
    slot.is_other().then_some(slot)
}

/// What an `int` function or one that returns a pointer returned: the negated errno, or 0.
#[inline(always)]
fn errno(ret: u64) -> i32 {
    let int = ret >> 32 == 0 && (ret as i32) < 0;
    if int || Ptr(ret).is_err() {
        ret as i32
    } else {
        0
    }
}

#[inline(always)]
pub(crate) fn put_name(slot: &mut Slot, name: Ptr) {
    if let Some(start) = slot.begin_early() {
        if slot.push_kernel_str::<4096>(name) == 0 {
            slot.mark(flag::READ_FAILED);
        }
        slot.end(start, tag::NAME, 0);
    }
}

/// `filename_lookup` or `filename_parentat` returned.
#[inline(always)]
fn looked_up(op: u32, name: Ptr, lookup_flags: u32, path: Ptr, err: i32) {
    // Without a name (getname_maybe_null) only what was found is told.
    if name.is_err() || (name.is_null() && err != 0) {
        return;
    }
    let Some(slot) = other() else { return };
    let mut facts = if err == 0 {
        path_facts(path)
    } else {
        ItemFacts::default()
    };
    (facts.op, facts.lookup_flags, facts.err) = (op, lookup_flags, err);
    slot.put(tag::ITEM, 0, &facts);
    if !name.is_null() {
        put_name(slot, name.follow(Field::FilenameName));
        uring::put_taken(slot, name);
    }
    if err == 0 {
        put_path(slot, tag::PATH, path);
    }
}

/// match-proto: int filename_lookup(int dfd, struct filename *name, unsigned int flags, struct path *path, struct path *root)
#[fexit]
pub(crate) fn fexit_filename_lookup(ctx: FExitContext) -> i32 {
    let (name, flags, path) = (Ptr(ctx.arg(1)), ctx.arg(2), Ptr(ctx.arg(3)));
    looked_up(op::LOOKED_UP, name, flags, path, errno(ctx.arg(5)));
    0
}

/// Leaves the arguments for the return probe.
#[kprobe]
pub(crate) fn kprobe_filename_lookup(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let arg = |n| ctx.arg(n).unwrap_or(0);
        let name: u64 = arg(1);
        slot.saved = [name.max(NAMELESS), arg(2), arg(3), 0];
    }
    0
}

#[kretprobe]
pub(crate) fn kretprobe_filename_lookup(ctx: RetProbeContext) -> u32 {
    returned(op::LOOKED_UP, ctx.ret())
}

#[inline(always)]
fn returned(op: u32, ret: u64) -> u32 {
    if let Some(slot) = other() {
        let [name, flags, path, _] = slot.saved;
        slot.saved[SAVED] = 0;
        if name != 0 {
            let name = if name == NAMELESS { 0 } else { name };
            looked_up(op, Ptr(name), flags as u32, Ptr(path), errno(ret));
        }
    }
    0
}

/// The same place for both its names: `filename_parentat` before 5.14, `__filename_parentat` since.
/// By kprobe always: it has more arguments than fexit could take before 6.6.
/// match-proto: int __filename_parentat(int dfd, struct filename *name, unsigned int flags, struct path *parent, …)
#[kprobe]
pub(crate) fn kprobe_filename_parentat(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let arg = |n| ctx.arg(n).unwrap_or(0);
        slot.saved = [arg(1), arg(2), arg(3), 0];
    }
    0
}

#[kretprobe]
pub(crate) fn kretprobe_filename_parentat(ctx: RetProbeContext) -> u32 {
    returned(op::PARENT, ctx.ret())
}

/// do_file_open_root: the name, a `const char *`, is the argument of that number.
macro_rules! opens_root {
    ($($name:ident: $arg:literal;)*) => { $(
        #[kprobe]
        pub(crate) fn $name(ctx: ProbeContext) -> u32 {
            if let Some(slot) = other() {
                let arg = |n| ctx.arg(n).unwrap_or(0);
                slot.saved = [arg($arg), arg(0), $arg, 0];
            }
            0
        }
    )* };
}

opens_root! {
    kprobe_do_file_open_root_1: 1;
    kprobe_do_file_open_root_2: 2;
}

/// match-proto: struct file *do_file_open_root(const struct path *root, const char *name, const struct open_flags *op)
#[kretprobe]
pub(crate) fn kretprobe_do_file_open_root(ctx: RetProbeContext) -> u32 {
    if let Some(slot) = other() {
        let [name, root, place, _] = slot.saved;
        slot.saved[SAVED] = 0;
        let file = Ptr(ctx.ret());
        if name != 0 && !file.is_err() {
            let facts = file_facts(file);
            slot.put(tag::ITEM, 0, &facts);
            put_name(slot, Ptr(name));
            put_path(slot, tag::PATH, file.at(Field::FilePath));
        } else if name != 0 && place == PATH_FIRST {
            // The name is empty: what was to be opened is the root itself, and audit saw it.
            let facts = path_facts(Ptr(root));
            slot.put(tag::ITEM, 0, &facts);
            put_name(slot, Ptr(name));
            put_path(slot, tag::PATH, Ptr(root));
        } else if name != 0 {
            let facts = dentry_facts(Ptr(root));
            slot.put(tag::ITEM, 0, &facts);
            put_name(slot, Ptr(name));
        }
    }
    0
}

/// The name's place in `do_file_open_root` where a `struct path` stands before it: since 5.13. Before, a
/// dentry and a mount.
const PATH_FIRST: u64 = 1;

/// AUDIT_ANOM_LINK and the like: audit refuses, and logs that at once.
/// match-proto: void audit_log_path_denied(int type, const char *operation)
#[kprobe]
pub(crate) fn kprobe_audit_log_path_denied(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let kind = ctx.arg::<u64>(0).unwrap_or(0) as u32;
        slot.marks |= FORCED;
        slot.put(tag::ANOMALY, 0, &kind);
        if let Some(start) = slot.begin_early() {
            slot.push_kernel_str::<256>(Ptr(ctx.arg(1).unwrap_or(0)));
            slot.end(start, tag::ANOMALY_OPERATION, 0);
        }
    }
    0
}

/// A name in a directory: what audit_inode_child is told.
#[inline(always)]
fn put_child(slot: &mut Slot, op: u32, dentry: Ptr, err: i32) {
    let mut facts = ItemFacts::default();
    let inode = dentry.follow(Field::DentryInode);
    if err == 0 && !inode.is_null() {
        fill_inode(&mut facts, inode);
    }
    fill_parent(&mut facts, dentry);
    (facts.op, facts.err) = (op, err);
    slot.put(tag::ITEM, 0, &facts);
    put_name(slot, dentry.follow(Field::DentryName));
}

/// match-proto: int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
#[kprobe]
pub(crate) fn kprobe_may_delete_1(ctx: ProbeContext) -> u32 {
    delete(Ptr(ctx.arg(1).unwrap_or(0)))
}

/// match-proto: int may_delete(struct mnt_idmap *idmap, struct inode *dir, struct dentry *victim, bool isdir)
#[kprobe]
pub(crate) fn kprobe_may_delete_2(ctx: ProbeContext) -> u32 {
    delete(Ptr(ctx.arg(2).unwrap_or(0)))
}

#[inline(always)]
fn delete(victim: Ptr) -> u32 {
    if let Some(slot) = other() {
        put_child(slot, op::DELETE, victim, 0);
    }
    0
}

/// vfs_mkdir, vfs_mknod, vfs_create, vfs_symlink, vfs_link: the new name is the argument of that number.
macro_rules! creates {
    ($($name:ident: $arg:literal;)*) => { $(
        #[kprobe]
        pub(crate) fn $name(ctx: ProbeContext) -> u32 {
            if let Some(slot) = other() {
                slot.saved[SAVED] = ctx.arg($arg).unwrap_or(0);
            }
            0
        }
    )* };
}

creates! {
    kprobe_create_1: 1;
    kprobe_create_2: 2;
    kprobe_create_3: 3;
}

#[kretprobe]
pub(crate) fn kretprobe_create(ctx: RetProbeContext) -> u32 {
    if let Some(slot) = other() {
        let ret: u64 = ctx.ret();
        let err = errno(ret);
        // vfs_mkdir of 6.15 and later returns the dentry, which need not be the one it was given.
        let dentry = if err == 0 && ret >> 32 != 0 {
            ret
        } else {
            slot.saved[SAVED]
        };
        slot.saved[SAVED] = 0;
        if dentry != 0 {
            put_child(slot, op::CREATE, Ptr(dentry), err);
        }
    }
    0
}

/// RENAME_EXCHANGE of include/uapi/linux/fs.h.
const EXCHANGE: u32 = 2;

/// match-proto: int vfs_rename(struct renamedata *rd)
#[kprobe]
pub(crate) fn kprobe_vfs_rename(ctx: ProbeContext) -> u32 {
    if let Some(slot) = other() {
        let data = Ptr(ctx.arg(0).unwrap_or(0));
        let (old, new) = (
            data.follow(Field::RenameOldDentry),
            data.follow(Field::RenameNewDentry),
        );
        let replaced = new.follow(Field::DentryInode);
        // Two names of one file: nothing is done, and audit is told of nothing.
        if replaced == old.follow(Field::DentryInode) {
            return 0;
        }
        let replaces = !replaced.is_null();
        let exchange = data.read::<u32>(Field::RenameFlags) & EXCHANGE != 0;
        slot.saved = [old.0, new.0, replaces.into(), exchange.into()];
    }
    0
}

/// On success the old dentry has the new name. On failure audit has the new name, too, if nothing was
/// there: may_create.
#[kretprobe]
pub(crate) fn kretprobe_vfs_rename(ctx: RetProbeContext) -> u32 {
    if let Some(slot) = other() {
        let [old, new, replaces, exchange] = slot.saved;
        slot.saved[SAVED] = 0;
        let err = errno(ctx.ret());
        if old == 0 {
            return 0;
        }
        if err == 0 {
            put_child(slot, op::CREATE, Ptr(old), 0);
            if exchange != 0 {
                put_child(slot, op::CREATE, Ptr(new), 0);
            }
        } else if replaces == 0 {
            put_child(slot, op::CREATE, Ptr(new), err);
        }
    }
    0
}
