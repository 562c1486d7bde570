//! The JSON view as a consumer reads it: every field of the line, by value.

use auklet::{
    event::{
        Caveats, Event, Exec, FileFacts, Module, NameType, Open, PathItem, Process, Syscall, Times,
        Utime, What,
    },
    json,
};
use bytes::Bytes;
use serde_json::{Value, json};

fn bytes(text: &'static [u8]) -> Bytes {
    Bytes::from_static(text)
}

fn item() -> PathItem {
    PathItem {
        name: Some(bytes(b"f\xff")),
        resolved: Some(bytes("/srv/é".as_bytes())),
        file: Some(FileFacts {
            ino: 7,
            dev: 0xfe << 20,
            rdev: (4 << 20) | 0x40,
            mode: 0o100_644,
            uid: 1000,
            gid: 100,
            nlink: 2,
        }),
        nametype: NameType::Create,
        ..PathItem::default()
    }
}

fn shown_item() -> Value {
    json!({
        "name": {"hex": "66ff"}, "resolved": "/srv/é", "nametype": "CREATE", "inode": 7,
        "dev": "fe:00", "rdev": "04:40", "mode": "0100644", "ouid": 1000, "ogid": 100, "nlink": 2,
    })
}

fn event(what: What) -> Event {
    Event {
        time_ns: 1_795_528_668_706_000_001,
        serial: 9,
        call: Some(Syscall {
            arch: 0xc000_003e,
            nr: 59,
            args: [u64::MAX, 0x2a, 0, 1],
            exit: -13,
            personality: 0,
        }),
        who: Process {
            pid: 1,
            tid: 2,
            ppid: 3,
            auid: u32::MAX,
            ses: 5,
            uid: 6,
            euid: 7,
            suid: 8,
            fsuid: 9,
            gid: 10,
            egid: 11,
            sgid: 12,
            fsgid: 13,
            tty: Some(bytes(b"pts0")),
            comm: bytes(b"a\nb\""),
            exe: None,
            subj: Some(bytes(b"unconfined")),
            start_ns: 14,
        },
        cwd: Some(bytes(b"/")),
        paths: vec![item(), PathItem::default()],
        proctitle: bytes(b"a\0b"),
        key: None,
        what,
        aux: Vec::new(),
        caveats: Caveats {
            looked_up: true,
            ..Caveats::default()
        },
    }
}

/// The one line of an event.
fn line(event: &Event) -> String {
    let mut out = Vec::new();
    json::write(event, &mut out).expect("a Vec takes everything");
    let text = String::from_utf8(out).expect("UTF-8");
    assert_eq!(text.matches('\n').count(), 1);
    assert!(text.ends_with("}\n"));
    text
}

fn shown(event: &Event) -> Value {
    serde_json::from_str(&line(event)).expect("JSON")
}

#[test]
fn every_field_of_an_event() {
    let exec = Exec {
        argv: vec![bytes(b"a b"), bytes(b""), bytes(b"\xc3")],
        script: Some(bytes(b"/s")),
        argv_bytes: 8,
        truncated: true,
        interpreter: Some(bytes(b"/bin/sh")),
    };
    let expect = json!({
        "type": "event", "hook": "execve", "time_ns": 1_795_528_668_706_000_001_u64, "serial": 9,
        "syscall": {
            "arch": "x86_64", "nr": 59, "name": "execve",
            "args": ["0xffffffffffffffff", "0x2a", "0x0", "0x1"], "exit": -13, "success": false,
        },
        "who": {
            "pid": 1, "tid": 2, "ppid": 3, "auid": u32::MAX, "ses": 5, "uid": 6, "euid": 7,
            "suid": 8, "fsuid": 9, "gid": 10, "egid": 11, "sgid": 12, "fsgid": 13, "tty": "pts0",
            "comm": "a\nb\"", "exe": null, "subj": "unconfined", "start_ns": 14,
        },
        "cwd": "/",
        "paths": [shown_item(), {"name": null, "resolved": null, "nametype": "UNKNOWN"}],
        "proctitle": "a\u{0}b", "key": null,
        "exec": {
            "argv": ["a b", "", {"hex": "c3"}], "argv_bytes": 8, "truncated": true,
            "interpreter": "/bin/sh", "script": "/s",
        },
        "aux": [],
        "caveats": {
            "name_from_user": false, "truncated": false, "looked_up": true, "from_proc": false,
            "other_root": false,
        },
    });
    assert_eq!(shown(&event(What::Exec(exec))), expect);
}

#[test]
fn the_other_families() {
    let times = Times {
        atime: (-1, 999_999_999),
        mtime: (2, 0),
        ctime: (3, 4),
    };
    let module = Module {
        name: Some(bytes(b"dummy")),
        unnamed: false,
        flags: 4,
        file: Some(item()),
    };
    let open = Open {
        flags: 0o101,
        mode: 0o600,
        resolve: 4,
        created: true,
        how_recorded: false,
    };
    let utime = Utime {
        target: Some(item()),
        old: Some(times),
        new: None,
        set_atime: true,
        set_mtime: false,
    };
    let shown_times = json!({"atime": [-1, 999_999_999], "mtime": [2, 0], "ctime": [3, 4]});
    for (what, hook, facts) in [
        (
            What::Module(module),
            "module",
            json!({"name": "dummy", "flags": 4, "file": shown_item()}),
        ),
        (
            What::Open(open),
            "open",
            json!({"flags": 0o101, "mode": 0o600, "resolve": 4, "created": true}),
        ),
        (
            What::Utime(utime),
            "utime",
            json!({
                "target": shown_item(), "old": shown_times, "new": null, "set_atime": true,
                "set_mtime": false,
            }),
        ),
    ] {
        let value = shown(&event(what));
        assert_eq!(value["hook"], hook);
        assert_eq!(value[hook], facts);
        assert!(value.get("exec").is_none());
    }
}

#[test]
fn architectures() {
    for (arch, nr, expect) in [
        (0xc000_003e, 437, json!(["x86_64", "openat2"])),
        (0x4000_0003, 11, json!(["i386", "execve"])),
        (0xc000_00b7, 221, json!(["0xc00000b7", null])),
        (0xc000_003e, 9999, json!(["x86_64", null])),
    ] {
        let mut event = event(What::Open(Open::default()));
        let call = event.call.as_mut().expect("a call");
        (call.arch, call.nr) = (arch, nr);
        let value = shown(&event);
        assert_eq!(
            json!([value["syscall"]["arch"], value["syscall"]["name"]]),
            expect
        );
    }
}

/// A terminal that shows the line must not obey what is in it.
#[test]
fn control_characters_do_not_stand_in_a_line() {
    for name in ["\u{1b}[2J", "\u{9b}2J", "\u{7f}", "a\u{85}b"] {
        let mut event = event(What::Open(Open::default()));
        event.cwd = Some(Bytes::copy_from_slice(name.as_bytes()));
        let line = line(&event);
        assert!(!line.trim_end().contains(char::is_control), "{line:?}");
    }
}
