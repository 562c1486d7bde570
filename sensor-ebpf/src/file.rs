//! Facts of files: inode, directory, path; and files behind descriptors.

use sensor_ebpf::{
    fields::Field,
    wire::{ItemFacts, item, tag},
};

use crate::{
    kernel::{Ptr, current, has},
    path::put_path,
    slot::Slot,
};

/// The inode block of `facts`.
#[inline(always)]
pub(crate) fn fill_inode(facts: &mut ItemFacts, inode: Ptr) {
    facts.ino = inode.read(Field::InodeIno);
    facts.dev = inode.follow(Field::InodeSb).read(Field::SbDev);
    facts.rdev = inode.read(Field::InodeRdev);
    facts.mode = inode.read::<u16>(Field::InodeMode).into();
    facts.uid = inode.read(Field::InodeUid);
    facts.gid = inode.read(Field::InodeGid);
    facts.nlink = inode.read(Field::InodeNlink);
    facts.flags |= item::FILE;
}

/// The directory's block.
#[inline(always)]
pub(crate) fn fill_parent(facts: &mut ItemFacts, dentry: Ptr) {
    let parent = dentry
        .follow(Field::DentryParent)
        .follow(Field::DentryInode);
    if parent.is_null() {
        return;
    }
    facts.parent_ino = parent.read(Field::InodeIno);
    facts.parent_dev = parent.follow(Field::InodeSb).read(Field::SbDev);
    facts.parent_rdev = parent.read(Field::InodeRdev);
    facts.parent_mode = parent.read::<u16>(Field::InodeMode).into();
    facts.parent_uid = parent.read(Field::InodeUid);
    facts.parent_gid = parent.read(Field::InodeGid);
    facts.flags |= item::PARENT;
}

/// Facts of what a `struct path` leads to.
#[inline(always)]
pub(crate) fn path_facts(path: Ptr) -> ItemFacts {
    dentry_facts(path.follow(Field::PathDentry))
}

/// Facts of what a dentry stands for.
#[inline(always)]
pub(crate) fn dentry_facts(dentry: Ptr) -> ItemFacts {
    let mut facts = ItemFacts::default();
    let inode = dentry.follow(Field::DentryInode);
    if !inode.is_null() {
        fill_inode(&mut facts, inode);
        fill_parent(&mut facts, dentry);
    }
    facts
}

/// Facts of an open file.
#[inline(always)]
pub(crate) fn file_facts(file: Ptr) -> ItemFacts {
    let mut facts = path_facts(file.at(Field::FilePath));
    facts.f_mode = file.read(Field::FileMode);
    if is_cold(file.at(Field::FilePath).follow(Field::PathDentry)) {
        facts.flags |= item::COLD;
    }
    facts
}

/// Whether the only reference that a dentry ever had is this file's: one that was let go before is on
/// the list of unused dentries until the kernel needs memory (retain_dentry, fs/dcache.c), one that a
/// file system pins has more references.
#[inline(always)]
fn is_cold(dentry: Ptr) -> bool {
    if !has(Field::DentryLruNext) || !has(Field::DentryCount) {
        return false;
    }
    let on_no_list = dentry.follow(Field::DentryLruNext) == dentry.at(Field::DentryLruNext);
    on_no_list && dentry.read::<i32>(Field::DentryCount) == 1
}

/// The `struct file` behind a descriptor of the caller; null if there is none.
#[inline(always)]
pub(crate) fn behind(fd: u32) -> Ptr {
    let table = current().follow(Field::TaskFiles).follow(Field::FilesFdt);
    if fd >= table.read::<u32>(Field::FdtableMaxFds) {
        return Ptr(0);
    }
    Ptr(table
        .follow(Field::FdtableFd)
        .add(fd as usize * size_of::<u64>())
        .load())
}

/// ITEM and PATH sections for the file behind a descriptor.
#[inline(always)]
pub(crate) fn put_descriptor(slot: &mut Slot, fd: u32) {
    let file = behind(fd);
    if file.is_null() {
        return;
    }
    let mut facts = file_facts(file);
    facts.flags |= item::DESCRIPTOR;
    slot.put(tag::ITEM, 0, &facts);
    put_path(slot, tag::PATH, file.at(Field::FilePath));
}
