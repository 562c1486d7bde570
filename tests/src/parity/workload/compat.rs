//! The same by a 32-bit process: i386 numbers, as arch/x86/entry/syscalls/syscall_32.tbl has them.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;

use super::{pace::paced, unseen};
use crate::tiny::{self, MISSING, PATH, WAIT};

const AT_FDCWD: u32 = libc::AT_FDCWD.cast_unsigned();

/// A number and three arguments.
type Calls = [[u32; 4]];

pub(super) const NAMES: &Calls = &[
    [10, PATH, 0, 0],     // unlink
    [39, PATH, 0o750, 0], // mkdir
    [39, PATH, 0o750, 0],
    [38, PATH, MISSING, 0], // rename
    [38, MISSING, PATH, 0],
    [40, PATH, 0, 0],       // rmdir
    [14, PATH, 0o10640, 0], // mknod: a fifo
    [9, PATH, MISSING, 0],  // link
    [10, MISSING, 0, 0],    // unlink
    [83, PATH, MISSING, 0], // symlink
    [10, MISSING, 0, 0],
    [301, AT_FDCWD, PATH, 0], // unlinkat
    [301, AT_FDCWD, PATH, 0],
    [296, AT_FDCWD, PATH, 0o700], // mkdirat
    [301, AT_FDCWD, PATH, 0x200],
];

pub(super) const ATTRIBUTES: &Calls = &[
    [15, PATH, 0o600, 0], // chmod
    [15, MISSING, 0o600, 0],
    [306, AT_FDCWD, PATH, 0o640],  // fchmodat
    [182, PATH, 5, 6],             // chown
    [212, PATH, 7, 8],             // chown32
    [198, PATH, 0, 0],             // lchown32
    [92, PATH, 2, 0],              // truncate
    [193, PATH, 3, 0],             // truncate64
    [94, 99, 0o600, 0],            // fchmod
    [227, MISSING, MISSING, PATH], // lsetxattr
];

pub(super) const LOOKUPS: &Calls = &[
    [33, PATH, 4, 0], // access
    [33, MISSING, 4, 0],
    [307, AT_FDCWD, PATH, 4], // faccessat
    [195, MISSING, 0, 0],     // stat64
    [85, PATH, 1, 1],         // readlink
    [12, PATH, 0, 0],         // chdir
    [61, MISSING, 0, 0],      // chroot
    [87, PATH, 0, 0],         // swapon
    [51, MISSING, 0, 0],      // acct
];

/// socketcall reads its arguments where the path's bytes are.
pub(super) const NETWORK: &Calls = &[
    [102, 1, PATH, 0], // socketcall: socket
    [102, 3, PATH, 0], // connect
    [102, 2, 1, 0],    // bind, of no address
    [102, 77, PATH, 0],
    [359, 1, 1, 0], // socket
    [359, 77, 1, 0],
    [362, 99, PATH, 16], // connect
    [361, 99, PATH, 16], // bind
];

pub(super) const MEMORY: &Calls = &[
    [356, PATH, 1, 0], // memfd_create
    [42, 1, 0, 0],     // pipe
    [192, 0, 4096, 1], // mmap2
    [125, 1, 4096, 1], // mprotect
    [91, 1, 4096, 0],  // munmap
];

pub(super) const PROCESSES: &Calls = &[
    [37, 0x40_0001, 0, 0],  // kill
    [238, 0x40_0001, 0, 0], // tkill
    [26, 16, 0x40_0001, 0], // ptrace: attach
    [136, u32::MAX, 0, 0],  // personality
    [310, 0, 0, 0],         // unshare
    [23, 1234, 0, 0],       // setuid
    [213, 0, 0, 0],         // setuid32
];

/// Makes the calls on a file of this directory.
pub(super) fn calls(dir: &Path, calls: &Calls) -> Result<()> {
    let path = dir.join("on32");
    unseen(|| Ok(fs::write(&path, "content")?))?;
    told(dir, &path, calls)
}

/// Each when it is told to: all that wait for their turn do so here.
pub(super) fn told(dir: &Path, path: &Path, calls: &Calls) -> Result<()> {
    let waiting: Vec<[u32; 4]> = calls.iter().flat_map(|call| [WAIT, *call]).collect();
    unseen(|| {
        tiny::program32(dir, path, &[&waiting[..], &[WAIT]].concat())?;
        Ok(())
    })?;
    let mut command = Command::new("./tiny32");
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    // Not every kernel runs such programs.
    let Ok(mut child) = paced(|| quiet.stdin(Stdio::piped()).spawn()) else {
        return Ok(());
    };
    if let Some(mut input) = child.stdin.take() {
        for _ in calls {
            paced(|| input.write_all(b".").is_ok());
        }
    }
    child.wait()?;
    Ok(())
}
