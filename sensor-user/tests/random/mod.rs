//! Random events, as audit's records can tell of them.

use auklet::event::{
    Aux, Capabilities, Caveats, Event, Exec, FileCaps, FileFacts, Module, NameType, Open, PathItem,
    Process, Syscall, Target, Utime, What,
};
use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

const X86_64: u32 = 0xc000_003e;

/// Bytes that a process may choose.
pub(crate) fn hostile(len: usize) -> impl Strategy<Value = Bytes> {
    let any = vec(any::<u8>(), 0..=len).prop_map(Bytes::from);
    let plain = vec(prop_oneof![Just(b'!'), b'#'..=b'~'], 0..=len).prop_map(Bytes::from);
    prop_oneof![any, plain]
}

/// Words that the kernel makes: a terminal, a label, what another record holds.
fn word() -> impl Strategy<Value = Bytes> {
    "[a-z0-9:._/-]{1,20}".prop_map(Bytes::from)
}

fn caps() -> impl Strategy<Value = FileCaps> {
    let present = (1u64.., any::<u64>(), any::<bool>(), 0u32..4, any::<u32>());
    prop_oneof![
        Just(FileCaps::Absent),
        Just(FileCaps::Unread),
        present.prop_map(|(permitted, inheritable, effective, version, rootid)| {
            FileCaps::Present {
                permitted,
                inheritable,
                effective,
                version,
                rootid,
            }
        }),
    ]
}

pub(crate) fn item() -> impl Strategy<Value = PathItem> {
    let facts = (any::<u64>(), any::<[u32; 5]>());
    let file = facts.prop_map(|(ino, [dev, rdev, mode, uid, gid])| FileFacts {
        ino,
        dev,
        rdev,
        mode,
        uid,
        gid,
        nlink: 0,
    });
    let nametype = prop_oneof![
        Just(NameType::Unknown),
        Just(NameType::Normal),
        Just(NameType::Parent),
        Just(NameType::Create),
        Just(NameType::Delete),
    ];
    let parts = (
        option::of(hostile(300)),
        option::of(file),
        nametype,
        option::of(word()),
        caps(),
    );
    let shown = parts.prop_map(|(name, file, nametype, obj, caps)| PathItem {
        name,
        file,
        nametype,
        obj,
        caps,
        ..PathItem::default()
    });
    let hidden = PathItem {
        hidden: true,
        ..PathItem::default()
    };
    prop_oneof![9 => shown, 1 => Just(hidden)]
}

pub(crate) fn process() -> impl Strategy<Value = Process> {
    let ids = any::<[u32; 12]>();
    let parts = (
        ids,
        option::of(word()),
        hostile(15),
        option::of(hostile(200)),
        option::of(word()),
    );
    parts.prop_map(|(ids, tty, comm, exe, subj)| {
        let [
            pid,
            ppid,
            auid,
            ses,
            uid,
            euid,
            suid,
            fsuid,
            gid,
            egid,
            sgid,
            fsgid,
        ] = ids;
        Process {
            pid,
            ppid,
            auid,
            ses,
            uid,
            euid,
            suid,
            fsuid,
            gid,
            egid,
            sgid,
            fsgid,
            tty,
            comm,
            exe,
            subj,
            ..Process::default()
        }
    })
}

fn sets() -> impl Strategy<Value = Capabilities> {
    any::<[u64; 4]>().prop_map(
        |[inheritable, permitted, effective, ambient]| Capabilities {
            inheritable,
            permitted,
            effective,
            ambient,
        },
    )
}

/// In the order in which they are written: what stands before SYSCALL, BPRM_FCAPS, the rest.
fn aux() -> impl Strategy<Value = Vec<Aux>> {
    let foreign = |first| {
        ("IPC|AVC|TTY|UNKNOWN\\[1999\\]", word()).prop_map(move |(kind, body)| Aux::Foreign {
            kind: kind.into(),
            body,
            first,
        })
    };
    let bpf =
        (any::<u32>(), any::<bool>()).prop_map(|(prog_id, unload)| Aux::Bpf { prog_id, unload });
    let login =
        (any::<[u32; 4]>(), any::<bool>()).prop_map(|([old_auid, auid, old_ses, ses], success)| {
            Aux::Login {
                old_auid,
                auid,
                old_ses,
                ses,
                success,
            }
        });
    let fcaps = (1u64.., sets(), sets()).prop_map(|(permitted, old, new)| Aux::BprmFcaps {
        file: FileCaps::Present {
            permitted,
            inheritable: 0,
            effective: true,
            version: 2,
            rootid: 0,
        },
        old,
        new,
    });
    let target = (any::<[u32; 4]>(), hostile(15), option::of(word())).prop_map(
        |([pid, auid, uid, ses], comm, subj)| {
            Aux::ObjPid(Target {
                pid,
                auid,
                uid,
                ses,
                comm,
                subj,
            })
        },
    );
    let rest = prop_oneof![
        hostile(110).prop_map(Aux::Sockaddr),
        any::<[i32; 2]>().prop_map(|[a, b]| Aux::FdPair(a, b)),
        (any::<i32>(), any::<u32>()).prop_map(|(fd, flags)| Aux::Mmap { fd, flags }),
        target,
        (any::<u32>(), sets()).prop_map(|(pid, caps)| Aux::Capset { pid, caps }),
        foreign(false),
    ];
    let first = prop_oneof![bpf, login, foreign(true)];
    (vec(first, 0..2), option::of(fcaps), vec(rest, 0..3))
        .prop_map(|(first, fcaps, rest)| first.into_iter().chain(fcaps).chain(rest).collect())
}

fn argv() -> impl Strategy<Value = Vec<Bytes>> {
    let long = (1u8.., 7000usize..16_000).prop_map(|(byte, len)| Bytes::from(vec![byte; len]));
    vec(prop_oneof![8 => hostile(60), 1 => long], 1..8)
}

/// Number, what it does, and whether it succeeds.
fn call() -> impl Strategy<Value = (u32, What, i64)> {
    let exec = argv().prop_map(|argv| {
        let exec = Exec {
            argv,
            ..Exec::default()
        };
        (59, What::Exec(exec), 0)
    });
    let failed = Exec {
        truncated: true,
        ..Exec::default()
    };
    let how = any::<[u64; 3]>().prop_map(|[flags, mode, resolve]| {
        let open = Open {
            flags,
            mode,
            resolve,
            created: false,
            how_recorded: true,
        };
        (437, What::Open(open), -2)
    });
    let module = (option::of(hostile(56)), any::<u32>()).prop_map(|(name, flags)| {
        let unnamed = name.as_ref().is_some_and(|name| name == "?");
        let module = Module {
            name: name.filter(|name| name != "?"),
            unnamed,
            flags,
            file: None,
        };
        (313, What::Module(module), 0)
    });
    prop_oneof![
        exec,
        Just((322, What::Exec(failed), -2)),
        Just((257, What::Open(Open::default()), 3)),
        how,
        Just((280, What::Utime(Utime::default()), 0)),
        module,
        (0u32..450, -4095i64..5000)
            .prop_filter("the others have facts", |(nr, exit)| {
                ![2, 59, 85, 132, 175, 235, 257, 261, 280, 313, 322, 437].contains(nr)
                    && ![-512, -513, -514, -516].contains(exit)
            })
            .prop_map(|(nr, exit)| (nr, What::Other, exit)),
    ]
}

prop_compose! {
    pub(crate) fn event()(
        ms in 0u64..4_000_000_000_000,
        serial in any::<u32>(),
        (nr, mut what, exit) in call(),
        mut args in any::<[u64; 4]>(),
        personality in any::<u32>(),
        who in process(),
        cwd in option::of(hostile(100)),
        paths in vec(item(), 0..4),
        title in hostile(128),
        key in option::of(hostile(40)),
        aux in aux(),
    ) -> Event {
        match &mut what {
            What::Module(module) => args[2] = module.flags.into(),
            What::Open(open) if !open.how_recorded => {
                open.flags = args[2] & 0xffff_ffff;
                open.mode = args[3] & 0o7777;
                open.created = paths.iter().any(|i: &PathItem| i.nametype == NameType::Create);
            }
            What::Utime(utime) => (utime.set_atime, utime.set_mtime) = (args[2] != 0, args[2] != 0),
            _ => {}
        }
        // As the kernel cuts it.
        let end = title.iter().rposition(|b| matches!(b, 0x20..=0x7e | 0xa0..));
        let proctitle = title.slice(..end.map_or(0, |end| end + 1));
        let proctitle = if proctitle == "(null)" { Bytes::new() } else { proctitle };
        let call = Some(Syscall { arch: X86_64, nr, args, exit, personality });
        Event {
            time_ns: ms * 1_000_000, serial, call, who, cwd, paths, proctitle, key, what, aux,
            caveats: Caveats::default(),
        }
    }
}
