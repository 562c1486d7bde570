//! Paths from dentries and mounts, as `d_path` (fs/d_path.c: prepend_path) walks them: up from
//! the leaf, crossing mounts, until the task's root.

use sensor_ebpf::{
    config::PATH_COMPONENTS,
    fields::Field,
    wire::{flag, tag},
};

use crate::{
    kernel::{Ptr, current, offset},
    slot::{self, Slot},
};

/// Longest component with its NUL: NAME_MAX + 1.
const COMPONENT: usize = 256;

/// How far a path was walked; addresses.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Walk {
    dentry: Ptr,
    vfsmount: Ptr,
    /// Where the task's root is: the walk ends there.
    root_dentry: Ptr,
    root_mount: Ptr,
    /// Where in the slot the section began.
    start: u64,
}

/// What [`walk_step`] gives while there is more to walk; no [`flag`].
const MORE: u32 = 1 << 16;

/// Appends the section `section` with the components of a `struct path`, leaf first.
#[inline(always)]
pub(crate) fn put_path(slot: &mut Slot, section: u16, path: Ptr) {
    // In the slot, not as an argument: to the verifier an argument of fexit's is a typed pointer, which no
    // global function takes.
    slot.path = path.0;
    slot::lend(slot, |slot| put_path_global(slot, section.into()));
}

/// A global function: the verifier follows it once for each program, not once for each path that leads here
/// (docs/adr/0008).
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn put_path_global(slot: u32, section: u32) -> u32 {
    if let Some(slot) = slot::numbered(slot) {
        let path = Ptr(slot.path);
        let (dentry, mount) = (path.follow(Field::PathDentry), path.follow(Field::PathMnt));
        put_dentry(slot, section as u16, dentry, mount);
    }
    0
}

#[inline(always)]
fn put_dentry(slot: &mut Slot, section: u16, dentry: Ptr, vfsmount: Ptr) {
    if dentry.is_null() {
        return;
    }
    let begun = match section {
        tag::PATH | tag::BASE | tag::SECOND_BASE => slot.begin_early(),
        _ => slot.begin(),
    };
    let Some(start) = begun else { return };
    let root = current().follow(Field::TaskFs).at(Field::FsRoot);
    slot.walk = Walk {
        dentry,
        vfsmount,
        root_dentry: root.follow(Field::PathDentry),
        root_mount: root.follow(Field::PathMnt),
        start,
    };
    let flags = deleted(dentry) | slot::lend(slot, walk) as u16;
    slot.mark(flags & (flag::TRUNCATED | flag::READ_FAILED));
    slot.end(start, section, flags);
}

/// `d_unlinked`: unhashed, and not a root.
#[inline(always)]
fn deleted(dentry: Ptr) -> u16 {
    let unhashed = dentry.follow(Field::DentryHashPprev).is_null();
    if unhashed && dentry.follow(Field::DentryParent) != dentry {
        flag::DELETED
    } else {
        0
    }
}

#[inline(always)]
fn walk(slot: u32) -> u32 {
    for _ in 0..PATH_COMPONENTS {
        let step = walk_step(slot);
        if step != MORE {
            return step;
        }
    }
    flag::TRUNCATED.into()
}

/// Appends the component that `Slot::walk` is at and goes up, or across a mount. [`MORE`], or the flags of a
/// walk that ended. Global, as [`put_path_global`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_step(slot: u32) -> u32 {
    slot::numbered(slot).map_or(0, step)
}

#[inline(always)]
fn step(slot: &mut Slot) -> u32 {
    let Walk {
        dentry,
        vfsmount,
        root_dentry,
        root_mount,
        start,
    } = slot.walk;
    if dentry == root_dentry && vfsmount == root_mount {
        return 0;
    }
    let parent = dentry.follow(Field::DentryParent);
    let at_mount_root = dentry == vfsmount.follow(Field::VfsmountRoot);
    if at_mount_root || dentry == parent {
        let mount = Ptr(vfsmount.0.wrapping_sub(offset(Field::MountMnt) as u64));
        let above = mount.follow(Field::MountParent);
        if !at_mount_root || above == mount || above.is_null() {
            // The top of a mount tree that the task's root is not in; a memfd's name is here.
            slot.push_kernel_str::<COMPONENT>(dentry.follow(Field::DentryName));
            return flag::DETACHED.into();
        }
        slot.walk.dentry = mount.follow(Field::MountMountpoint);
        slot.walk.vfsmount = above.at(Field::MountMnt);
        return MORE;
    }
    if !slot.room(start, COMPONENT as u64) {
        return flag::TRUNCATED.into();
    }
    if slot.push_kernel_str::<COMPONENT>(dentry.follow(Field::DentryName)) == 0 {
        return flag::READ_FAILED.into();
    }
    slot.walk.dentry = parent;
    MORE
}
