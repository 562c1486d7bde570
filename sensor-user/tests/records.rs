//! What the records promise whatever a process does: sizes of auditd's split EXECVE, argument
//! lists that come back, no forged line or field, no line longer than auditd's readers take.

use std::collections::BTreeMap;

use auklet::{
    event::{Caveats, Event, Exec, FileFacts, Module, Open, PathItem, Process, Syscall, What},
    records,
};
use bytes::Bytes;
use proptest::prelude::*;

fn event(what: What) -> Event {
    Event {
        time_ns: 1_795_528_668_706_000_000,
        serial: 1094,
        call: Some(Syscall {
            arch: 0xc000_003e,
            nr: 59,
            args: [1, 2, 3, 4],
            exit: 0,
            personality: 0,
        }),
        who: Process::default(),
        cwd: None,
        paths: vec![],
        proctitle: Bytes::new(),
        key: None,
        what,
        aux: Vec::new(),
        caveats: Caveats::default(),
    }
}

fn exec<A: Into<Bytes>>(argv: impl IntoIterator<Item = A>) -> Event {
    let argv = argv.into_iter().map(Into::into).collect();
    event(What::Exec(Exec {
        argv,
        ..Exec::default()
    }))
}

/// Bodies of the records of one type.
fn bodies(event: &Event, kind: &str) -> Vec<String> {
    let head = format!("type={kind} msg=audit(1795528668.706:1094): ");
    let lines = records::lines(event);
    let of_kind = lines.iter().filter_map(|line| line.strip_prefix(&head));
    of_kind.map(str::to_owned).collect()
}

fn body(event: &Event, kind: &str) -> String {
    let [body] = &bodies(event, kind)[..] else {
        panic!("not one {kind}: {:?}", records::lines(event));
    };
    body.clone()
}

/// The arguments of EXECVE records as laurel reads them: the parts of `aN` in the order of their
/// `[i]`, `aN_len` as long as what they make when encoded.
fn rejoin(records: &[String]) -> Vec<Vec<u8>> {
    let mut parts = BTreeMap::<usize, BTreeMap<usize, String>>::new();
    let mut lengths = BTreeMap::new();
    let mut argc = None;
    let fields = records.iter().flat_map(|record| record.split(' '));
    for (key, value) in fields.filter_map(|field| field.split_once('=')) {
        let number = |text: &str| text.parse::<usize>().expect("a number");
        if key == "argc" {
            assert_eq!(argc.replace(number(value)), None, "argc once");
        } else if let Some(n) = key.strip_suffix("_len") {
            lengths.insert(number(&n[1..]), number(value));
        } else {
            let (n, part) = key[1..].split_once('[').unwrap_or((&key[1..], "0]"));
            let parts = parts.entry(number(n)).or_default();
            let before = parts.insert(number(part.trim_end_matches(']')), value.to_owned());
            assert_eq!(before, None, "{key} twice");
        }
    }
    assert_eq!(argc, Some(parts.len()));
    assert!(parts.keys().copied().eq(0..parts.len()));
    let argument = |(n, parts): (usize, BTreeMap<usize, String>)| {
        assert!(parts.keys().copied().eq(0..parts.len()), "parts of a{n}");
        let quoted = parts.values().all(|part| part.starts_with('"'));
        let text: String = parts.values().map(|part| part.trim_matches('"')).collect();
        // Split or not is said by the length.
        assert_eq!(lengths.get(&n).map_or(text.len(), |len| *len), text.len());
        if quoted {
            text.into_bytes()
        } else {
            hex::decode(text).expect("hexadecimal")
        }
    };
    parts.into_iter().map(argument).collect()
}

#[track_caller]
fn check_argv(argv: &[&[u8]], expect: &[&str]) {
    let records = bodies(&exec(argv.iter().map(|arg| arg.to_vec())), "EXECVE");
    assert_eq!(records, expect);
    assert_eq!(rejoin(&records), argv);
}

#[test]
fn arguments_with_every_kind_of_byte() {
    check_argv(
        &[
            b"a\nb",
            b"q\"",
            b"\xff\xfe",
            b"",
            b"it's=\\x",
            b"\x7f",
            b"~!",
        ],
        &[r#"argc=7 a0=610A62 a1=7122 a2=FFFE a3="" a4="it's=\x" a5=7F a6="~!""#],
    );
}

#[test]
fn a_printable_argument_moves_to_the_split_form_when_it_nearly_fills_a_record() {
    let long = "x".repeat(7400);
    check_argv(
        &[b"mytrue", long.as_bytes(), b"tail"],
        &[
            &format!(r#"argc=3 a0="mytrue" a1_len=7400 a1[0]="{long}""#),
            r#" a2="tail""#,
        ],
    );
}

/// 96 bytes are kept for a label: what needs more than the rest is split, if only in name.
#[test]
fn the_longest_argument_that_is_not_split() {
    let argv = |len| vec![b'x'; len];
    let whole = bodies(&exec([argv(7500 - 96 - 2)]), "EXECVE");
    assert!(whole.len() == 1 && whole[0].starts_with("argc=1 a0=\"x"));
    let split = bodies(&exec([argv(7500 - 96 - 1)]), "EXECVE");
    assert!(split.len() == 1 && split[0].starts_with("argc=1 a0_len=7403 a0[0]=\"x"));
}

/// 104 bytes left are enough to go on in a record.
#[test]
fn the_fullest_record_that_takes_another_argument() {
    let argv = |left| [vec![b'x'; 7500 - " a0=".len() - 2 - left], b"y".to_vec()];
    let goes_on = bodies(&exec(argv(104)), "EXECVE");
    assert!(goes_on.len() == 1 && goes_on[0].ends_with("x\" a1=\"y\""));
    let ends = bodies(&exec(argv(103)), "EXECVE");
    assert!(ends.len() == 2 && ends[1] == " a1=\"y\"");
}

#[test]
fn a_split_printable_argument_stays_quoted() {
    let long = "x".repeat(7499);
    let (first, rest) = long.split_at(7500 - " a0_len=7499 a0[0]=".len() - 2);
    check_argv(
        &[long.as_bytes()],
        &[
            &format!(r#"argc=1 a0_len=7499 a0[0]="{first}""#),
            &format!(r#" a0[1]="{rest}""#),
        ],
    );
}

#[test]
fn records_are_as_long_as_auditds() {
    let records = bodies(&exec([vec![b'A'; 7500], b"tail".to_vec()]), "EXECVE");
    let lengths: Vec<usize> = records.iter().map(String::len).collect();
    assert_eq!(lengths[..2], [7506, 7499], "7500 and `argc=2`; an odd byte");

    let records = bodies(&exec([vec![b'A'; 131_000]]), "EXECVE");
    assert_eq!(records.len(), 35);
    let digits = |record: &String| record.split_once("]=").expect("a part").1.len();
    assert!(records[1..9].iter().all(|record| digits(record) == 7492));
}

#[test]
fn five_thousand_arguments_take_eleven_records() {
    let argv = (0..5001).map(|n| format!("arg{n:04}")).collect::<Vec<_>>();
    let records = bodies(&exec(argv.clone()), "EXECVE");
    assert_eq!(records.len(), 11);
    assert!(records[1..].iter().all(|record| record.starts_with(" a")));
    assert!(
        rejoin(&records)
            .iter()
            .eq(argv.iter().map(String::as_bytes))
    );
}

#[test]
fn a_lost_argument_list_is_not_an_empty_one() {
    let what = |truncated| {
        What::Exec(Exec {
            truncated,
            ..Exec::default()
        })
    };
    assert_eq!(body(&event(what(false)), "EXECVE"), r#"argc=1 a0="""#);
    assert!(bodies(&event(what(true)), "EXECVE").is_empty());
}

#[test]
fn results() {
    for (exit, expect) in [
        (3, "yes exit=3"),
        (-2, "no exit=-2"),
        (-4095, "no exit=-4095"),
        (-4096, "yes exit=-4096"),
        (-511, "no exit=-511"),
        (-512, "no exit=-4"),
        (-513, "no exit=-4"),
        (-514, "no exit=-4"),
        (-515, "no exit=-515"),
        (-516, "no exit=-4"),
    ] {
        let mut event = event(What::Open(Open::default()));
        event.call.as_mut().expect("a call").exit = exit;
        let body = body(&event, "SYSCALL");
        let part = format!("syscall=59 success={expect} a0=1 ");
        assert!(body.contains(&part), "{exit}: {body}");
    }
}

#[test]
fn missing_and_special_values() {
    let mut event = event(What::Module(Module::default()));
    event.call.as_mut().expect("a call").personality = 0x40000;
    event.key = Some(Bytes::from_static(b"one\x01two"));
    let syscall = body(&event, "SYSCALL");
    assert!(syscall.starts_with("arch=c000003e syscall=59 per=40000 success=yes "));
    assert!(syscall.ends_with(r#"tty=(none) ses=0 comm="" exe=(null) key=6F6E650174776F"#));
    for absent in ["KERN_MODULE", "CWD", "PATH"] {
        assert!(bodies(&event, absent).is_empty(), "{absent}");
    }
    event.cwd = Some(Bytes::from(vec![b'/'; 4107]));
    assert_eq!(body(&event, "CWD"), r#"cwd="<too_long>""#);
    let mut end = Vec::new();
    records::format_eoe(&event, &mut end);
    assert_eq!(end, b"type=EOE msg=audit(1795528668.706:1094): \n");
}

#[test]
fn path_items() {
    let check = |file, expect: &str| {
        let mut event = event(What::Open(Open::default()));
        event.paths = vec![PathItem {
            file,
            ..PathItem::default()
        }];
        let caps = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0";
        assert_eq!(
            body(&event, "PATH"),
            format!("item=0 name=(null){expect} nametype=UNKNOWN {caps}")
        );
    };
    check(None, "");
    check(
        Some(FileFacts::default()),
        " inode=0 dev=00:00 mode=0 ouid=0 ogid=0 rdev=00:00",
    );
    let device = FileFacts {
        ino: u64::MAX,
        dev: (8 << 20) | 0x1234,
        rdev: (0x103 << 20) | 5,
        mode: 0o060_660,
        uid: u32::MAX,
        gid: 6,
        nlink: 1,
    };
    check(
        Some(device),
        " inode=18446744073709551615 dev=08:1234 mode=060660 ouid=4294967295 ogid=6 rdev=103:05",
    );
}

#[test]
fn proctitles() {
    let check = |title: &[u8], expect: &str| {
        let mut event = event(What::Open(Open::default()));
        event.proctitle = Bytes::copy_from_slice(title);
        assert_eq!(body(&event, "PROCTITLE"), format!("proctitle={expect}"));
    };
    check(b"", r#""(null)""#);
    check(b"\0\n\x7f\x9f", r#""(null)""#);
    check(b"./t\0\0", r#""./t""#);
    check(b"./t \0", "2E2F7420");
    check(b"a\0b\0", "610062");
    check("cat\0café\0".as_bytes(), "63617400636166C3A9");
    check("ends in \u{400}".as_bytes(), "656E647320696E20D0");
    check(&[b'x'; 200], &format!("\"{}\"", "x".repeat(128)));
}

/// Bytes of an argument: anything but NUL.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    let near = prop_oneof![7380usize..7510, 14_900usize..15_100, Just(131_071)];
    prop_oneof![
        4 => proptest::collection::vec(1u8.., 0..40),
        4 => proptest::collection::vec(b'!'..=b'~', 0..200),
        1 => (b'#'..=b'~', near).prop_map(|(byte, len)| vec![byte; len]),
        1 => (1u8.., 0usize..9000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

/// An event whose every string is `hostile`.
fn hostile(text: &[u8]) -> Event {
    let text = Bytes::copy_from_slice(text);
    let mut event = exec([text.clone(), text.clone()]);
    event.who.comm = text.slice(..text.len().min(15));
    event.who.exe = Some(text.clone());
    event.who.tty = Some(text.slice(..text.len().min(15)));
    event.cwd = Some(text.clone());
    event.paths = vec![PathItem {
        name: Some(text.clone()),
        file: Some(FileFacts::default()),
        ..PathItem::default()
    }];
    event.proctitle = text.clone();
    event.key = Some(text.slice(..text.len().min(256)));
    event
}

/// Keys of a line's fields, but not how often an argument was split.
fn keys(line: &str) -> Vec<&str> {
    let keys = line
        .split(' ')
        .map(|f| f.split_once('=').map_or(f, |kv| kv.0));
    keys.collect()
}

fn assert_sound(event: &Event) {
    let mut out = Vec::new();
    records::format(event, &mut out);
    for line in out.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\n").expect("a newline");
        assert!(text.iter().all(|b| (0x20..=0x7e).contains(b)));
        assert!(line.len() < 8970, "{} bytes", line.len());
        assert!(text.starts_with(b"type="));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn argument_lists_come_back(argv in proptest::collection::vec(argument(), 1..30)) {
        let event = exec(argv.clone());
        assert_sound(&event);
        prop_assert_eq!(rejoin(&bodies(&event, "EXECVE")), argv);
    }

    #[test]
    fn nothing_is_forged(text in proptest::collection::vec(any::<u8>(), 0..600)) {
        let event = hostile(&text);
        assert_sound(&event);
        let (lines, quiet) = (records::lines(&event), records::lines(&hostile(b"x")));
        prop_assert_eq!(lines.len(), quiet.len());
        for (line, quiet) in lines.iter().zip(&quiet) {
            prop_assert_eq!(keys(line), keys(quiet));
        }
    }

    #[test]
    fn lines_stay_short(byte in any::<u8>(), len in 3800usize..5000) {
        assert_sound(&hostile(&vec![byte; len]));
    }

    #[test]
    fn text_that_looks_like_records_is_only_text(
        text in "( ?(type=SYSCALL|msg=audit\\(1.000:1\\):|auid=0|key=\"x\"|\n|=|\"|')){0,12}",
    ) {
        let (event, quiet) = (hostile(text.as_bytes()), hostile(b"x"));
        assert_sound(&event);
        prop_assert!(
            records::lines(&event)
                .iter()
                .map(|line| keys(line))
                .eq(records::lines(&quiet).iter().map(|line| keys(line)))
        );
    }
}
