use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::event::{
    Caveats, ClockChange, Exec, FileFacts, Module, NameType, NetfilterChange, Open, PathItem,
    Process, Syscall, Utime,
};

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn file(ino: u64, mode: u32) -> FileFacts {
    FileFacts {
        ino,
        dev: 0xfe << 20,
        mode,
        ..FileFacts::default()
    }
}

fn item(name: &'static str, ino: u64, mode: u32, nametype: NameType) -> PathItem {
    PathItem {
        name: Some(bytes(name)),
        resolved: None,
        file: Some(file(ino, mode)),
        nametype,
        ..PathItem::default()
    }
}

/// An event of root without a terminal, as in the examples.
fn event(nr: u32, args: [u64; 4], exit: i64, what: What, paths: Vec<PathItem>) -> Event {
    Event {
        time_ns: 1_795_528_668_706_000_000,
        serial: 1094,
        call: Some(Syscall {
            arch: 0xc000_003e,
            nr,
            args,
            exit,
            personality: 0,
        }),
        who: Process {
            pid: 465,
            ppid: 464,
            auid: u32::MAX,
            ses: u32::MAX,
            comm: bytes("mytrue"),
            exe: Some(bytes("/srv/at/mytrue")),
            ..Process::default()
        },
        cwd: (!paths.is_empty()).then(|| bytes("/srv/at")),
        paths,
        proctitle: bytes("./t"),
        key: None,
        what,
        aux: Vec::new(),
        caveats: Caveats::default(),
    }
}

fn exec(argv: Vec<Bytes>) -> Event {
    let what = What::Exec(Exec {
        argv,
        ..Exec::default()
    });
    let paths = vec![item("/srv/at/mytrue", 22412, 0o100_755, NameType::Normal)];
    event(
        59,
        [0x55af_9282_9010, 0x7ffc_fdc1_eaf0, 0x7ffc_fdc1_ec98, 3],
        0,
        what,
        paths,
    )
}

/// Compares with tests/data/records/NAME.txt; `UPDATE=1` writes it.
#[track_caller]
fn check(name: &str, event: &Event) {
    let path = format!(
        "{}/../tests/data/records/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut out = Vec::new();
    format(event, &mut out);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &out).expect("write");
    }
    let expect = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert_eq!(
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&expect)
    );
}

#[test]
fn execve_with_arguments_in_hexadecimal() {
    let argv = ["mytrue", "arg one", "café", "", "plain", "q\"q"]
        .map(bytes)
        .to_vec();
    let mut event = exec(argv);
    event.paths.push(item(
        "/lib64/ld-linux-x86-64.so.2",
        11110,
        0o100_755,
        NameType::Normal,
    ));
    event.key = Some(bytes("x_all"));
    event.proctitle = bytes("mytrue\0arg one\0café\0\0plain\0q\"q\0");
    check("execve", &event);
}

#[test]
fn execve_split_in_three() {
    let argv = vec![
        bytes("mytrue"),
        Bytes::from(vec![b'A'; 7500]),
        bytes("tail"),
    ];
    check("execve-split", &exec(argv));
}

#[test]
fn openat_that_creates() {
    let paths = vec![
        item("/root/", 701, 0o040_755, NameType::Parent),
        item("/root/wf", 22559, 0o100_644, NameType::Create),
    ];
    let what = What::Open(Open {
        flags: 0o1101,
        mode: 0o666,
        resolve: 0,
        created: true,
        how_recorded: false,
    });
    let mut event = event(
        257,
        [0xffff_ffff_ffff_ff9c, 0x55e9_c508_fc20, 0x241, 0x1b6],
        3,
        what,
        paths,
    );
    event.key = Some(bytes("wf"));
    check("openat-create", &event);
}

#[test]
fn openat_of_nothing() {
    let paths = vec![PathItem {
        name: Some(bytes("no such")),
        ..PathItem::default()
    }];
    check(
        "openat-enoent",
        &event(
            257,
            [0xffff_ff9c, 1, 0, 0],
            -2,
            What::Open(Open::default()),
            paths,
        ),
    );
}

#[test]
fn openat2_has_its_own_record() {
    let what = What::Open(Open {
        flags: 0o102,
        mode: 0o600,
        resolve: 4,
        created: false,
        how_recorded: true,
    });
    let paths = vec![item("exist", 22523, 0o100_644, NameType::Normal)];
    check(
        "openat2",
        &event(437, [0xffff_ff9c, 1, 2, 0x18], 31, what, paths),
    );
}

#[test]
fn utimensat() {
    let paths = vec![item("exist", 22523, 0o100_644, NameType::Normal)];
    check(
        "utimensat",
        &event(
            280,
            [0xffff_ff9c, 1, 2, 0],
            0,
            What::Utime(Utime::default()),
            paths,
        ),
    );
}

#[test]
fn finit_module() {
    let what = What::Module(Module {
        name: Some(bytes("dummy")),
        unnamed: false,
        flags: 4,
        file: None,
    });
    check(
        "finit_module",
        &event(313, [3, 0x559e_6843_5aa0, 4, 0], 0, what, vec![]),
    );
}

#[test]
fn netfilter_and_clock() {
    let clock = |change| Aux::Clock {
        change,
        first: false,
    };
    let mut event = event(159, [0; 4], 0, What::Other, Vec::new());
    event.who.tid = 466;
    event.aux = vec![
        Aux::Netfilter(NetfilterChange {
            table: bytes("fil ter:7"),
            family: 2,
            entries: 4,
            op: 3,
        }),
        clock(ClockChange::Ntp {
            value: 1,
            old: 0,
            new: -196_608,
        }),
        clock(ClockChange::Offset {
            sec: -1,
            nsec: 500_000_000,
        }),
    ];
    check("netfilter-and-clock", &event);
}

#[test]
fn failed_execve_has_no_execve_record() {
    let mut event = exec(vec![bytes("x")]);
    event.call.as_mut().expect("a call").exit = -13;
    assert!(
        !lines(&event)
            .iter()
            .any(|line| line.starts_with("type=EXECVE"))
    );
}

#[test]
fn an_argument_of_131000_bytes_takes_as_many_records_as_auditd_writes() {
    let count = |event: &Event| {
        lines(event)
            .iter()
            .filter(|l| l.starts_with("type=EXECVE"))
            .count()
    };
    let long = Bytes::from(vec![b'A'; 131_000]);
    assert_eq!(count(&exec(vec![bytes("mytrue"), long])), 35);
}

/// Joins EXECVE records again: `aN=`, or `aN[i]=` in order.
fn rejoin(event: &Event) -> Vec<Vec<u8>> {
    let mut argv: Vec<Vec<u8>> = Vec::new();
    for line in lines(event).iter().filter(|l| l.starts_with("type=EXECVE")) {
        let body = line.split_once("): ").expect("a body").1;
        for (key, value) in body
            .split_ascii_whitespace()
            .filter_map(|f| f.split_once('='))
        {
            let Some(number) = key.strip_prefix('a').filter(|_| key != "argc") else {
                continue;
            };
            if number.ends_with("_len") {
                continue;
            }
            let n: usize = number
                .split('[')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number");
            let part = match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
                Some(text) => text.as_bytes().to_vec(),
                None => hex::decode(value).expect("hexadecimal"),
            };
            if n == argv.len() {
                argv.push(part);
            } else {
                argv[n].extend(part);
            }
        }
    }
    argv
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(1u8.., 0..40),
        proptest::collection::vec(b'!'..=b'~', 0..200),
        (1u8.., 7000usize..16000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn argument_lists_survive(argv in proptest::collection::vec(argument(), 1..12)) {
        let event = exec(argv.iter().map(|arg| Bytes::from(arg.clone())).collect());
        prop_assert_eq!(rejoin(&event), argv);
    }

    /// Whatever a process calls itself, there are as many lines as records, of plain ASCII, and
    /// no more fields than there should be.
    #[test]
    fn nothing_is_forged(hostile in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut event = exec(vec![Bytes::from(hostile.clone())]);
        let quiet = exec(vec![bytes("x")]);
        let text = Bytes::from(hostile);
        event.who.comm = text.clone();
        event.who.exe = Some(text.clone());
        event.who.tty = Some(text.clone());
        event.cwd = Some(text.clone());
        event.paths[0].name = Some(text.clone());
        event.proctitle = text.clone();
        event.key = Some(text);
        let (lines, quiet) = (lines(&event), lines(&quiet));
        prop_assert_eq!(lines.len(), quiet.len());
        for (line, quiet) in lines.iter().zip(&quiet) {
            prop_assert!(line.len() < 8970);
            prop_assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)));
            let fields = |line: &str| line.split(' ').count();
            prop_assert_eq!(fields(line), fields(quiet));
        }
    }
}
