//! Paths from dentries and mounts, as `d_path` (fs/d_path.c: prepend_path) walks them: up from
//! the leaf, crossing mounts, until the task's root.

use sensor_ebpf::{
    config::PATH_COMPONENTS,
    fields::Field,
    wire::{flag, tag},
};

use crate::{
    kernel::{Ptr, current, offset},
    slot::Slot,
};

/// Longest component with its NUL: NAME_MAX + 1.
const COMPONENT: usize = 256;

/// Appends the section `section` with the components of a `struct path`, leaf first.
#[inline(always)]
pub(crate) fn put_path(slot: &mut Slot, section: u16, path: Ptr) {
    put_dentry(
        slot,
        section,
        path.follow(Field::PathDentry),
        path.follow(Field::PathMnt),
    );
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
    let flags = deleted(dentry) | walk(slot, start, dentry, vfsmount);
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
fn walk(slot: &mut Slot, start: u64, mut dentry: Ptr, mut vfsmount: Ptr) -> u16 {
    let root = current().follow(Field::TaskFs).at(Field::FsRoot);
    let root_dentry = root.follow(Field::PathDentry);
    let root_mount = root.follow(Field::PathMnt);
    for _ in 0..PATH_COMPONENTS {
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
                return flag::DETACHED;
            }
            dentry = mount.follow(Field::MountMountpoint);
            vfsmount = above.at(Field::MountMnt);
            continue;
        }
        if !slot.room(start, COMPONENT as u64) {
            return flag::TRUNCATED;
        }
        if slot.push_kernel_str::<COMPONENT>(dentry.follow(Field::DentryName)) == 0 {
            return flag::READ_FAILED;
        }
        dentry = parent;
    }
    flag::TRUNCATED
}
