//! Random rules and events: no bytes panic, what is printed loads to the same rule, and whatever is
//! recorded the kernel side was asked for.

use std::path::Path;

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select, strategy::ValueTree as _};

use super::{
    Fake, KERNEL,
    events::{call, call_of, enter, message, openat2, uring},
    load_on,
};
use crate::{
    event::{Aux, Event, NameType},
    policy::Policy,
    syscalls::Abi,
};

const CALLS: &[&str] = &[
    "open",
    "openat",
    "openat2",
    "creat",
    "chmod",
    "link",
    "unlink",
    "execve",
    "execveat",
    "getxattr",
    "exit_group",
    "bpf",
    "setuid",
    "bind",
    "getpid",
];
const PATHS: &[&str] = &[
    "/etc",
    "/etc/shadow",
    "/etc/a",
    "/tmp/x",
    "/usr/bin/su",
    "/a!=b",
    "/",
];

fn host() -> Fake {
    Fake::usual()
}

/// Conditions that an event is likely to meet or just miss.
fn field() -> impl Strategy<Value = String> {
    let op = select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let bits = select(vec!["=", "!=", "&", "&=", ">", "<"]);
    let equal = select(vec!["=", "!="]);
    let ids = vec![
        "uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid", "auid", "obj_uid",
        "obj_gid",
    ];
    let numbers = vec!["pid", "ppid", "sessionid", "devmajor", "saddr_fam", "exit"];
    prop_oneof![
        (select(ids), op.clone(), 0..3u32).prop_map(|(f, o, v)| format!("-F {f}{o}{v}")),
        (select(numbers), op, 0..3u32).prop_map(|(f, o, v)| format!("-F {f}{o}{v}")),
        (select(vec!["a0", "a1", "a2", "a3", "pers"]), bits, 0..4u32)
            .prop_map(|(f, o, v)| format!("-F {f}{o}{v}")),
        equal.clone().prop_map(|o| format!("-F auid{o}unset")),
        (equal.clone(), 0..2u32).prop_map(|(o, v)| format!("-F success{o}{v}")),
        (equal.clone(), select(vec!["file", "dir"]))
            .prop_map(|(o, v)| format!("-F filetype{o}{v}")),
        equal.clone().prop_map(|o| format!("-F exe{o}/usr/bin/su")),
        (equal.clone(), select(vec!["uid", "euid", "obj_uid"]))
            .prop_map(|(o, v)| format!("-C auid{o}{v}")),
        select(PATHS).prop_map(|p| format!("-F path={p}")),
        select(PATHS).prop_map(|p| format!("-F dir={p}")),
        (equal, 10..13u32).prop_map(|(o, v)| format!("-F inode{o}{v}")),
        "[rwxa]{1,4}".prop_map(|p| format!("-F perm={p}")),
    ]
}

fn exit_rule() -> impl Strategy<Value = String> {
    let arch = select(vec!["", "-F arch=b64", "-F arch=b32", "-F arch!=b64"]);
    let calls = prop_oneof![
        Just("-S all".to_owned()),
        select(CALLS).prop_map(|c| format!("-S {c}")),
        vec(0..400u32, 1..9).prop_map(|nrs| {
            let nrs: Vec<String> = nrs.iter().map(u32::to_string).collect();
            format!("-S {}", nrs.join(","))
        }),
    ];
    let action = select(vec!["always", "never"]);
    let option = select(vec!["-a", "-A"]);
    let key = option::of("[a-z\\\\\"é]{1,5}");
    (option, action, arch, calls, vec(field(), 0..3), key).prop_map(
        |(option, action, arch, calls, fields, key)| {
            let key = key.map_or_else(String::new, |key| format!("-k {key}"));
            format!(
                "{option} {action},exit {arch} {calls} {} {key}",
                fields.join(" ")
            )
        },
    )
}

fn other_rule() -> impl Strategy<Value = String> {
    let id = (select(vec!["uid", "auid", "pid"]), 0..3u32).prop_map(|(f, v)| format!("-F {f}={v}"));
    let list = select(vec![
        "always,task",
        "never,task",
        "always,io_uring",
        "never,io_uring",
        "never,user",
        "always,exclude",
    ]);
    prop_oneof![
        3 => (list, id).prop_map(|(list, id)| format!("-a {list} {id}")),
        1 => select(vec!["-e 0", "-e 1"]).prop_map(str::to_owned),
        1 => (select(PATHS), option::of(field())).prop_map(|(p, field)| {
            format!("-w {p} -p wa {} -k w", field.unwrap_or_default())
        }),
    ]
}

/// A policy; lines that do not load (two paths in a rule, a rule twice) are left out by `-i`.
fn policy() -> impl Strategy<Value = String> {
    let line = prop_oneof![4 => exit_rule(), 1 => other_rule()];
    vec(line, 0..8).prop_map(|lines| format!("-i\n{}\n", lines.join("\n")))
}

fn item() -> impl Strategy<Value = (NameType, &'static str, u64, u32)> {
    let kinds = vec![
        NameType::Normal,
        NameType::Parent,
        NameType::Create,
        NameType::Delete,
        NameType::Unknown,
    ];
    let inode = select(vec![0, 10, 11, 12, 22, 30]);
    (select(kinds), select(PATHS), inode, 0..3u32)
}

fn base() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => select(CALLS).prop_map(call),
        1 => select(CALLS).prop_map(|name| call_of(Abi::Compat, name)),
        1 => (0..500u32).prop_map(|nr| {
            let mut event = call("getpid");
            event.call.as_mut().expect("call").nr = if nr < 450 { nr } else { nr | 0x4000_0000 };
            event
        }),
        1 => (0..4u64).prop_map(openat2),
        1 => (0..30u32).prop_map(uring),
        1 => vec((0..30u32, select(vec![0i64, -11])), 1..4).prop_map(|all| enter(&all)),
        1 => (1100..1110u16).prop_map(message),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let who = (
        vec(0..3u32, 13),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let args = vec(0..5u64, 4);
    let exit = select(vec![0i64, 1, 2, -1, -13]);
    (
        base(),
        who,
        args,
        exit,
        vec(item(), 0..4),
        select(vec![0u8, 0, 0, 1, 2]),
    )
        .prop_map(
            |(event, (ids, unset, su, other_root), args, exit, items, aux)| {
                let args = [args[0], args[1], args[2], args[3]];
                let mut event = event.args(args).exit(exit).who(|who| {
                    [who.uid, who.euid, who.suid, who.fsuid] = [ids[0], ids[1], ids[2], ids[3]];
                    [who.gid, who.egid, who.sgid, who.fsgid] = [ids[4], ids[5], ids[6], ids[7]];
                    [who.pid, who.ppid, who.ses] = [ids[8], ids[9], ids[10]];
                    who.auid = if unset { u32::MAX } else { ids[11] };
                    if su {
                        who.exe = Some(Bytes::from_static(b"/usr/bin/su"));
                    }
                });
                event.caveats.other_root = other_root;
                for (kind, path, ino, owner) in items {
                    event = event.path(kind, path, ino);
                    let file = event.paths.last_mut().and_then(|item| item.file.as_mut());
                    if let Some(file) = file {
                        file.uid = owner;
                    }
                }
                event.aux = match aux {
                    1 => vec![Aux::Bpf {
                        prog_id: 1,
                        unload: false,
                    }],
                    2 => vec![Aux::Sockaddr(Bytes::from_static(&[2, 0, 0, 80]))],
                    _ => Vec::new(),
                };
                event
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn nothing_recorded_is_kept_out(text in policy(), events in vec(event(), 1..6)) {
        let mut policy = load_on(&text, &host());
        for event in events {
            let wanted = policy.wanted();
            if policy.decide(&event).record {
                prop_assert!(wanted.admits(&event, &policy), "{text}\n{event:#?}\n{wanted:#?}");
            }
            policy.follow(&event);
        }
    }

    #[test]
    fn what_is_printed_loads_to_the_same(text in policy()) {
        // Nothing is a directory here: `-w` of one that was named by path= would become dir=.
        let host = Fake::with(&[]);
        for loaded in load_on(&text, &host).rules() {
            let line = loaded.rule.line();
            let again = Policy::parse(Path::new("p"), &line, &host, KERNEL);
            let shown = String::from_utf8_lossy(&line).into_owned();
            let again = again.map_err(|e| TestCaseError::fail(format!("{shown}: {e}")))?;
            prop_assert_eq!(&again.rules()[0].rule, &loaded.rule, "{}", shown);
            prop_assert!(!loaded.rule.explain().is_empty());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..80)) {
        let text = [b"-a always,exit -F ".as_slice(), &bytes, b"\n-w /", &bytes].concat();
        if let Err(errors) = Policy::parse(Path::new("p"), &text, &host(), KERNEL) {
            let shown = errors.to_string();
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        }
    }

    #[test]
    fn any_words_that_load_are_printed_to_load(words in vec(select(WORDS), 0..12)) {
        let host = Fake::with(&[]);
        let load = |text: &[u8]| Policy::parse(Path::new("p"), text, &host, KERNEL);
        if let Ok(policy) = load(words.join(" ").as_bytes()) {
            let verdict = policy.decide(&call("open").normal("/etc/shadow", 11));
            prop_assert!(verdict.key.is_none() || verdict.record);
            for loaded in policy.rules() {
                let again = load(&loaded.rule.line()).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(&again.rules()[0].rule, &loaded.rule);
            }
        }
    }

    #[test]
    fn any_words_after_a_list_are_printed_to_load(
        list in select(vec!["-a exit,always", "-a io_uring,never", "-w /a\\ b", "-a exclude,always", "-a never,task"]),
        words in vec((select(vec!["-F", "-S", "-C", "-k", "-p"]), select(WORDS)), 0..5),
    ) {
        let words: Vec<String> = words.iter().map(|(option, word)| format!("{option} {word}")).collect();
        let text = format!("{list} {}", words.join(" "));
        let host = Fake::with(&[]);
        let load = |text: &[u8]| Policy::parse(Path::new("p"), text, &host, KERNEL);
        if let Ok(policy) = load(text.as_bytes()) {
            let rule = &policy.rules()[0].rule;
            let again = load(&rule.line()).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
            prop_assert_eq!(&again.rules()[0].rule, rule, "{}", text);
        }
    }
}

const WORDS: &[&str] = &[
    "-a",
    "-A",
    "-d",
    "-S",
    "-F",
    "-C",
    "-k",
    "-w",
    "-W",
    "-p",
    "-D",
    "-b",
    "-f",
    "-e",
    "-i",
    "-c",
    "-",
    "--",
    "--backlog_wait_time",
    "exit,always",
    "never,task",
    "exclude,always",
    "io_uring,always",
    "open",
    "all",
    "uid=0",
    "auid!=unset",
    "path=/x",
    "dir=/",
    "perm=wa",
    "key=k",
    "arch=b64",
    "uid!=euid",
    "msgtype=CWD",
    "0",
    "1",
    "/etc",
    "wa",
    "#",
    "exe=/x",
    "a0&1",
    "inode=3",
];

/// The generators meet what they are for: many events are recorded, many are not, many are admitted
/// that are not recorded.
#[test]
fn the_random_events_are_worth_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut recorded, mut admitted, mut matched) = (0, 0, 0);
    for _ in 0..2000 {
        let tree = (policy(), event()).new_tree(&mut runner).expect("a value");
        let (text, event) = tree.current();
        let policy = load_on(&text, &host());
        let verdict = policy.decide(&event);
        recorded += u32::from(verdict.record);
        matched += u32::from(verdict.rule.is_some());
        admitted += u32::from(policy.wanted().admits(&event, &policy));
    }
    assert!(recorded > 300 && recorded < 1700, "recorded {recorded}");
    assert!(matched > 400, "matched {matched}");
    assert!(
        admitted > recorded && admitted < 1900,
        "admitted {admitted}, recorded {recorded}"
    );
}
