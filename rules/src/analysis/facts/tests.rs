use super::*;
use crate::analysis::places::place;

/// Facts of a file as `key=value`, NUL shown as `|`.
fn shown(path: &str, content: &str) -> Vec<String> {
    let place = place(path.as_bytes()).expect(path);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "|");
    let fact = |(key, value): (&Vec<u8>, &Vec<u8>)| format!("{}={}", text(key), text(value));
    facts(&place, content.as_bytes()).iter().map(fact).collect()
}

#[test]
fn keys() {
    let content = "# none\n\nssh-ed25519 AAAA ann@host\r\n\
        command=\"echo \\\"a b\\\"\",no-pty ssh-rsa BBBB two words\nnonsense\nssh-rsa\n\
        restrict ssh-rsa CCCC";
    assert_eq!(
        shown("/root/.ssh/authorized_keys", content),
        [
            "ssh-ed25519 AAAA=|ann@host",
            "ssh-rsa BBBB=command=\"echo \\\"a b\\\"\",no-pty|two words",
            "ssh-rsa CCCC=restrict|",
        ]
    );
}

/// `ssh-keygen -lf` of this key says the same.
#[test]
fn fingerprints_are_ssh_keygens() {
    let key = Key::of(
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
        b"\0comment",
    );
    let shown = String::from_utf8(key.shown()).expect("text");
    assert_eq!(
        shown,
        "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU comment (ssh-ed25519)"
    );
    let bad = Key::of(b"ssh-rsa ****", b"no-pty\0");
    assert_eq!(bad.shown(), b"SHA256:? (not base64)  (ssh-rsa)");
    assert_eq!(bad.options, b"no-pty");
}

#[test]
fn accounts() {
    assert_eq!(
        shown(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nbad\ntoor::0:0::/:/bin/sh\n"
        ),
        [
            "bad=:::",
            "root=0:0:/root:/bin/sh",
            "toor=0:0:/:/bin/sh:none"
        ]
        .map(|s| s.replace("bad=:::", "bad=::::none"))
    );
    assert_eq!(
        shown("/etc/group", "sudo:x:27:ann, bob\nempty:x:9:\n"),
        ["empty=9", "sudo=27", "sudo:ann=", "sudo:bob="]
    );
    assert_eq!(
        shown("/etc/gshadow", "sudo:!:admin:ann\n"),
        ["sudo=locked", "sudo:admin=", "sudo:ann="]
    );
    let shadow = shown(
        "/etc/shadow",
        "root:$6$salt$hash:1::::::\na:!:1\nb::1\nc:*:\n",
    );
    assert_eq!(shadow[0], "a=locked");
    assert_eq!(shadow[1], "b=none");
    assert_eq!(shadow[2], "c=locked");
    // The hash itself is not kept.
    assert!(shadow[3].starts_with("root=set ") && !shadow[3].contains("hash"));
}

#[test]
fn sudoers() {
    let content = "Defaults env_reset\n# comment\n#1000 ALL=(ALL) ALL\n#includedir /etc/x\n\
        ann   ALL=(ALL) \\\n   NOPASSWD: ALL\n";
    assert_eq!(
        shown("/etc/sudoers", content),
        [
            "#1000 ALL=(ALL) ALL=",
            "#includedir /etc/x=",
            "Defaults env_reset=",
            "ann ALL=(ALL) NOPASSWD: ALL=",
        ]
    );
}

#[test]
fn lines_that_hide() {
    let hidden = format!("{}* * * * * root /tmp/x\rplain\n", "\n".repeat(500));
    assert_eq!(
        shown("/etc/cron.d/x", &hidden),
        ["* * * * * root /tmp/x\rplain="]
    );
    let program = shown("/etc/cron.hourly/x", "\u{7f}ELF\0\0");
    assert!(program[0].starts_with("binary="), "{program:?}");
}

#[test]
fn what_runs_when() {
    let script =
        b"#!/bin/sh\n### BEGIN INIT INFO\n# Default-Start:     1 2 S\n# chkconfig: 35 90 10\n";
    let facts = startup_facts(script);
    assert_eq!(
        facts.levels,
        [b"1", b"2", b"S", b"3", b"5"].map(|l| l.to_vec())
    );
    let unit = b"[Service]\nExecStart=-/tmp/x a\nExecStartPre=@/bin/y\n[Install]\n\
        WantedBy=rescue.target multi-user.target\n";
    let facts = startup_facts(unit);
    assert_eq!(facts.programs, [b"/tmp/x a".to_vec(), b"/bin/y".to_vec()]);
    assert_eq!(
        facts.targets,
        [b"rescue.target".to_vec(), b"multi-user.target".to_vec()]
    );
}

/// However long a file is, its facts are bounded, and a change anywhere in it is seen.
#[test]
fn facts_are_bounded_and_changes_are_seen() {
    let many = |last: &str| {
        let lines: String = (0..FACTS + 100).map(|n| format!("line {n:06}\n")).collect();
        format!("{lines}zzz {last}\n")
    };
    let (one, two) = (
        shown("/etc/cron.d/x", &many("a")),
        shown("/etc/cron.d/x", &many("b")),
    );
    assert_eq!(one.len(), FACTS + 1);
    assert_ne!(one, two);
    let long = |end: &str| format!("{}{end}", "x".repeat(FACT_BYTES * 2));
    let (one, two) = (
        shown("/etc/cron.d/x", &long("a")),
        shown("/etc/cron.d/x", &long("b")),
    );
    assert!(one[0].len() <= FACT_BYTES + 1);
    assert_ne!(one, two);
}
