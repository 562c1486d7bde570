//! Operations of io_uring: opens, changes of names and attributes, connections that no system call shows.
//! The ring is as io_uring_setup(2) and linux/io_uring.h lay it out.

use std::{ffi::CStr, fs, os::fd::RawFd, path::Path, ptr};

use anyhow::Result;
use libc::{
    AF_INET, AF_UNIX, AT_FDCWD, AT_REMOVEDIR, O_CREAT, O_PATH, O_RDONLY, O_RDWR, O_WRONLY,
    SOCK_DGRAM, SOCK_STREAM, c_long,
};

use super::{
    act, as_nobody, c,
    call::{NULL, Word, call},
    closed, in_child,
    pace::looked_up,
    renew,
    sockets::{inet, unix},
    spellings,
};

/// The offset at which the submissions are mapped.
const SUBMISSIONS: i64 = 0x1000_0000;
const PAGE: usize = 4096;

/// What the numbers of enum io_uring_op mean, linux/io_uring.h.
#[derive(Clone, Copy)]
enum Op {
    Accept = 13,
    Connect = 16,
    Fallocate = 17,
    Openat = 18,
    Close = 19,
    Statx = 21,
    Openat2 = 28,
    Renameat = 35,
    Unlinkat = 36,
    Mkdirat = 37,
    Symlinkat = 38,
    Linkat = 39,
    Fsetxattr = 41,
    Setxattr = 42,
    Fgetxattr = 43,
    Getxattr = 44,
    Socket = 45,
    Last = 250,
}

/// io_uring_sqe: what the operations use of it.
#[derive(Default)]
struct Entry<'a> {
    fd: i32,
    /// `off`, `addr2`
    second: Option<Word<'a>>,
    address: Option<Word<'a>>,
    length: u32,
    flags: i32,
    /// `addr3`
    third: Option<Word<'a>>,
}

/// The kernel's own thread takes the entries: IORING_SETUP_SQPOLL.
const BY_THREAD: u32 = 2;

/// Submits one operation to a ring of its own, awaits and gives its result.
fn submit(op: Op, entry: &Entry<'_>) -> c_long {
    submit_to(0, op, entry)
}

fn submit_to(setup: u32, op: Op, entry: &Entry<'_>) -> c_long {
    match op {
        Op::Openat | Op::Openat2 => looked_up(|| on_new_ring(setup, op, entry)),
        _ => on_new_ring(setup, op, entry),
    }
}

fn on_new_ring(setup: u32, op: Op, entry: &Entry<'_>) -> c_long {
    // io_uring_params: the second word is a number of entries, the third of flags, from the tenth the rings' offsets.
    let mut parameters = [0_u32; 30];
    parameters[2] = setup;
    let ring = call!(SYS_io_uring_setup, 1, &mut parameters[..]);
    let result = RawFd::try_from(ring).ok().filter(|fd| *fd >= 0);
    let result = result.map_or(-1, |fd| on_ring(fd, &parameters, op, entry));
    closed(ring);
    result
}

fn on_ring(fd: RawFd, parameters: &[u32; 30], op: Op, entry: &Entry<'_>) -> c_long {
    let value = |word: Option<Word<'_>>| word.map_or(0, Word::value);
    let words = [
        op as u64 | u64::from(entry.fd.cast_unsigned()) << 32,
        value(entry.second),
        value(entry.address),
        u64::from(entry.length) | u64::from(entry.flags.cast_unsigned()) << 32,
        7,
        0,
        value(entry.third),
        0,
    ];
    let (rw, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let at = |index: usize| parameters[index] as usize;
    // SAFETY: both maps are new, and a page holds all of a ring of one entry: the kernel's offsets, each of
    // an aligned word, are inside it. Nobody else knows of them; the kernel looks at the entry in
    // io_uring_enter only, which also waits for the result. The words are addresses that the entry borrows.
    unsafe {
        let rings = libc::mmap(ptr::null_mut(), PAGE, rw, shared, fd, 0);
        let entries = libc::mmap(ptr::null_mut(), PAGE, rw, shared, fd, SUBMISSIONS);
        if rings == libc::MAP_FAILED || entries == libc::MAP_FAILED {
            return -1;
        }
        ptr::copy_nonoverlapping(words.as_ptr(), entries.cast(), words.len());
        let word = |offset: usize| rings.byte_add(offset).cast::<u32>();
        word(at(16)).write_volatile(0); // the array: entry 0
        word(at(11)).write_volatile(1); // the tail
        const GETEVENTS: i32 = 1;
        const SQ_WAKEUP: i32 = 2;
        let wakes = parameters[2] & BY_THREAD != 0;
        let how = GETEVENTS | if wakes { SQ_WAKEUP } else { 0 };
        call!(SYS_io_uring_enter, fd, 1, 1, how, NULL, 0);
        // io_uring_cqe: the result is behind the 8 bytes of the entry's name.
        let result = word(at(25) + 8).cast::<i32>().read_volatile();
        libc::munmap(rings, PAGE);
        libc::munmap(entries, PAGE);
        result.into()
    }
}

/// Opens a file for its owner alone, and closes it. The descriptor, or the negated errno.
pub(crate) fn open_by_ring(path: &CStr, flags: i32) -> c_long {
    let fd = openat(AT_FDCWD, path.into(), flags);
    closed(fd);
    fd
}

fn openat(at: i32, name: Word<'_>, flags: i32) -> c_long {
    submit(Op::Openat, &named(at, name, 0o640, flags))
}

fn named(fd: i32, name: Word<'_>, length: u32, flags: i32) -> Entry<'_> {
    Entry {
        fd,
        address: Some(name),
        length,
        flags,
        ..Entry::default()
    }
}

/// With one name.
const OPS: &[fn(i32, Word<'_>) -> c_long] = &[
    |at, name| unchanged(openat(at, name, O_RDONLY)),
    |at, name| closed(openat(at, name, O_CREAT | O_RDWR)),
    |at, name| unchanged(openat2(at, name)),
    |fd, name| submit(Op::Mkdirat, &named(fd, name, 0o750, 0)),
    |fd, name| {
        let (address, second) = (Some(Word::from(c"file")), Some(name));
        submit(
            Op::Symlinkat,
            &Entry {
                fd,
                address,
                second,
                ..Entry::default()
            },
        )
    },
    |fd, name| two(Op::Linkat, (AT_FDCWD, c"file".into()), (fd, name)),
    |fd, name| two(Op::Renameat, (fd, name), (AT_FDCWD, c"moved".into())),
    |fd, name| submit(Op::Unlinkat, &named(fd, name, 0, 0)),
    |fd, name| submit(Op::Unlinkat, &named(fd, name, 0, AT_REMOVEDIR)),
];

fn openat2(fd: i32, name: Word<'_>) -> c_long {
    let how = [O_RDONLY as u64, 0, 8]; // open_how: RESOLVE_BENEATH
    let (address, second) = (Some(name), Some(Word::from(&how[..])));
    submit(
        Op::Openat2,
        &Entry {
            fd,
            address,
            second,
            length: 24,
            ..Entry::default()
        },
    )
}

fn two(op: Op, old: (i32, Word<'_>), new: (i32, Word<'_>)) -> c_long {
    let (fd, address, second) = (old.0, Some(old.1), Some(new.1));
    let length = new.0.cast_unsigned();
    submit(
        op,
        &Entry {
            fd,
            address,
            second,
            length,
            ..Entry::default()
        },
    )
}

pub(super) fn uring(dir: &Path) -> Result<()> {
    for name in &spellings(dir) {
        for op in OPS {
            act(dir, op(AT_FDCWD, name.into()))?;
        }
    }
    for name in [c"file", c"new", c"missing/new"] {
        for op in OPS {
            let sub = call!(SYS_openat, AT_FDCWD, c"sub", O_PATH);
            let result = op(i32::try_from(sub).unwrap_or(-1), name.into());
            closed(sub);
            act(dir, result)?;
            act(dir, op(9999, name.into()))?;
            as_nobody(|| op(AT_FDCWD, name.into()));
        }
    }
    for op in OPS {
        op(AT_FDCWD, NULL);
    }
    descriptors();
    sockets();
    fs::remove_file("listening")?;
    let root = c(dir);
    in_child(|| {
        call!(SYS_chroot, &root);
        call!(SYS_chdir, c"/sub");
        for op in OPS {
            op(AT_FDCWD, c"/file".into());
        }
    });
    submit(Op::Last, &Entry::default());
    by_thread(dir)?;
    // And as ever, behind it.
    closed(call!(SYS_openat, AT_FDCWD, c"sub/file", O_RDWR));
    call!(SYS_unlink, c"missing");
    renew(dir)
}

/// Closes what was opened: nothing that must be as before.
fn unchanged(fd: c_long) -> c_long {
    closed(fd);
    -1
}

/// What the ring's own thread does: each entry of a ring of its own.
fn by_thread(dir: &Path) -> Result<()> {
    let create = O_CREAT | O_RDWR;
    for (name, flags) in [
        (c"file", O_RDONLY),
        (c"sub/new", create),
        (c"missing/new", create),
        (c"missing", O_RDONLY),
    ] {
        let entry = named(AT_FDCWD, name.into(), 0o640, flags);
        closed(submit_to(BY_THREAD, Op::Openat, &entry));
    }
    let made = named(AT_FDCWD, c"made".into(), 0o750, 0);
    submit_to(BY_THREAD, Op::Mkdirat, &made);
    let gone = named(AT_FDCWD, c"sub/new".into(), 0, 0);
    submit_to(BY_THREAD, Op::Unlinkat, &gone);
    renew(dir)
}

/// close, fallocate, statx, attributes.
fn descriptors() {
    let open = |flags| {
        let fd = call!(SYS_openat, AT_FDCWD, c"file", flags);
        i32::try_from(fd).unwrap_or(-1)
    };
    for fd in [open(O_WRONLY), open(O_RDONLY), 9999] {
        let entry = Entry {
            fd,
            address: Some(Word::from(64)),
            ..Entry::default()
        };
        submit(Op::Fallocate, &entry);
        let (address, second) = (
            Some(Word::from(c"user.parity")),
            Some(Word::from(&b"value"[..])),
        );
        for op in [Op::Fsetxattr, Op::Fgetxattr] {
            submit(
                op,
                &Entry {
                    fd,
                    address,
                    second,
                    length: 5,
                    ..Entry::default()
                },
            );
        }
        submit(
            Op::Close,
            &Entry {
                fd,
                ..Entry::default()
            },
        );
    }
    for name in [c"file", c"missing"] {
        let mut room = [0_u8; 256];
        let (address, second) = (Some(Word::from(name)), Some(Word::from(&mut room[..])));
        let entry = Entry {
            fd: AT_FDCWD,
            address,
            second,
            length: 0x7ff,
            ..Entry::default()
        };
        submit(Op::Statx, &entry);
        let value = &b"value"[..];
        let (address, second) = (Some(Word::from(c"trusted.parity")), Some(Word::from(value)));
        let third = Some(Word::from(name));
        for op in [Op::Setxattr, Op::Getxattr] {
            submit(
                op,
                &Entry {
                    address,
                    second,
                    third,
                    length: 5,
                    ..Entry::default()
                },
            );
        }
    }
}

fn sockets() {
    let socket = |family, kind| {
        let entry = Entry {
            fd: family,
            second: Some(Word::from(kind)),
            ..Entry::default()
        };
        closed(submit(Op::Socket, &entry));
        let fd = call!(SYS_socket, family, kind | libc::SOCK_NONBLOCK, 0);
        i32::try_from(fd).unwrap_or(-1)
    };
    let connect = |fd, address: &[u8]| {
        let (address, second) = (Some(Word::from(address)), Some(Word::from(address.len())));
        submit(
            Op::Connect,
            &Entry {
                fd,
                address,
                second,
                ..Entry::default()
            },
        )
    };
    let server = socket(AF_UNIX, SOCK_STREAM);
    let here = unix("listening");
    call!(SYS_bind, server, &here[..], here.len());
    call!(SYS_listen, server, 4);
    for address in [
        &here,
        &unix("missing"),
        &unix("file"),
        &inet([127, 0, 0, 1], 81),
    ] {
        let fd = socket(AF_UNIX, SOCK_STREAM);
        connect(fd, address);
        closed(fd.into());
    }
    closed(submit(
        Op::Accept,
        &Entry {
            fd: server,
            ..Entry::default()
        },
    ));
    closed(server.into());
    for kind in [SOCK_STREAM, SOCK_DGRAM] {
        let fd = socket(AF_INET, kind);
        connect(fd, &inet([127, 0, 0, 1], 81));
        closed(fd.into());
    }
    connect(9999, &here);
}
