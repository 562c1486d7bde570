//! `auklet rules` as a command: list, show, explain, test; and events that a log tells, which raise the
//! same rules.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn run(args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auklet"));
    let output = command.args(args).current_dir(dir).output();
    output.expect("start auklet")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Standard output of a command that succeeds.
#[track_caller]
fn out(args: &[&str], dir: &Path) -> String {
    let output = run(args, dir);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Standard error of one that fails.
#[track_caller]
fn fails(args: &[&str], dir: &Path) -> String {
    let output = run(args, dir);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    text(&output.stderr)
}

const KEYS: &str = "\
title: Keys moved
id: 5b2c6a10-0000-4000-8000-000000000001
logsource: {product: linux, category: file_event}
detection:
    keys:
        TargetFilename|endswith:
            - /authorized_keys
            - /authorized_keys2
        Operation: rename
    ours:
        UserId: 7
    condition: keys and not ours
level: high
---
title: Keys by record
id: 5b2c6a10-0000-4000-8000-000000000002
logsource: {product: linux, service: auditd}
detection:
    keys:
        type: PATH
        nametype: CREATE
        name|endswith: /authorized_keys
        exe: /usr/bin/mv
    condition: keys
level: low
---
title: Called home
id: 5b2c6a10-0000-4000-8000-000000000003
logsource: {product: linux, category: network_connection}
detection:
    home:
        DestinationIp|cidr: 198.51.100.0/24
        DestinationPort: 4444
        Initiated: true
    condition: home
level: low
---
title: Failed sign-in
id: 5b2c6a10-0000-4000-8000-000000000004
logsource: {product: linux, category: authentication}
detection:
    failed:
        Account: eve
        Success: false
    condition: failed
level: low
";

/// A key moved into place, a connection, and a sign-in, as auditd's log has them.
fn log() -> String {
    let who = "success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=4 ppid=7 pid=8 auid=1000 uid=0 gid=0 euid=0 suid=0 \
               fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"mv\" exe=\"/usr/bin/mv\" key=(null)";
    let file = "dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype";
    let lines = [
        (5, format!("SYSCALL arch=c000003e syscall=82 {who}")),
        (5, "CWD cwd=\"/root/.ssh\"".to_owned()),
        (5, format!("PATH item=0 name=\"/root/.ssh\" inode=1 {file}=PARENT")),
        (5, format!("PATH item=1 name=\"/tmp/\" inode=2 {file}=PARENT")),
        (5, format!("PATH item=2 name=\"/tmp/k\" inode=9 {file}=DELETE")),
        (5, format!("PATH item=3 name=\"authorized_keys\" inode=9 {file}=CREATE")),
        (5, "PROCTITLE proctitle=\"mv\"".to_owned()),
        (6, format!("SYSCALL arch=c000003e syscall=42 {}", who.replace("items=4", "items=0"))),
        (6, "SOCKADDR saddr=0200115CC63364070000000000000000".to_owned()),
        (6, "PROCTITLE proctitle=\"mv\"".to_owned()),
        (7, "USER_LOGIN pid=9 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=\"eve\" exe=\"/usr/sbin/sshd\" hostname=? addr=? terminal=ssh res=failed'".to_owned()),
    ];
    let line = |(serial, line): &(u32, String)| {
        let (kind, body) = line.split_once(' ').expect("a kind");
        format!("type={kind} msg=audit(1700000000.000:{serial}): {body}\n")
    };
    lines.iter().map(line).collect()
}

fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("directory");
    fs::write(dir.path().join("keys.yml"), KEYS).expect("write");
    fs::write(dir.path().join("audit.log"), log()).expect("write");
    dir
}

#[test]
fn rules_are_listed_and_shown() {
    let dir = site();
    let shipped = out(&["rules", "list"], dir.path());
    assert!(shipped.contains("Suspicious kernel module detected"));
    let own = ["rules", "list", "--rules", "keys.yml", "--no-shipped-rules"];
    assert_eq!(out(&own, dir.path()).lines().count(), 4);
    let show = ["rules", "show", "Called home", "--rules", "keys.yml"];
    let shown = out(&show, dir.path());
    assert!(
        shown.contains("about       network_connection\n"),
        "{shown}"
    );
    assert!(shown.contains("DestinationPort: 4444") && !shown.contains("Keys moved"));
    let shown = out(
        &["rules", "show", "Suspicious kernel module detected"],
        dir.path(),
    );
    assert!(shown.contains("logsource:") && shown.contains("kernel_module_load"));
    let error = fails(&["rules", "show", "nope"], dir.path());
    assert!(
        error.contains("no rule has the id, alias or title"),
        "{error}"
    );
}

#[test]
fn a_log_raises_what_live_events_would() {
    let dir = site();
    let replay = [
        "replay",
        "--json",
        "--no-shipped-rules",
        "--rules",
        "keys.yml",
        "audit.log",
    ];
    let alerts = out(&replay, dir.path());
    for title in [
        "Keys moved",
        "Keys by record",
        "Called home",
        "Failed sign-in",
    ] {
        let count = alerts.matches(&format!("\"title\":\"{title}\"")).count();
        assert_eq!(count, 1, "{title}: {alerts}");
    }
}

#[test]
fn why_a_rule_matches_is_told_of_an_event() {
    let dir = site();
    let events = out(
        &["replay", "--events", "--no-shipped-rules", "audit.log"],
        dir.path(),
    );
    let events: Vec<&str> = events
        .lines()
        .filter(|l| l.contains("\"type\":\"event\""))
        .collect();
    assert_eq!(events.len(), 3);
    fs::write(dir.path().join("rename.json"), events[0]).expect("write");
    let explain = |rule: &str, file: &str| {
        out(
            &["rules", "explain", rule, file, "--rules", "keys.yml"],
            dir.path(),
        )
    };
    let why = explain("Keys moved", "rename.json");
    for line in [
        "matches, as file_event",
        "yes  condition: keys and not ours",
        "yes  keys (line 5)",
        "yes      TargetFilename|endswith (line 6): is /root/.ssh/authorized_keys",
        "yes        /authorized_keys",
        "no         /authorized_keys2",
        "no   ours (line 10)",
    ] {
        assert!(why.lines().any(|l| l == line), "{line}: {why}");
    }
    let why = explain("Keys by record", "rename.json");
    assert!(why.contains("\nmatches, as auditd") && why.contains("\ndoes not match, as auditd"));
    let why = explain("Called home", "rename.json");
    assert!(
        why.contains("it is about network_connection, and the event is file_rename"),
        "{why}"
    );
    fs::write(dir.path().join("connect.json"), events[1]).expect("write");
    assert!(explain("Called home", "connect.json").contains("\nmatches, as network_connection"));
    fs::write(dir.path().join("login.json"), events[2]).expect("write");
    assert!(explain("Failed sign-in", "login.json").contains("\nmatches, as authentication"));
    let observation = r#"{"category": "file_event", "fields": {"TargetFilename": "/x/authorized_keys", "Operation": "rename", "UserId": 7}}"#;
    fs::write(dir.path().join("own.json"), observation).expect("write");
    assert!(explain("Keys moved", "own.json").contains("\ndoes not match, as file_event"));
}

#[test]
fn what_is_no_event_is_refused() {
    let dir = site();
    for (content, expect) in [
        ("", "not one JSON object"),
        ("{}", "no event: its type is not"),
        (r#"{"type": "event", "hook": "open"}"#, "no paths"),
        (
            r#"{"category": "file_event", "fields": {"Nope": 1}}"#,
            "unknown field Nope",
        ),
    ] {
        fs::write(dir.path().join("bad.json"), content).expect("write");
        let explain = [
            "rules",
            "explain",
            "Keys moved",
            "bad.json",
            "--rules",
            "keys.yml",
        ];
        let error = fails(&explain, dir.path());
        assert!(error.contains(expect), "{error}");
    }
    let explain = [
        "rules",
        "explain",
        "Keys moved",
        "none.json",
        "--rules",
        "keys.yml",
    ];
    assert!(fails(&explain, dir.path()).contains("read none.json"));
}

#[test]
fn tests_pass_or_the_exit_code_says_so() {
    let dir = site();
    let case = "match:\n    - {about: a, category: network_connection, fields: {DestinationIp: 198.51.100.9, DestinationPort: PORT, Initiated: true}}\n";
    let tests = dir.path().join("keys.tests.yml");
    fs::write(&tests, case.replace("PORT", "4444")).expect("write");
    let passed = out(&["rules", "test", "."], dir.path());
    assert_eq!(passed, "1 passed, 0 failed, 0 files without tests\n");
    fs::write(&tests, case.replace("PORT", "4445")).expect("write");
    let output = run(&["rules", "test", "."], dir.path());
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    assert!(
        printed.starts_with("./keys.tests.yml:2: a: no rule matches\n"),
        "{printed}"
    );
    fs::remove_file(&tests).expect("remove");
    let none = out(&["rules", "test", "keys.yml"], dir.path());
    assert!(
        none.ends_with("0 passed, 0 failed, 1 files without tests\n"),
        "{none}"
    );
    // Tests are no rules.
    fs::write(&tests, case).expect("write");
    assert!(out(&["rules", "check", "."], dir.path()).contains("4 rules, no errors"));
}
