//! rename, renameat, renameat2, link, linkat, symlink, symlinkat, unlink, unlinkat, rmdir, mkdir, mkdirat,
//! mknod, mknodat.

use std::{
    ffi::CString,
    fs::{self, File},
    os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _},
    path::Path,
};

use anyhow::Result;
use libc::{
    AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE, RENAME_NOREPLACE,
    RENAME_WHITEOUT, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, c_long,
};

use super::{
    act, as_nobody, c,
    call::{BAD, NULL, Word, call},
    compat, in_child,
    pace::paced,
    renew, spellings, unseen,
};

/// Character device 1:3, /dev/null.
const NULL_DEVICE: i32 = 0x103;

/// With one name; the other, where there are two, is a good one.
const OPS: &[fn(Word<'_>) -> c_long] = &[
    |name| call!(SYS_mkdir, name, 0o750),
    |name| call!(SYS_mkdirat, AT_FDCWD, name, 0o1777),
    |name| call!(SYS_mknod, name, S_IFIFO | 0o640, 0),
    |name| call!(SYS_mknodat, AT_FDCWD, name, S_IFREG | 0o604, 0),
    |name| call!(SYS_symlink, c"file", name),
    |name| call!(SYS_symlinkat, name, AT_FDCWD, c"made"),
    |name| call!(SYS_link, c"file", name),
    |name| call!(SYS_linkat, AT_FDCWD, name, AT_FDCWD, c"made", 0),
    |name| call!(SYS_rename, name, c"moved"),
    |name| call!(SYS_renameat, AT_FDCWD, c"sub/file", AT_FDCWD, name),
    |name| call!(SYS_rename, c"sub/deeper", name),
    |name| call!(SYS_unlink, name),
    |name| call!(SYS_unlinkat, AT_FDCWD, name, 0),
    |name| call!(SYS_rmdir, name),
];

/// From a descriptor.
const AT: &[fn(i32, Word<'_>) -> c_long] = &[
    |at, name| call!(SYS_mkdirat, at, name, 0o755),
    |at, name| call!(SYS_mknodat, at, name, S_IFSOCK | 0o600, 0),
    |at, name| call!(SYS_symlinkat, c"some text", at, name),
    |at, name| call!(SYS_linkat, at, name, AT_FDCWD, c"made", 0),
    |at, name| call!(SYS_linkat, AT_FDCWD, c"file", at, name, 0),
    |at, name| call!(SYS_renameat, at, name, AT_FDCWD, c"moved"),
    |at, name| call!(SYS_renameat2, AT_FDCWD, c"file", at, name, RENAME_NOREPLACE),
    |at, name| call!(SYS_renameat2, at, c"file", at, name, RENAME_EXCHANGE),
    |at, name| call!(SYS_unlinkat, at, name, 0),
    |at, name| call!(SYS_unlinkat, at, name, AT_REMOVEDIR),
    |at, name| call!(SYS_unlinkat, at, name, 0x1000),
];

/// Old and new: what is there or not, of every kind, onto every kind.
const PAIRS: &[(&str, &str)] = &[
    ("file", "moved"),
    ("file", "sub/moved"),
    ("sub/file", "file"),
    ("file", "sub/file"),
    ("file", "sub"),
    ("file", "file"),
    ("sub", "moved"),
    ("sub", "file"),
    ("sub", "sub/deeper/in"),
    ("sub", "sub/deeper"),
    ("sub/deeper", "sub"),
    ("sub/deeper", "empty"),
    ("sub", "moved/"),
    ("sub/", "moved/"),
    ("sub//", "moved//"),
    ("file", "moved/"),
    ("file/", "moved"),
    ("link", "moved"),
    ("link", "file"),
    ("file", "link"),
    ("file", "dangling"),
    ("dangling", "moved"),
    ("dirlink", "moved"),
    ("dirlink/file", "dirlink/moved"),
    ("file", "hard"),
    ("missing", "moved"),
    ("missing", "file"),
    ("missing/file", "moved"),
    ("file", "missing/moved"),
    ("missing/file", "missing/moved"),
    ("file/below", "moved"),
    ("file", "file/below"),
    (".", "moved"),
    ("file", "sub/.."),
    ("file", "/dev/shm/moved"),
    ("/proc/self/status", "moved"),
];

const TWO: &[fn(Word<'_>, Word<'_>) -> c_long] = &[
    |old, new| call!(SYS_rename, old, new),
    |old, new| {
        call!(
            SYS_renameat2,
            AT_FDCWD,
            old,
            AT_FDCWD,
            new,
            RENAME_NOREPLACE
        )
    },
    |old, new| call!(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, RENAME_EXCHANGE),
    |old, new| call!(SYS_link, old, new),
    |old, new| call!(SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, AT_SYMLINK_FOLLOW),
    |old, new| call!(SYS_symlink, old, new),
];

/// The link that both families of names need, and a directory that is nobody else's.
fn ground(dir: &Path) -> Result<()> {
    renew(dir)?;
    unseen(|| {
        fs::hard_link("file", "hard")?;
        fs::create_dir("empty")?;
        fs::create_dir("locked")?;
        fs::write("locked/file", "content")?;
        fs::set_permissions("locked", fs::Permissions::from_mode(0o700))?;
        Ok(())
    })
}

fn changed(dir: &Path, result: c_long) -> Result<()> {
    if result >= 0 { ground(dir) } else { Ok(()) }
}

pub(super) fn names(dir: &Path) -> Result<()> {
    for name in &spellings(dir) {
        for op in OPS {
            act(dir, op(name.into()))?;
        }
    }
    for name in [NULL, BAD] {
        for op in OPS {
            act(dir, op(name))?;
        }
    }
    ground(dir)?;
    for (old, new) in PAIRS {
        let (old, new) = (c(old), c(new));
        for op in TWO {
            changed(dir, op(Word::from(&old), Word::from(&new)))?;
        }
    }
    same_pointer(dir)?;
    flags(dir)?;
    from_descriptors(dir)?;
    linked_by_descriptor(dir)?;
    nodes(dir)?;
    denied(dir)?;
    elsewhere(dir);
    compat::calls(dir, compat::NAMES)?;
    renew(dir)
}

/// The kernel then copies the name once only.
fn same_pointer(dir: &Path) -> Result<()> {
    for name in ["file", "sub", "missing", "missing/file"].map(c) {
        for op in TWO {
            changed(dir, op(Word::from(&name), Word::from(&name)))?;
        }
    }
    Ok(())
}

fn flags(dir: &Path) -> Result<()> {
    let all = [
        0,
        RENAME_WHITEOUT,
        RENAME_NOREPLACE | RENAME_EXCHANGE,
        RENAME_WHITEOUT | RENAME_EXCHANGE,
        0x80,
    ];
    for flags in all {
        let result = call!(SYS_renameat2, AT_FDCWD, c"file", AT_FDCWD, c"moved", flags);
        changed(dir, result)?;
    }
    for flags in [AT_EMPTY_PATH, 0x100, 0x8000] {
        let result = call!(SYS_linkat, AT_FDCWD, c"link", AT_FDCWD, c"made", flags);
        changed(dir, result)?;
    }
    Ok(())
}

fn from_descriptors(dir: &Path) -> Result<()> {
    let absolute = dir.join("file").display().to_string();
    let names = [
        "file",
        "moved",
        "missing/file",
        "../file",
        "deeper",
        "deeper/",
        "",
        ".",
        &absolute,
    ];
    for name in names.map(c) {
        for op in AT {
            let sub = File::open("sub")?;
            changed(dir, op(sub.as_raw_fd(), Word::from(&name)))?;
        }
    }
    let file = File::open("file")?;
    for at in [file.as_raw_fd(), 9999, -1] {
        for name in ["file", &absolute].map(c) {
            for op in AT {
                changed(dir, op(at, Word::from(&name)))?;
            }
        }
    }
    for name in [NULL, BAD] {
        for op in AT {
            changed(dir, op(AT_FDCWD, name))?;
        }
    }
    Ok(())
}

/// linkat of a descriptor's file: by its number, and by its name in /proc.
fn linked_by_descriptor(dir: &Path) -> Result<()> {
    let file = File::open("file")?;
    let place = c(dir);
    let unnamed = call!(
        SYS_openat,
        AT_FDCWD,
        &place,
        libc::O_TMPFILE | libc::O_RDWR,
        0o600
    );
    for fd in [file.as_raw_fd().into(), unnamed, 9999] {
        let result = call!(SYS_linkat, fd, c"", AT_FDCWD, c"made", AT_EMPTY_PATH);
        remove_made(result)?;
        let link = c(format!("/proc/self/fd/{fd}"));
        let result = call!(
            SYS_linkat,
            AT_FDCWD,
            &link,
            AT_FDCWD,
            c"made",
            AT_SYMLINK_FOLLOW
        );
        remove_made(result)?;
    }
    super::closed(unnamed);
    Ok(())
}

fn remove_made(result: c_long) -> Result<()> {
    if result >= 0 {
        fs::remove_file("made")?;
    }
    Ok(())
}

fn nodes(dir: &Path) -> Result<()> {
    let kinds = [
        (0, 0),
        (S_IFREG, 0),
        (S_IFIFO, 0),
        (S_IFSOCK, 0),
        (S_IFCHR, NULL_DEVICE),
        (S_IFBLK, 0x700),
        (S_IFDIR, 0),
        (S_IFMT, 0),
    ];
    for (kind, device) in kinds {
        for mode in [0o640, 0o4777] {
            act(dir, call!(SYS_mknod, c"made", kind | mode, device))?;
            act(
                dir,
                call!(SYS_mknodat, AT_FDCWD, c"sub/made", kind | mode, device),
            )?;
        }
        as_nobody(|| call!(SYS_mknod, c"/tmp/made", kind | 0o600, device));
        let _made = fs::remove_file("/tmp/made").is_ok();
    }
    Ok(())
}

/// Where nobody may write, may not even look, and where the sticky bit guards others' files.
fn denied(dir: &Path) -> Result<()> {
    ground(dir)?;
    paced(|| fs::create_dir("sticky"))?;
    fs::set_permissions("sticky", fs::Permissions::from_mode(0o1777))?;
    fs::write("sticky/file", "content")?;
    for name in ["file", "new", "locked/file", "locked/new", "sticky/file"].map(c) {
        for op in OPS {
            as_nobody(|| op(Word::from(&name)));
        }
    }
    as_nobody(|| call!(SYS_mkdir, c"sticky/theirs", 0o700));
    as_nobody(|| call!(SYS_rename, c"sticky/theirs", c"sticky/moved"));
    as_nobody(|| call!(SYS_rmdir, c"sticky/moved"));
    Ok(())
}

/// In a chroot; in a directory that is gone; with a mask.
fn elsewhere(dir: &Path) {
    let root = c(dir);
    let names: Vec<CString> = ["/file", "file", "/moved", "../../moved", "/dirlink/file"]
        .map(c)
        .into();
    for name in &names {
        for op in OPS {
            in_child(|| {
                call!(SYS_chroot, &root);
                call!(SYS_chdir, c"/sub");
                op(name.into());
            });
            let _renewed = ground(dir).is_ok();
        }
    }
    in_child(|| {
        call!(SYS_mkdir, c"gone", 0o700);
        call!(SYS_chdir, c"gone");
        call!(SYS_rmdir, c"../gone");
        for op in OPS {
            op(c"file".into());
        }
    });
    in_child(|| {
        call!(SYS_umask, 0o777);
        call!(SYS_mkdir, c"masked", 0o755);
        call!(SYS_mknod, c"masked-node", S_IFREG | 0o666, 0);
    });
}
