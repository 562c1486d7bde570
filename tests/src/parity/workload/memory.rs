//! memfd_create, mmap, mprotect, mremap, munmap, pipe, pipe2, process_vm_readv, process_vm_writev, bpf.

use std::{
    fs::File,
    os::fd::{AsRawFd as _, RawFd},
    path::Path,
};

use anyhow::Result;
use libc::{
    MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE,
    SIGKILL, c_long,
};

use super::{
    as_nobody, c,
    call::{BAD, NULL, Word, call},
    closed, renew,
};

const PAGE: usize = 4096;
const RW: i32 = PROT_READ | PROT_WRITE;

pub(super) fn memory(dir: &Path) -> Result<()> {
    memfds();
    maps()?;
    pipes();
    other_processes();
    programs();
    renew(dir)
}

fn memfds() {
    let long = [248, 249, 250].map(|length| c("m".repeat(length)));
    for name in [c"memory", c"", c"with space", c"caf\xc3\xa9"] {
        closed(call!(SYS_memfd_create, name, 0));
    }
    for name in &long {
        closed(call!(SYS_memfd_create, name, 3));
    }
    call!(SYS_memfd_create, NULL, 0);
    call!(SYS_memfd_create, c"memory", 0x4000);
    as_nobody(|| call!(SYS_memfd_create, c"theirs", 0));
}

/// What was mapped, which only this module knows of, goes through each change and ends.
fn map(protection: i32, flags: i32, fd: RawFd, offset: usize) {
    let address = call!(SYS_mmap, NULL, PAGE, protection, flags, fd, offset);
    if !(0..).contains(&address) {
        return;
    }
    for protection in [
        PROT_NONE,
        RW,
        PROT_READ | PROT_EXEC,
        RW | PROT_EXEC,
        0x77_0000,
    ] {
        call!(SYS_mprotect, address, PAGE, protection);
    }
    let moved = call!(
        SYS_mremap,
        address,
        PAGE,
        2 * PAGE,
        libc::MREMAP_MAYMOVE,
        NULL
    );
    let (address, length) = if moved < 0 {
        (address, PAGE)
    } else {
        (moved, 2 * PAGE)
    };
    call!(SYS_munmap, address, length);
    // It is gone.
    call!(SYS_mprotect, address, PAGE, PROT_READ);
    call!(SYS_mremap, address, PAGE, PAGE, 0, NULL);
}

fn maps() -> Result<()> {
    let anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    for protection in [PROT_NONE, RW, PROT_READ | PROT_EXEC, RW | PROT_EXEC] {
        map(protection, anonymous, -1, 0);
        map(protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    // A descriptor that is not looked at.
    map(RW, anonymous, 9999, 0);
    let file = File::options().read(true).write(true).open("file")?;
    let (read, directory, device) = (
        File::open("file")?,
        File::open("sub")?,
        File::open("/dev/zero")?,
    );
    let secret = File::options().write(true).open("secret")?;
    for fd in [&file, &read, &directory, &device, &secret] {
        let fd = fd.as_raw_fd();
        for protection in [PROT_READ, RW, PROT_READ | PROT_EXEC] {
            map(protection, MAP_PRIVATE, fd, 0);
            map(protection, MAP_SHARED, fd, PAGE);
        }
        map(PROT_READ, MAP_PRIVATE, fd, 1);
        map(PROT_READ, 0, fd, 0);
    }
    map(PROT_READ, MAP_PRIVATE, 9999, 0);
    map(PROT_READ, MAP_PRIVATE, -1, 0);
    call!(SYS_mmap, NULL, 0, PROT_READ, anonymous, -1, 0);
    call!(SYS_mmap, BAD, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0);
    call!(SYS_mmap, NULL, -1, PROT_READ, anonymous, -1, 0);
    call!(SYS_mprotect, BAD, PAGE, PROT_READ);
    call!(SYS_munmap, BAD, PAGE);
    call!(SYS_munmap, NULL, 0);
    Ok(())
}

fn pipes() {
    for flags in [
        None,
        Some(0),
        Some(libc::O_CLOEXEC | libc::O_NONBLOCK),
        Some(0x1),
    ] {
        let mut ends = [-1_i32; 2];
        match flags {
            None => call!(SYS_pipe, &mut ends[..]),
            Some(flags) => call!(SYS_pipe2, &mut ends[..], flags),
        };
        for fd in ends {
            closed(fd.into());
        }
    }
    call!(SYS_pipe, BAD);
    call!(SYS_pipe2, NULL, 0);
}

/// A buffer as struct iovec, sys/uio.h.
fn vector(cells: &mut [u8]) -> [u64; 2] {
    [cells.as_mut_ptr() as u64, cells.len() as u64]
}

/// A child's memory is at the same addresses.
fn other_processes() {
    let (mut there, mut here) = ([0_u8; 16], [0_u8; 16]);
    let (remote, local) = (vector(&mut there), vector(&mut here));
    let child = call!(SYS_fork);
    if child == 0 {
        loop {
            call!(SYS_pause);
        }
    }
    let parent = std::process::id();
    let transfers: [fn(Word<'_>, Word<'_>, Word<'_>) -> c_long; 2] = [
        |pid, local, remote| call!(SYS_process_vm_readv, pid, local, 1, remote, 1, 0),
        |pid, local, remote| call!(SYS_process_vm_writev, pid, local, 1, remote, 1, 0),
    ];
    let bad = [1_u64, 16];
    for op in transfers {
        let (local, remote, bad) = (&local[..], &remote[..], &bad[..]);
        op(child.into(), local.into(), remote.into());
        op(child.into(), local.into(), bad.into());
        op(child.into(), BAD, BAD);
        op(0x40_0001.into(), local.into(), remote.into());
        as_nobody(|| op(child.into(), local.into(), remote.into()));
        as_nobody(|| op(parent.into(), local.into(), remote.into()));
    }
    call!(
        SYS_process_vm_readv,
        child,
        &local[..],
        1,
        &remote[..],
        1,
        1
    );
    call!(SYS_kill, child, SIGKILL);
    call!(SYS_wait4, child, NULL, 0, NULL);
}

/// bpf_attr, linux/bpf.h.
fn programs() {
    const PROG_LOAD: i32 = 5;
    const MAP_CREATE: i32 = 0;
    // r0 = 0; exit: of bytes, as struct bpf_insn has them.
    let code = [0xb7_u64, 0x95];
    let license = c"GPL";
    let mut load = [0_u64; 18];
    load[0] = 2 << 32 | 1; // two instructions of a socket filter
    load[1] = code.as_ptr() as u64;
    load[2] = license.as_ptr() as u64;
    for _ in 0..2 {
        closed(call!(SYS_bpf, PROG_LOAD, &load[..], 48));
    }
    as_nobody(|| call!(SYS_bpf, PROG_LOAD, &load[..], 48));
    // Without an end.
    let mut endless = load;
    endless[0] = 1 << 32 | 1;
    call!(SYS_bpf, PROG_LOAD, &endless[..], 48);
    let array = [4_u64 << 32 | 2, 1 << 32 | 8];
    closed(call!(SYS_bpf, MAP_CREATE, &array[..], 16));
    call!(SYS_bpf, 9999, &array[..], 16);
    call!(SYS_bpf, PROG_LOAD, BAD, 48);
    call!(SYS_bpf, PROG_LOAD, &load[..], 100_000);
}
