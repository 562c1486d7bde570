//! chmod, fchmod, fchmodat, fchmodat2, chown, lchown, fchown, fchownat, truncate, ftruncate, fallocate, and
//! the calls on extended attributes; files with capabilities.

use std::{
    ffi::CStr,
    fs::{self, File},
    os::fd::{AsRawFd as _, OwnedFd},
    os::unix::process::CommandExt as _,
    path::Path,
    process::Command,
};

use anyhow::Result;
use libc::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, XATTR_CREATE, XATTR_REPLACE, c_long};

use super::{
    NOBODY, as_nobody, c,
    call::{BAD, NULL, Word, call, numbered},
    compat, in_child,
    pace::paced,
    renew, spellings, start,
};
use crate::tiny;

/// Not in the C library's headers yet.
const SYS_FCHMODAT2: c_long = 452;

const TRUSTED: &CStr = c"trusted.parity";
const USER: &CStr = c"user.parity";
const VALUE: &[u8] = b"value";

fn fchmodat2(at: i32, name: Word<'_>, mode: u32, flags: i32) -> c_long {
    let words = [at.into(), name, mode.into(), flags.into()];
    numbered(SYS_FCHMODAT2, &words)
}

const BY_NAME: &[fn(Word<'_>) -> c_long] = &[
    |name| call!(SYS_chmod, name, 0o4755),
    |name| call!(SYS_chown, name, 5, 6),
    |name| call!(SYS_lchown, name, -1, 7),
    |name| call!(SYS_truncate, name, 3),
    |name| call!(SYS_setxattr, name, TRUSTED, VALUE, VALUE.len(), 0),
    |name| call!(SYS_lsetxattr, name, USER, VALUE, VALUE.len(), XATTR_CREATE),
    |name| call!(SYS_getxattr, name, TRUSTED, NULL, 0),
    |name| call!(SYS_lgetxattr, name, USER, NULL, 0),
    |name| call!(SYS_listxattr, name, NULL, 0),
    |name| call!(SYS_llistxattr, name, NULL, 0),
    |name| call!(SYS_removexattr, name, TRUSTED),
    |name| call!(SYS_lremovexattr, name, USER),
];

const AT: &[fn(i32, Word<'_>) -> c_long] = &[
    |at, name| call!(SYS_fchmodat, at, name, 0o600),
    |at, name| fchmodat2(at, name, 0o640, 0),
    |at, name| fchmodat2(at, name, 0o640, AT_SYMLINK_NOFOLLOW),
    |at, name| fchmodat2(at, name, 0o644, AT_EMPTY_PATH),
    |at, name| fchmodat2(at, name, 0o644, 0x8000),
    |at, name| call!(SYS_fchownat, at, name, 8, 9, 0),
    |at, name| call!(SYS_fchownat, at, name, 8, -1, AT_SYMLINK_NOFOLLOW),
    |at, name| call!(SYS_fchownat, at, name, 8, 9, AT_EMPTY_PATH),
    |at, name| call!(SYS_fchownat, at, name, 8, 9, 0x8000),
];

const BY_DESCRIPTOR: &[fn(i32) -> c_long] = &[
    |fd| call!(SYS_fchmod, fd, 0o604),
    |fd| call!(SYS_fchown, fd, 10, 11),
    |fd| call!(SYS_ftruncate, fd, 5),
    |fd| call!(SYS_fallocate, fd, 0, 0, 4096),
    |fd| call!(SYS_fallocate, fd, 3, 0, 4096), // keep size, punch a hole
    |fd| call!(SYS_fsetxattr, fd, TRUSTED, VALUE, VALUE.len(), 0),
    |fd| call!(SYS_fgetxattr, fd, TRUSTED, NULL, 0),
    |fd| call!(SYS_flistxattr, fd, NULL, 0),
    |fd| call!(SYS_fremovexattr, fd, TRUSTED),
];

pub(super) fn attributes(dir: &Path) -> Result<()> {
    for name in &spellings(dir) {
        for op in BY_NAME {
            op(name.into());
        }
        for op in AT {
            op(AT_FDCWD, name.into());
        }
        // Others must be able to come in again.
        renew(dir)?;
        fs::set_permissions("..", std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    for name in [NULL, BAD] {
        for op in BY_NAME {
            op(name);
        }
        for op in AT {
            op(AT_FDCWD, name);
        }
    }
    from_descriptors(dir)?;
    by_descriptor(dir)?;
    extended(dir)?;
    sizes(dir)?;
    denied(dir)?;
    capable(dir)?;
    compat::calls(dir, compat::ATTRIBUTES)?;
    renew(dir)
}

fn from_descriptors(dir: &Path) -> Result<()> {
    let (sub, file) = (File::open("sub")?, File::open("file")?);
    let absolute = dir.join("file").display().to_string();
    for name in ["file", "../link", "missing", "", &absolute].map(c) {
        for at in [sub.as_raw_fd(), file.as_raw_fd(), 9999] {
            for op in AT {
                op(at, Word::from(&name));
            }
        }
    }
    renew(dir)
}

fn by_descriptor(dir: &Path) -> Result<()> {
    let path = |name: &str| {
        let name = c(name);
        call!(SYS_openat, AT_FDCWD, &name, libc::O_PATH)
    };
    let (read, write) = std::io::pipe()?;
    let write: OwnedFd = write.into();
    let memory = call!(SYS_memfd_create, c"memory", 0);
    let socket = call!(SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0);
    let by_path = path("file");
    let descriptors = [
        File::options().read(true).write(true).open("file")?.into(),
        File::open("file")?.into(),
        File::open("sub")?.into(),
        File::open("/dev/null")?.into(),
        OwnedFd::from(read),
        write,
    ];
    let mut all: Vec<i32> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
    all.extend(
        [memory, socket, by_path]
            .iter()
            .filter_map(|&fd| i32::try_from(fd).ok()),
    );
    all.extend([9999, -1]);
    for fd in all {
        // The device is everybody's.
        let device = fd == descriptors[3].as_raw_fd();
        for op in BY_DESCRIPTOR.iter().skip(if device { 2 } else { 0 }) {
            op(fd);
        }
    }
    for fd in [memory, socket, by_path] {
        super::closed(fd);
    }
    renew(dir)?;
    // Its last name is gone.
    let gone = File::options().write(true).open("file")?;
    fs::remove_file("file")?;
    for op in BY_DESCRIPTOR {
        op(gone.as_raw_fd());
    }
    renew(dir)
}

/// Which names and values there may be.
fn extended(dir: &Path) -> Result<()> {
    let big = vec![b'v'; 70_000];
    let sets: [(&CStr, &[u8], i32); 9] = [
        (TRUSTED, b"", 0),
        (TRUSTED, VALUE, XATTR_CREATE),
        (TRUSTED, VALUE, XATTR_REPLACE),
        (c"trusted.other", VALUE, XATTR_REPLACE),
        (TRUSTED, VALUE, 0x80),
        (c"nosuch.parity", VALUE, 0),
        (c"", VALUE, 0),
        (c"trusted.big", &big, 0),
        (c"security.parity", VALUE, 0),
    ];
    for (name, value, flags) in sets {
        call!(SYS_setxattr, c"file", name, value, value.len(), flags);
    }
    let long = c(format!("trusted.{}", "n".repeat(260)));
    call!(SYS_setxattr, c"file", &long, VALUE, VALUE.len(), 0);
    call!(SYS_setxattr, c"file", NULL, VALUE, VALUE.len(), 0);
    call!(SYS_setxattr, c"file", TRUSTED, BAD, 5, 0);
    call!(SYS_removexattr, c"file", NULL);
    let mut small = [0_u8; 2];
    call!(SYS_getxattr, c"file", TRUSTED, &mut small[..], 2);
    call!(SYS_listxattr, c"file", &mut small[..], 2);
    as_nobody(|| call!(SYS_setxattr, c"file", TRUSTED, VALUE, VALUE.len(), 0));
    as_nobody(|| call!(SYS_getxattr, c"file", TRUSTED, NULL, 0));
    as_nobody(|| call!(SYS_removexattr, c"file", TRUSTED));
    renew(dir)
}

fn sizes(dir: &Path) -> Result<()> {
    for size in [0_i64, 100_000, -1, i64::MAX] {
        call!(SYS_truncate, c"file", size);
    }
    let file = File::options().write(true).open("file")?;
    for (offset, length) in [(0_i64, 0_i64), (-1, 5), (0, -5), (i64::MAX, 5)] {
        call!(SYS_fallocate, file.as_raw_fd(), 0, offset, length);
    }
    call!(SYS_fallocate, file.as_raw_fd(), 0x4000, 0, 5);
    call!(SYS_ftruncate, file.as_raw_fd(), -1);
    // A program that runs.
    call!(SYS_truncate, c"/proc/self/exe", 0);
    renew(dir)
}

fn denied(dir: &Path) -> Result<()> {
    paced(|| fs::create_dir("locked"))?;
    fs::write("locked/file", "content")?;
    fs::set_permissions(
        "locked",
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )?;
    for name in ["file", "secret", "link", "locked/file"].map(c) {
        for op in BY_NAME {
            as_nobody(|| op(Word::from(&name)));
        }
        for op in AT {
            as_nobody(|| op(AT_FDCWD, Word::from(&name)));
        }
    }
    let file = File::open("file")?;
    for op in BY_DESCRIPTOR {
        as_nobody(|| op(file.as_raw_fd()));
    }
    let root = c(dir);
    in_child(|| {
        call!(SYS_chroot, &root);
        call!(SYS_chdir, c"/sub");
        for name in [c"/file", c"file", c"../link", c"../../dirlink/file"] {
            for op in BY_NAME {
                op(name.into());
            }
        }
    });
    renew(dir)
}

/// vfs_cap_data, as linux/capability.h has it: CAP_NET_RAW permitted, and effective from the start;
/// CAP_CHOWN inheritable; of revision 3, another user namespace's root.
fn capabilities(version: u32, root: Option<u32>) -> Vec<u8> {
    let words = [version | 1, 1 << 13, 1, 0, 0];
    words
        .iter()
        .copied()
        .chain(root)
        .flat_map(u32::to_le_bytes)
        .collect()
}

fn capable(dir: &Path) -> Result<()> {
    const NAME: &CStr = c"security.capability";
    tiny::program(dir)?;
    let values = [
        capabilities(0x0200_0000, None),
        capabilities(0x0300_0000, Some(0)),
        capabilities(0x0300_0000, Some(100_000)),
        capabilities(0x0100_0000, None),
    ];
    for value in &values {
        fs::copy("tiny", "capable")?;
        call!(SYS_setxattr, c"capable", NAME, &value[..], value.len(), 0);
        call!(SYS_getxattr, c"capable", NAME, NULL, 0);
        start(Command::new("./capable").uid(NOBODY).gid(NOBODY));
        start(&mut Command::new("./capable"));
        call!(SYS_chmod, c"capable", 0o755);
        let file = File::open("capable")?;
        call!(SYS_fchmod, file.as_raw_fd(), 0o755);
        // Both take the capabilities away.
        call!(SYS_chown, c"capable", 0, 0);
        call!(SYS_truncate, c"capable", 100);
        call!(SYS_removexattr, c"capable", NAME);
        fs::remove_file("capable")?;
    }
    Ok(())
}
