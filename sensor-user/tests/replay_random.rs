//! Random events, written as records, are read back as the same events.

use auklet::{
    event::{
        Aux, Capabilities, Caveats, Event, Exec, FileCaps, FileFacts, Message, Module, NameType,
        Open, PathItem, Process, Syscall, Target, Uring, Utime, What,
    },
    records,
    replay::{Parser, Replayed},
};
use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

const X86_64: u32 = 0xc000_003e;

/// Bytes that a process may choose.
fn hostile(len: usize) -> impl Strategy<Value = Bytes> {
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

fn item() -> impl Strategy<Value = PathItem> {
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

fn process() -> impl Strategy<Value = Process> {
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
    fn event()(
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

fn read(text: &[u8]) -> Vec<Replayed> {
    let mut parser = Parser::default();
    for line in text.split(|b| *b == b'\n') {
        parser.line(line).expect("a record");
    }
    parser.end();
    std::iter::from_fn(|| parser.next_event()).collect()
}

/// Without what no record carries, or what is told from other fields.
fn carried(mut event: Event) -> Event {
    for item in &mut event.paths {
        item.resolved = None;
    }
    match &mut event.what {
        What::Exec(exec) => {
            exec.argv_bytes = 0;
            exec.script = None;
            exec.interpreter = None;
        }
        What::Module(module) => module.file = None,
        What::Utime(utime) => utime.target = None,
        _ => {}
    }
    event
}

#[track_caller]
fn check(event: Event) -> Result<(), TestCaseError> {
    let mut text = Vec::new();
    records::format(&event, &mut text);
    let [replayed] = read(&text).try_into().expect("one event");
    let mut logged = Vec::new();
    replayed.as_logged(&mut logged);
    prop_assert_eq!(&logged, &text);
    prop_assert!(replayed.is_exact());
    prop_assert_eq!(carried(replayed.event), event);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn calls_survive(event in event()) {
        check(event)?;
    }

    #[test]
    fn messages_survive(
        kind in prop_oneof![1100u16..1200, 2100u16..3000],
        text in hostile(300),
        who in process(),
    ) {
        let newline = |b: &u8| if *b == b'\n' { b' ' } else { *b };
        let text: Bytes = if kind == 1124 { text } else { text.iter().map(newline).collect() };
        let Process { pid, uid, auid, ses, subj, .. } = who;
        check(Event {
            time_ns: 0, serial: 1, call: None,
            who: Process { pid, uid, auid, ses, subj, ..Process::default() },
            cwd: None, paths: Vec::new(), proctitle: Bytes::new(), key: None,
            what: What::Message(Message { kind, text }),
            aux: Vec::new(), caveats: Caveats::default(),
        })?;
    }

    #[test]
    fn operations_survive(
        op in any::<u32>(),
        exit in option::of(-4095i64..100),
        who in process(),
        key in option::of(hostile(40)),
        cwd in option::of(hostile(100)),
        paths in vec(item(), 0..4),
    ) {
        let who = Process {
            auid: u32::MAX, ses: u32::MAX, tty: None, comm: Bytes::new(), exe: None, ..who
        };
        check(Event {
            time_ns: 1_000_000, serial: 1, call: None, who, cwd, paths, proctitle: Bytes::new(), key,
            what: What::Uring(Uring { op, exit }),
            aux: Vec::new(), caveats: Caveats::default(),
        })?;
    }

    /// However the lines of several events are mixed, each comes out whole.
    #[test]
    fn interleaved_events_survive(events in vec(event(), 2..5), order in vec(any::<u8>(), 60)) {
        let mut queues: Vec<Vec<Vec<u8>>> = events.iter().enumerate().map(|(n, event)| {
            let mut event = event.clone();
            event.serial = u32::try_from(n).expect("a few");
            event.time_ns = 5_000_000;
            let mut text = Vec::new();
            records::format(&event, &mut text);
            let mut lines: Vec<Vec<u8>> =
                text.split(|b| *b == b'\n').map(<[u8]>::to_vec).filter(|l| !l.is_empty()).collect();
            lines.reverse();
            lines
        }).collect();
        let mut text = Vec::new();
        let mut choices = order.into_iter().cycle();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let at = usize::from(choices.next().expect("a cycle")) % queues.len();
            let line = queues[at].pop();
            // An empty one gives its turn away, so that every choice comes to an end.
            let line = line.or_else(|| queues.iter_mut().find_map(Vec::pop));
            text.extend(line.into_iter().flatten());
            text.push(b'\n');
        }
        let replayed = read(&text);
        prop_assert_eq!(replayed.len(), events.len());
        prop_assert!(replayed.iter().all(Replayed::is_exact));
    }

    /// Any bytes are read or refused; what is read is written again, line for line.
    #[test]
    fn nothing_is_lost(mut lines in vec(vec(prop_oneof![
        Just(b"type=".to_vec()), Just(b"SYSCALL ".to_vec()), Just(b"PATH ".to_vec()),
        Just(b"msg=audit(1.000:1): ".to_vec()), Just(b"arch=c000003e syscall=59 ".to_vec()),
        Just(b" a1[0]=41".to_vec()), Just(b"\x1dUID=\"x\"".to_vec()), Just(b"msg='".to_vec()),
        vec(any::<u8>(), 0..6),
    ], 0..8), 0..6)) {
        let mut parser = Parser::default();
        let mut read = 0;
        for line in &mut lines {
            let mut line = line.concat();
            line.retain(|b| *b != b'\n');
            read += usize::from(!line.is_empty() && parser.line(&line).is_ok());
        }
        parser.end();
        let (mut logged, mut made) = (Vec::new(), Vec::new());
        while let Some(replayed) = parser.next_event() {
            replayed.as_logged(&mut logged);
            records::format(&replayed.event, &mut made);
        }
        prop_assert_eq!(logged.iter().filter(|b| **b == b'\n').count(), read);
    }
}
