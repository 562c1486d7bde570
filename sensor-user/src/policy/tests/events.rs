//! Events for the tests of the matcher.

use bytes::Bytes;

use super::DEV;
use crate::{
    event::{
        Aux, Caveats, Event, FileFacts, Message, NameType, Open, Operation, PathItem, Process,
        Syscall, Uring, What,
    },
    syscalls::{self, Abi},
};

/// A call that succeeded with 0, of a user 1000 who is logged in.
pub(super) fn call(name: &str) -> Event {
    call_of(Abi::Native, name)
}

pub(super) fn call_of(abi: Abi, name: &str) -> Event {
    let call = Syscall {
        arch: abi.arch(),
        nr: syscalls::number(abi, name).expect(name),
        args: [0; 4],
        exit: 0,
        personality: 0,
    };
    Event {
        call: Some(call),
        ..nothing()
    }
}

pub(super) fn nothing() -> Event {
    Event {
        time_ns: 0,
        serial: 1,
        call: None,
        who: Process {
            pid: 100,
            tid: 100,
            ppid: 50,
            auid: 1000,
            ses: 3,
            uid: 1000,
            euid: 1000,
            suid: 1000,
            fsuid: 1000,
            gid: 100,
            egid: 100,
            sgid: 100,
            fsgid: 100,
            exe: Some(Bytes::from_static(b"/usr/bin/cat")),
            ..Process::default()
        },
        cwd: None,
        paths: Vec::new(),
        proctitle: Bytes::new(),
        key: None,
        what: What::Other,
        aux: Vec::new(),
        caveats: Caveats::default(),
    }
}

pub(super) fn message(kind: u16) -> Event {
    let text = Bytes::from_static(b"op=x");
    Event {
        what: What::Message(Message { kind, text }),
        ..nothing()
    }
}

pub(super) fn uring(op: u32) -> Event {
    Event {
        what: What::Uring(Uring { op, exit: Some(0) }),
        ..nothing()
    }
}

/// io_uring_enter, inside which operations ended: number and result of each.
pub(super) fn enter(operations: &[(u32, i64)]) -> Event {
    let operation = |(op, exit): &(u32, i64)| {
        Aux::Operation(Operation {
            uring: Uring {
                op: *op,
                exit: Some(*exit),
            },
            ..Operation::default()
        })
    };
    Event {
        aux: operations.iter().map(operation).collect(),
        ..call("io_uring_enter")
    }
}

pub(super) fn openat2(flags: u64) -> Event {
    Event {
        what: What::Open(Open {
            flags,
            ..Open::default()
        }),
        ..call("openat2")
    }
}

impl Event {
    pub(super) fn args(mut self, args: [u64; 4]) -> Self {
        if let Some(call) = self.call.as_mut() {
            call.args = args;
        }
        self
    }

    pub(super) fn exit(mut self, exit: i64) -> Self {
        if let Some(call) = self.call.as_mut() {
            call.exit = exit;
        }
        self
    }

    /// Adds an item; inode 0 is none.
    pub(super) fn path(mut self, nametype: NameType, path: &str, ino: u64) -> Self {
        let file = FileFacts {
            ino,
            dev: DEV,
            mode: libc::S_IFREG | 0o644,
            uid: 7,
            gid: 8,
            ..FileFacts::default()
        };
        self.paths.push(PathItem {
            name: Some(Bytes::copy_from_slice(path.as_bytes())),
            resolved: Some(Bytes::copy_from_slice(path.as_bytes())),
            file: (ino != 0).then_some(file),
            nametype,
            ..PathItem::default()
        });
        self
    }

    pub(super) fn normal(self, path: &str, ino: u64) -> Self {
        self.path(NameType::Normal, path, ino)
    }

    pub(super) fn who(mut self, change: impl FnOnce(&mut Process)) -> Self {
        change(&mut self.who);
        self
    }

    pub(super) fn other_root(mut self) -> Self {
        self.caveats.other_root = true;
        self
    }
}
