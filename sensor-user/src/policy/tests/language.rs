//! Lines that load, as the listing prints them; lines that do not, with the reason.

use super::{errors, load};

fn listed(text: &str) -> Vec<String> {
    let policy = load(text);
    let line = |l: &super::super::Loaded| String::from_utf8(l.rule.line()).expect("UTF-8");
    policy.rules().iter().map(line).collect()
}

/// Pairs of lines: one, and below it, indented, what comes of it.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len() % 2, 0);
    let pairs: Vec<_> = lines.chunks(2).map(|two| (two[0], two[1])).collect();
    assert!(pairs.iter().all(|(_, expect)| expect.starts_with("    ")));
    pairs.into_iter().map(|(line, expect)| (line, &expect[4..]))
}

#[test]
fn lines_that_load() {
    for (line, expect) in pairs(include_str!("accepted.txt")) {
        assert_eq!(listed(line), [expect], "{line}");
        // What is listed loads to the same.
        assert_eq!(listed(expect), [expect], "{line}");
    }
    assert_eq!(listed("  -a never,task\r\n"), ["-a never,task"]);
}

fn refused(line: &str, expect: &str) {
    assert_eq!(errors(line), format!("t.rules:1: {expect}"), "{line}");
}

#[test]
fn lines_that_are_refused() {
    for (line, expect) in pairs(include_str!("refused.txt")) {
        refused(line, expect);
    }
    refused("-\u{1b}", "Option -\\x1b is invalid");
    refused("-w\t/etc", "a tab: auditctl separates by spaces only");
    refused("-w /e\0", "a NUL byte");
    refused("-w /etc -k a\u{1}b", "key a\\x01b has illegal character");
    let key = "k".repeat(128);
    refused(
        &format!("-w /etc -k {key}{key}k"),
        "key option exceeds size limit",
    );
    refused(
        &format!("-w /etc -k {key} -k {key}"),
        "key option exceeds size limit",
    );
    let fields = " -F pid=1".repeat(64);
    refused(
        &format!("-a exit,always{fields}"),
        "Too many fields in rule: pid",
    );
    let path = "x".repeat(7000);
    refused(&format!("-w /{path}"), "line is longer than 6142 bytes");
}

#[test]
fn every_error_is_told_and_the_order_of_rules_is_kept() {
    let text = "# c\n-z\n-w /etc\n\n-a exit,possible\n-w /etc\n";
    let expect = "t.rules:2: Option -z is invalid\n\
        t.rules:5: Append rule - possible is deprecated\n\
        t.rules:6: Rule exists: the same as t.rules:3: exit";
    assert_eq!(errors(text), expect);
    let text = "-w /tmp -p r\n-A exit,never -S open\n-A exit,never -S creat\n";
    assert_eq!(
        listed(text),
        [
            "-a never,exit -S creat",
            "-a never,exit -S open",
            "-w /tmp/ -p r"
        ]
    );
}

#[test]
fn deleting() {
    let rules = "-w /tmp -k a\n-w /etc -k b\n-a exit,always -S open -k c -k ab\n";
    let left = |more: &str| listed(&format!("{rules}{more}\n")).len();
    assert_eq!(left("-D"), 0);
    assert_eq!(left("-D -k b"), 1);
    assert_eq!(left("-D -k c"), 2);
    assert_eq!(left("-W /tmp -k a"), 2);
    assert_eq!(left("-d exit,always -S open -k c -k ab"), 2);
}

#[test]
fn ignoring_errors() {
    let policy = load("-i\n-z\n-w /etc\n");
    assert_eq!(policy.rules().len(), 1);
    let expect = "t.rules:2: ignored because of -i: Option -z is invalid";
    assert_eq!(policy.notes()[0].to_string(), expect);
    assert_eq!(
        errors("-c\n-z\n-w /etc\n"),
        "t.rules:2: Option -z is invalid"
    );
    assert_eq!(errors("-c\n-i\n-z\n"), "t.rules:3: Option -z is invalid");
    assert_eq!(errors("-z\n-i\n"), "t.rules:1: Option -z is invalid");
}

#[test]
fn settings() {
    let text = "-b 8192 -f 2\n-r 0\n--backlog_wait_time=60000\n--loginuid-immutable\n-t\n-q /a,/b\n--reset-lost\n-e 2\n";
    let policy = load(text);
    let settings = policy.settings();
    assert_eq!(settings.backlog, Some(8192));
    assert_eq!(settings.failure, Some(2));
    assert_eq!(settings.rate, Some(0));
    assert_eq!(settings.backlog_wait_time, Some(60000));
    assert!(settings.loginuid_immutable && settings.is_locked());
    // -f 2, --loginuid-immutable, -t, -q, --reset-lost
    assert_eq!(policy.notes().len(), 5, "{:?}", policy.notes());
    assert_eq!(settings.explain().len(), 6);
    let locked = "t.rules:2: the rules are locked: -e 2 came before";
    assert_eq!(errors("-e 2\n-w /etc\n"), locked);
}

#[test]
fn what_is_said_beside() {
    let note = |line: &str, expect: &str| {
        let notes = load(line).notes().to_vec();
        assert!(
            notes.iter().any(|n| n.text.contains(expect)),
            "{line}: {notes:?}"
        );
    };
    note(
        "-a exit,always -S open",
        "32/64 bit syscall mismatch for open",
    );
    note("-w /etc/*.conf", "wildcard notation is not supported");
    note("-w /etc/../x", "relative path notation is not supported");
    note(
        "-w /nonesuch/x",
        "/nonesuch/x: its directory does not exist",
    );
    note("-w /etc -k \"a\"", "quotes are part of the key");
    note("-a exit,always -S all -F gid=0", "supplementary groups");
    note("-a exit,always -S all -F subj_type=x_t", "unless SELinux");
    note("-a always,filesystem -F fstype=debugfs", "has no effect");
    assert!(
        load("-a exit,always -F arch=b64 -S open")
            .notes()
            .is_empty()
    );
    assert!(load("-w /etc/shadow -p wa -k x").notes().is_empty());
}

#[test]
fn explanations() {
    let check = |line: &str, expect: &str| {
        let text = load(line).explain()[0].to_string();
        assert_eq!(text, format!("t.rules:1: {expect}"), "{line}");
    };
    check(
        "-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -F key=perm_mod",
        "records chmod, fchmod, fchmodat of b64 processes by users with auid >= 1000 that are logged in, key \"perm_mod\"",
    );
    check(
        "-w /etc -p wa",
        "records every call on anything in the directory /etc to write or change attributes",
    );
    check(
        "-a never,exit -S open -F exe=/usr/bin/su -F success=0",
        "does not record open by the program /usr/bin/su failing",
    );
    check(
        "-a task,never -F uid=0",
        "records no call of processes with uid = 0",
    );
    check(
        "-a exclude,always -F msgtype=CWD",
        "leaves out records of type CWD",
    );
    check(
        "-a never,filesystem -F fstype=debugfs",
        "tells nothing of files on debugfs",
    );
    check(
        "-a always,exit -S execve -C uid!=euid -F exit=-EPERM -k a -k b",
        "records execve where uid != euid ending with -EPERM, key \"a\" and \"b\"",
    );
    check(
        "-w /etc/\u{1b}[2J -p x -k \u{7}",
        "records every call on the file /etc/\\x1b[2J to execute, key \"\\x07\"",
    );
}
