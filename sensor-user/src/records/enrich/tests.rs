use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The directory must outlive the names: they are read again when the file changes.
fn users() -> (TempDir, Users) {
    let dir = tempfile::tempdir().expect("directory");
    let (passwd, group) = (dir.path().join("passwd"), dir.path().join("group"));
    let users = "root:x:0:0::/:\nalice:x:2001:2001::/:\nDOM a:x:7:7::/:\n\"q:x:8:8::/:\n";
    fs::write(&passwd, users).expect("write");
    fs::write(&group, "root:x:0:\ngrp1:x:2001:\n").expect("write");
    (dir, Users::of(&passwd, &group))
}

fn enriched(line: &str, prefix: &[u8]) -> Vec<u8> {
    let (_dir, mut users) = users();
    let mut out = Vec::new();
    let line = format!("{line}\n");
    lines(line.as_bytes(), prefix, Some(&mut users), &mut out);
    out
}

#[track_caller]
fn check(kind: &str, body: &str, expect: &str) {
    let line = format!("type={kind} msg=audit(1795528321.836:1509): {body}");
    let text = String::from_utf8(enriched(&line, b"")).expect("text");
    let appended = text.strip_prefix(&line).expect("the record is unchanged");
    let mark = if expect.is_empty() { "" } else { "\u{1d}" };
    assert_eq!(appended, format!("{mark}{expect}\n"), "{line}");
}

/// RECORDS: what a real auditd 4.0.2 wrote.
#[test]
fn what_auditd_wrote() {
    for (kind, body, expect) in [
        (
            "LOGIN",
            "pid=939 uid=0 subj=unconfined old-auid=4294967295 auid=0 tty=(none) \
             old-ses=4294967295 ses=3 res=1",
            r#"UID="root" OLD-AUID="unset" AUID="root""#,
        ),
        (
            "SYSCALL",
            "arch=c000003e syscall=1 success=yes exit=1 a0=7 a1=7fff5afe9e50 a2=1 a3=0 items=0 \
             ppid=937 pid=939 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 \
             tty=(none) ses=3 comm=\"cron\" exe=\"/usr/sbin/cron\" subj=unconfined key=(null)",
            "ARCH=x86_64 SYSCALL=write AUID=\"root\" UID=\"root\" GID=\"root\" EUID=\"root\" \
             SUID=\"root\" FSUID=\"root\" EGID=\"root\" SGID=\"root\" FSGID=\"root\"",
        ),
        (
            "PROCTITLE",
            "proctitle=2F7573722F7362696E2F43524F4E002D66",
            "",
        ),
        (
            "CONFIG_CHANGE",
            "auid=4294967295 ses=4294967295 subj=unconfined op=remove_rule key=\"u\" list=4 res=1",
            r#"AUID="unset""#,
        ),
        (
            "SOCKADDR",
            "saddr=100000000000000000000000",
            "SADDR={ saddr_fam=netlink nlnk-fam=16 nlnk-pid=0 }",
        ),
        (
            "USER_LOGIN",
            "pid=884 uid=0 auid=2001 ses=2 subj=unconfined msg='op=login id=2001 \
             exe=\"/usr/lib/openssh/sshd-session\" hostname=127.0.0.1 addr=127.0.0.1 \
             terminal=/dev/pts/0 res=success'",
            r#"UID="root" AUID="alice" ID="alice""#,
        ),
        (
            "USER_CMD",
            "pid=879 uid=2001 auid=2001 ses=1 subj=unconfined msg='cwd=\"/home/alice\" \
             cmd=746F756368 exe=\"/usr/bin/sudo\" terminal=? res=success'",
            r#"UID="alice" AUID="alice""#,
        ),
        (
            "ADD_USER",
            "pid=801 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='op=add-user \
             acct=\"alice\" exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=? res=success'",
            r#"UID="root" AUID="unset""#,
        ),
        (
            "ADD_GROUP",
            "pid=797 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='op=add-group \
             id=2001 exe=\"/usr/sbin/groupadd\" hostname=? addr=? terminal=? res=success'",
            r#"UID="root" AUID="unset" ID="grp1""#,
        ),
    ] {
        check(kind, body, expect);
    }
}

#[test]
fn ids_of_every_record() {
    for (kind, body, expect) in [
        (
            "PATH",
            "item=0 name=\"/x\" mode=0100644 ouid=2001 ogid=2001 rdev=00:00 cap_fp=0",
            r#"OUID="alice" OGID="grp1""#,
        ),
        (
            "PATH",
            "item=0 name=(null) nametype=UNKNOWN cap_fp=0 cap_fe=0",
            "",
        ),
        (
            "OBJ_PID",
            "opid=546 oauid=-1 ouid=0 oses=-1 ocomm=\"x\"",
            r#"OAUID="unset" OUID="root""#,
        ),
        (
            "SECCOMP",
            "auid=0 uid=1000 gid=1000 ses=1 pid=1 comm=\"x\" exe=\"/x\" sig=31 arch=40000003 \
             syscall=11 compat=1 ip=0x0 code=0x0",
            "AUID=\"root\" UID=\"unknown(1000)\" GID=\"unknown(1000)\" ARCH=i386 SYSCALL=execve",
        ),
        (
            "URINGOP",
            "uring_op=18 success=yes exit=0 items=2 ppid=1 pid=2 uid=0",
            "URING_OP=openat UID=\"root\"",
        ),
        (
            "URINGOP",
            "uring_op=0 uid=0",
            "URING_OP=unknown-uringop(0) UID=\"root\"",
        ),
        (
            "SYSCALL",
            "arch=c0000999 syscall=9999 a0=0",
            "ARCH=unknown-elf-type(c0000999) SYSCALL=unknown-syscall(9999)",
        ),
        // A space and a quote in a name must not make another field.
        ("X", "uid=7 euid=8", "UID=444F4D2061 EUID=2271"),
        ("X", "uid=root auid=99999999999", ""),
        ("AVC", "saddr=10.0.0.1 uid=0", "UID=\"root\""),
        ("CWD", "cwd=\"/\"", ""),
        ("EXECVE", "argc=2 a0=\"x\" a1=\"uid=0\"", ""),
    ] {
        check(kind, body, expect);
    }
}

#[test]
fn addresses() {
    let path = |path: &[u8]| format!("0100{}", hex::encode_upper(path));
    for (saddr, expect) in [
        (
            "020000517F0000010000000000000000",
            "{ saddr_fam=inet laddr=127.0.0.1 lport=81 }",
        ),
        (
            "020000517F000001",
            "{ saddr_fam=inet sockaddr len too short }",
        ),
        (
            "0A0000500000000020010DB800000000000000000000000100000000",
            "{ saddr_fam=inet6 laddr=2001:db8::1 lport=80 }",
        ),
        (
            "0A00005000000000FE80000000000000000000000000000102000000",
            "{ saddr_fam=inet6 laddr=fe80::1%2 lport=80 }",
        ),
        (
            "0A000050000000000000000000000000000000000102030400000000",
            "{ saddr_fam=inet6 laddr=::1.2.3.4 lport=80 }",
        ),
        (
            "0A0000500000",
            "{ saddr_fam=inet6 sockaddr6 len too short }",
        ),
        (
            &path(b"/run/x\0\0\0junk"),
            "{ saddr_fam=local path=/run/x }",
        ),
        (&path(b"\0abstract"), "{ saddr_fam=local path=abstract }"),
        (&path(b"/a }\nb"), "{ saddr_fam=local path=2F61207D0A62 }"),
        (
            &path(&[b'p'; 200]),
            &format!("{{ saddr_fam=local path={} }}", "p".repeat(108)),
        ),
        ("0100", "{ saddr_fam=local unnamed socket }"),
        ("010041", "{ saddr_fam=local sockaddr len too short }"),
        ("1000000005000000", "{ saddr_fam=netlink len too short }"),
        ("110000030200", "{ saddr_fam=packet (unsupported) }"),
        ("0000", "unknown-family(0)"),
        ("FFFF", "unknown-family(65535)"),
        ("", "unknown-family(0)"),
        ("0", "malformed-host(0)"),
    ] {
        check(
            "SOCKADDR",
            &format!("saddr={saddr}"),
            &format!("SADDR={expect}"),
        );
    }
}

#[test]
fn the_node_comes_first_and_a_long_line_gets_no_more_than_fits() {
    let line = "type=X msg=audit(1.000:1): uid=0";
    let out = enriched(line, b"node=db1 ");
    assert_eq!(
        out,
        b"node=db1 type=X msg=audit(1.000:1): uid=0\x1dUID=\"root\"\n"
    );
    for length in ROOM - 60..ROOM {
        let line = format!(
            "type=X msg=audit(1.000:1): uid=0 gid=2001 a={}",
            "a".repeat(length)
        );
        let out = enriched(&line, b"");
        assert!(
            out.len() <= ROOM.max(line.len() + 1),
            "{length}: {}",
            out.len()
        );
        assert!(out.starts_with(line.as_bytes()));
    }
}

proptest! {
    /// Whatever a record says, it stays one line, and the record itself stays as it is.
    #[test]
    fn no_record_is_torn(body in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..4usize) {
        let kind = ["SOCKADDR", "SYSCALL", "USER_CMD", "X"][kind];
        let mut line = format!("type={kind} msg=audit(1.000:1): uid=0 saddr=").into_bytes();
        line.extend(body.into_iter().filter(|b| *b != b'\n'));
        line.push(b'\n');
        let (_dir, mut users) = users();
        let mut out = Vec::new();
        lines(&line, b"", Some(&mut users), &mut out);
        prop_assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1);
        prop_assert!(out.starts_with(&line[..line.len() - 1]));
    }

    #[test]
    fn a_path_of_a_socket_can_not_forge(path in proptest::collection::vec(any::<u8>(), 2..120)) {
        let mut out = Vec::new();
        saddr::decode(hex::encode([&[1, 0], &path[..]].concat()).as_bytes(), &mut out);
        let inner = out.strip_prefix(b"{ saddr_fam=local ").and_then(|o| o.strip_suffix(b" }"));
        let inner = inner.expect("braces");
        prop_assert!(inner.iter().all(|b| (0x21..0x7f).contains(b) && *b != b'}'), "{inner:?}");
    }
}
