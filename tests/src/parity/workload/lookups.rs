//! access, faccessat, faccessat2, stat, lstat, newfstatat, statx, readlink, readlinkat, chdir, fchdir, chroot,
//! statfs, fstatfs, name_to_handle_at, open_by_handle_at, inotify_add_watch, swapon, acct, uselib, mount,
//! umount2, pivot_root, quotactl.

use std::{fs::File, os::fd::AsRawFd as _, path::Path};

use anyhow::Result;
use libc::{
    AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, CLONE_NEWNS, MNT_DETACH,
    MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, R_OK, W_OK, X_OK, c_long,
};

use super::{
    as_nobody, c,
    call::{BAD, NULL, Word, call, numbered},
    closed, in_child, renew, spellings, unseen,
};

/// Not in the C library's headers.
const SYS_FACCESSAT2: c_long = 439;
/// What struct stat, statx and statfs fit in.
const ROOM: usize = 512;

fn faccessat2(at: i32, name: Word<'_>, mode: i32, flags: i32) -> c_long {
    numbered(
        SYS_FACCESSAT2,
        &[at.into(), name, mode.into(), flags.into()],
    )
}

/// A call that fills a buffer.
fn filled(op: impl FnOnce(Word<'_>) -> c_long) -> c_long {
    let mut room = [0_u8; ROOM];
    op(Word::from(&mut room[..]))
}

const OPS: &[fn(Word<'_>) -> c_long] = &[
    |name| call!(SYS_access, name, R_OK | W_OK),
    |name| call!(SYS_access, name, 0x77),
    |name| filled(|room| call!(SYS_stat, name, room)),
    |name| filled(|room| call!(SYS_lstat, name, room)),
    |name| filled(|room| call!(SYS_readlink, name, room, ROOM)),
    |name| call!(SYS_readlink, name, BAD, 0),
    |name| filled(|room| call!(SYS_statfs, name, room)),
    |name| call!(SYS_swapon, name, 0x7000_0000),
];

const AT: &[fn(i32, Word<'_>) -> c_long] = &[
    |at, name| call!(SYS_faccessat, at, name, X_OK),
    |at, name| faccessat2(at, name, R_OK, AT_SYMLINK_NOFOLLOW),
    |at, name| faccessat2(at, name, R_OK, AT_EMPTY_PATH),
    |at, name| faccessat2(at, name, R_OK, 0x8000),
    |at, name| filled(|room| call!(SYS_newfstatat, at, name, room, 0)),
    |at, name| filled(|room| call!(SYS_newfstatat, at, name, room, AT_SYMLINK_NOFOLLOW)),
    |at, name| filled(|room| call!(SYS_newfstatat, at, name, room, AT_EMPTY_PATH)),
    |at, name| filled(|room| call!(SYS_statx, at, name, 0, 0x7ff, room)),
    |at, name| filled(|room| call!(SYS_statx, at, name, AT_EMPTY_PATH, 0x7ff, room)),
    |at, name| call!(SYS_statx, at, name, 0x80_0000, 0x7ff, BAD),
    |at, name| filled(|room| call!(SYS_readlinkat, at, name, room, ROOM)),
    |at, name| handle(at, name, 0).0,
    |at, name| handle(at, name, AT_SYMLINK_FOLLOW).0,
    |at, name| handle(at, name, AT_EMPTY_PATH).0,
];

/// struct file_handle, fcntl.h: room for its bytes, their number in the first word.
type Handle = [u32; 34];

fn handle(at: i32, name: Word<'_>, flags: i32) -> (c_long, Handle) {
    let (mut handle, mut mount) = ([0_u32; 34], [0_i32]);
    handle[0] = 128;
    let (cells, id) = (&mut handle[..], &mut mount[..]);
    let result = call!(SYS_name_to_handle_at, at, name, cells, id, flags);
    (result, handle)
}

pub(super) fn lookups(dir: &Path) -> Result<()> {
    for name in &spellings(dir) {
        with_name(name.into());
    }
    with_name(c"/".into());
    with_name(NULL);
    with_name(BAD);
    from_descriptors(dir)?;
    denied(dir)?;
    handles()?;
    chroots(dir);
    accounting();
    mounts(dir);
    renew(dir)
}

fn with_name(name: Word<'_>) {
    for op in OPS {
        op(name);
    }
    for op in AT {
        op(AT_FDCWD, name);
    }
    in_child(|| {
        call!(SYS_chdir, name);
    });
    in_child(|| {
        call!(SYS_chroot, name);
        call!(SYS_chdir, c"sub");
    });
    watch(name);
}

fn watch(name: Word<'_>) {
    let fd = call!(SYS_inotify_init1, 0);
    for mask in [0x2, 0x0200_0002, 0x0100_0100, 0] {
        call!(SYS_inotify_add_watch, fd, name, mask);
    }
    closed(fd);
}

fn from_descriptors(dir: &Path) -> Result<()> {
    let (sub, file) = (File::open("sub")?, File::open("file")?);
    let link = call!(
        SYS_openat,
        AT_FDCWD,
        c"link",
        libc::O_PATH | libc::O_NOFOLLOW
    );
    let link = i32::try_from(link).unwrap_or(-1);
    let absolute = dir.join("file").display().to_string();
    for name in ["file", "../link", "missing", "", &absolute].map(c) {
        for at in [sub.as_raw_fd(), file.as_raw_fd(), link, 9999] {
            for op in AT {
                op(at, Word::from(&name));
            }
        }
    }
    for fd in [sub.as_raw_fd(), file.as_raw_fd(), link, 9999, -1] {
        in_child(|| {
            call!(SYS_fchdir, fd);
            call!(SYS_access, c"file", R_OK);
        });
        filled(|room| call!(SYS_fstatfs, fd, room));
        filled(|room| call!(SYS_fstat, fd, room));
        call!(SYS_inotify_add_watch, fd, c"file", 2);
        as_nobody(|| call!(SYS_fchdir, fd));
    }
    closed(link.into());
    Ok(())
}

fn denied(dir: &Path) -> Result<()> {
    unseen(|| {
        std::fs::create_dir("locked")?;
        std::fs::write("locked/file", "content")?;
        let locked = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions("locked", locked)?;
        Ok(())
    })?;
    for name in ["file", "secret", "locked", "locked/file"].map(c) {
        for op in OPS {
            as_nobody(|| op(Word::from(&name)));
        }
        for op in AT {
            as_nobody(|| op(AT_FDCWD, Word::from(&name)));
        }
        as_nobody(|| call!(SYS_chdir, &name));
        as_nobody(|| call!(SYS_chroot, &name));
        as_nobody(|| {
            watch(Word::from(&name));
            0
        });
    }
    renew(dir)
}

/// What a handle says, opened again: the name is nobody's.
fn handles() -> Result<()> {
    let here = File::open(".")?;
    for name in [c"file", c"sub", c"sub/file"] {
        let (_, handle) = handle(AT_FDCWD, name.into(), 0);
        for (mount, flags) in [
            (here.as_raw_fd(), libc::O_RDONLY),
            (here.as_raw_fd(), libc::O_WRONLY),
            (AT_FDCWD, libc::O_PATH),
            (9999, libc::O_RDONLY),
        ] {
            closed(call!(SYS_open_by_handle_at, mount, &handle[..], flags));
            as_nobody(|| call!(SYS_open_by_handle_at, mount, &handle[..], flags));
        }
    }
    let mut stale: Handle = [7; 34];
    stale[0] = 12;
    call!(SYS_open_by_handle_at, here.as_raw_fd(), &stale[..], 0);
    call!(SYS_open_by_handle_at, here.as_raw_fd(), BAD, 0);
    let mut small = [0_u32; 34];
    let mut mount = [0_i32];
    let (cells, id) = (&mut small[..], &mut mount[..]);
    call!(SYS_name_to_handle_at, AT_FDCWD, c"file", cells, id, 0);
    Ok(())
}

fn chroots(dir: &Path) {
    let root = c(dir);
    in_child(|| {
        call!(SYS_chroot, &root);
        for place in [c"/", c"/sub"] {
            call!(SYS_chdir, place);
            for name in [
                c"/file",
                c"file",
                c"../link",
                c"../../dirlink/file",
                c"/dirlink",
            ] {
                for op in OPS {
                    op(name.into());
                }
                for op in AT {
                    op(AT_FDCWD, name.into());
                }
            }
        }
        call!(SYS_chroot, c"deeper");
    });
}

/// Refused, or of no effect: nothing is accounted here, nothing swapped.
fn accounting() {
    call!(SYS_acct, NULL);
    for name in [c"missing", c"sub", c"/dev/null", c"missing/file"] {
        call!(SYS_acct, name);
        call!(SYS_uselib, name);
        call!(SYS_swapon, name, 0);
        as_nobody(|| call!(SYS_acct, name));
        as_nobody(|| call!(SYS_swapon, name, 0));
    }
    as_nobody(|| call!(SYS_acct, NULL));
    // linux/quota.h: sync; the format in use; of users.
    let (sync, format) = (0x80_0001 << 8, 0x80_0004 << 8);
    call!(SYS_quotactl, sync, NULL, 0, NULL);
    for name in [c"missing", c"/dev/null", c"file", c"sub"] {
        filled(|room| call!(SYS_quotactl, format, name, 0, room));
    }
    call!(SYS_quotactl, format, NULL, 0, NULL);
    call!(SYS_quotactl, 0x77 << 8, c"/dev/null", 0, NULL);
}

/// In a mount namespace of its own, which ends with the child.
fn mounts(dir: &Path) {
    let (absolute, root) = (c(dir.join("sub")), c(dir));
    let own_namespace = || {
        call!(SYS_unshare, CLONE_NEWNS);
        call!(SYS_mount, NULL, c"/", NULL, MS_REC | MS_PRIVATE, NULL);
    };
    in_child(|| {
        own_namespace();
        call!(SYS_mount, c"none", c"sub", c"tmpfs", 0, NULL);
        call!(
            SYS_mount,
            c"some where",
            &absolute,
            c"tmpfs",
            0,
            c"size=64k"
        );
        call!(SYS_mount, NULL, c"sub", NULL, MS_REMOUNT | MS_RDONLY, NULL);
        call!(SYS_mkdir, c"sub/made", 0o700);
        call!(SYS_umount2, c"sub", 0);
        call!(SYS_umount2, &absolute, MNT_DETACH);
        call!(SYS_umount2, c"sub", 0);
        call!(SYS_mount, c"file", c"sub/file", NULL, MS_BIND, NULL);
        call!(
            SYS_mount,
            c"sub",
            c"dirlink/deeper",
            NULL,
            MS_BIND | MS_REC,
            NULL
        );
        call!(SYS_mount, c"file", c"sub", NULL, MS_BIND, NULL);
        call!(SYS_mount, c"missing", c"sub", NULL, MS_BIND, NULL);
        call!(SYS_umount2, c"sub/file", 8);
        call!(SYS_umount2, c"dirlink/deeper", 0);
        for (source, target, kind) in [
            (c"none", c"missing", c"tmpfs"),
            (c"none", c"sub", c"no_such_kind"),
            (c"none", c"file", c"tmpfs"),
            (c"/dev/null", c"sub", c"ext4"),
            (c"/dev/missing", c"sub", c"ext4"),
            (c"proc", c"sub", c"proc"),
            (c"", c"", c""),
        ] {
            call!(SYS_mount, source, target, kind, 0, NULL);
        }
        call!(SYS_mount, BAD, c"sub", BAD, 0, BAD);
        call!(SYS_mount, NULL, NULL, NULL, 0, NULL);
        for (name, flags) in [(c"missing", 0), (c"file", 0), (c"sub", 0x100), (c"", 0)] {
            call!(SYS_umount2, name, flags);
        }
        call!(SYS_umount2, NULL, 0);
        for (new, old) in [
            (c".", c"."),
            (c"sub", c"sub/deeper"),
            (c"missing", c"sub"),
            (c"sub", c"file"),
        ] {
            call!(SYS_pivot_root, new, old);
        }
    });
    in_child(|| {
        own_namespace();
        call!(SYS_chroot, &root);
        call!(SYS_chdir, c"/sub");
        call!(SYS_mount, c"none", c"/sub", c"tmpfs", 0, NULL);
        call!(SYS_umount2, c"/sub", MNT_DETACH);
    });
    as_nobody(|| call!(SYS_mount, c"none", c"sub", c"tmpfs", 0, NULL));
    as_nobody(|| call!(SYS_mount, c"sub", c"sub", NULL, MS_BIND, NULL));
    as_nobody(|| call!(SYS_umount2, c"/proc", 0));
    as_nobody(|| call!(SYS_pivot_root, c"sub", c"sub"));
}
