//! Logs of real kernels and auditd to events and back, byte for byte: the examples of our study of
//! the formats (tests/data/replay/eNN.log), some lines for what they lack, and the golden records.

use std::{fs, path::PathBuf};

use auklet::{
    event::{Aux, Event, NameType, What},
    json, records,
    replay::{Parser, Replayed},
};

fn data(dir: &str) -> Vec<PathBuf> {
    let dir = format!("{}/../tests/data/{dir}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{dir}: {e}"));
    let files = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn read(log: &[u8]) -> Vec<Replayed> {
    let mut parser = Parser::default();
    for line in log.split(|b| *b == b'\n') {
        parser.line(line).expect("a record");
    }
    parser.end();
    std::iter::from_fn(|| parser.next_event()).collect()
}

fn example(name: &str) -> Vec<Event> {
    let path = format!("{}/../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let log = fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    read(&log).into_iter().map(|r| r.event).collect()
}

fn one(name: &str) -> Event {
    let [event] = example(name).try_into().expect("one event");
    event
}

/// The log without what RAW doesn't have: node, and what ENRICHED adds.
fn raw(log: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    for line in log.split_inclusive(|b| *b == b'\n') {
        let start = line.windows(5).position(|w| w == b"type=");
        let line = &line[start.expect("a type")..];
        let added = line
            .windows(2)
            .rposition(|w| w[0] == 0x1d && w[1].is_ascii_uppercase());
        // A message ends with a quote: what looks added is its own.
        let end = added.filter(|_| !line.ends_with(b"'\n"));
        raw.extend_from_slice(&line[..end.unwrap_or(line.len() - 1)]);
        raw.push(b'\n');
    }
    raw
}

fn sorted(text: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = text
        .split(|b| *b == b'\n')
        .map(|line| line.escape_ascii().to_string())
        .collect();
    lines.sort();
    lines
}

#[test]
fn every_event_makes_its_records_again() {
    let files = [data("replay"), data("records")].concat();
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let log = fs::read(&file).expect("a file");
        let mut made = Vec::new();
        for replayed in read(&log) {
            let before = made.len();
            records::format(&replayed.event, &mut made);
            let mut logged = Vec::new();
            replayed.as_logged(&mut logged);
            let file = file.display();
            assert_eq!(sorted(&made[before..]), sorted(&logged), "{file}");
            assert!(replayed.is_exact() && !replayed.cut, "order in {file}");
        }
        // Nothing was added or is missing; events may have been interleaved.
        assert_eq!(sorted(&made), sorted(&raw(&log)), "{}", file.display());
    }
}

#[test]
fn what_an_event_lacks_is_kept_as_logged() {
    let files = data("replay/kept");
    assert!(files.len() >= 4);
    for file in files {
        let log = fs::read(&file).expect("a file");
        let [replayed] = read(&log).try_into().expect("one event");
        assert!(!replayed.is_exact(), "{}", file.display());
        let mut logged = Vec::new();
        replayed.as_logged(&mut logged);
        assert_eq!(logged, log, "{}", file.display());
    }
}

fn resolved(event: &Event, item: usize) -> String {
    let path = event.paths[item].resolved.as_deref().unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

#[test]
fn families_have_their_facts() {
    let What::Exec(exec) = one("replay/e02.log").what else {
        panic!("an exec");
    };
    assert_eq!(exec.argv, ["/bin/sh", "-e", "./s.sh", "a1"]);
    assert_eq!(exec.script.as_deref(), Some(&b"/srv/at/s.sh"[..]));
    assert_eq!(exec.interpreter.as_deref(), Some(&b"/bin/sh"[..]));
    assert!(!exec.truncated);

    let opened = one("replay/e04.log");
    let What::Open(open) = opened.what else {
        panic!("an open");
    };
    assert_eq!((open.flags, open.mode, open.created), (0x241, 0o666, true));
    assert_eq!(resolved(&opened, 1), "/root/wf");

    let touched = one("replay/e07.log");
    assert_eq!(resolved(&touched, 0), "/root/w/exist");
    let What::Utime(utime) = touched.what else {
        panic!("a time change");
    };
    assert!(utime.set_mtime && utime.target.is_some_and(|t| t.file.is_some()));

    let What::Module(module) = one("replay/e08.log").what else {
        panic!("a module");
    };
    assert_eq!(
        (module.name.as_deref(), module.flags),
        (Some(&b"dummy"[..]), 4)
    );
    assert!(module.file.is_some_and(|file| file.resolved.is_none()));

    // From a directory's descriptor: no path is made up.
    assert_eq!(resolved(&one("replay/e06.log"), 1), "sub");

    let [arm, other] = example("replay/nodes-interleaved-arm64.log")
        .try_into()
        .expect("two");
    assert!(matches!(&arm.what, What::Exec(exec) if exec.argv == ["id", "-u"]));
    assert_eq!((arm.serial, other.serial), (70, 71));
}

#[test]
fn records_beside_the_call_are_facts_or_foreign() {
    let kinds = |name: &str| {
        let kind = |aux: &Aux| match aux {
            Aux::Foreign { kind, first, .. } => {
                format!("{}{}", String::from_utf8_lossy(kind), u8::from(*first))
            }
            known => format!("{known:?}")
                .split([' ', '('])
                .next()
                .unwrap_or("")
                .to_owned(),
        };
        let events = example(name);
        events
            .iter()
            .flat_map(|e| e.aux.iter().map(kind))
            .collect::<Vec<_>>()
    };
    for (name, expect) in [
        ("e09", &["Sockaddr"][..]),
        ("e12", &["ObjPid"]),
        ("e13", &["Bpf"]),
        ("e15", &["BprmFcaps"]),
        ("e16", &["Login"]),
        ("e17", &["CONFIG_CHANGE1", "Sockaddr"]),
        ("selinux-avc", &["AVC1"]),
        ("mq-open", &["MQ_OPEN0"]),
    ] {
        assert_eq!(kinds(&format!("replay/{name}.log")), expect, "{name}");
    }
    let queue = one("replay/mq-open.log");
    assert!(queue.paths[0].hidden && queue.paths[1].nametype == NameType::Create);
    let alone = example("replay/alone.log");
    let seccomp = &alone[1];
    assert_eq!((seccomp.who.pid, seccomp.who.auid), (99, 1000));
    let hostile = alone.iter().find(|e| e.serial == 67).expect("the message");
    assert_eq!(hostile.who.pid, 1);
}

#[test]
fn rules_see_old_and_broken_records() {
    let old = one("replay/kept/rhel7.log");
    assert!(matches!(old.what, What::Open(open) if open.created && open.flags == 0x241));
    assert_eq!(resolved(&old, 1), "/root/x");
    let broken = one("replay/kept/no-syscall.log");
    assert!(matches!(&broken.what, What::Exec(exec) if exec.argv == ["x"] && exec.truncated));
    assert!(broken.caveats.truncated && broken.call.is_none());
}

#[test]
fn json_holds_no_byte_that_a_terminal_obeys() {
    for event in example("replay/alone.log") {
        let mut line = Vec::new();
        json::write(&event, &mut line).expect("a Vec takes everything");
        assert!(!line[..line.len() - 1].iter().any(u8::is_ascii_control));
    }
}
