//! `auklet replay` as a command: alerts, records, exit codes; files, gzip, pipes.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

const ZERO: &str = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0";

/// A system call's records by root; `rest` stands between SYSCALL and PROCTITLE.
fn event(serial: u32, call: &str, pid: [u32; 2], exe: &str, rest: &[&str]) -> String {
    let [ppid, pid] = pid;
    let items = rest.iter().filter(|line| line.starts_with("PATH")).count();
    let who = format!(
        "ppid={ppid} pid={pid} auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 \
         tty=pts0 ses=1 comm=\"x\" exe=\"{exe}\" key=(null)"
    );
    let head = format!("SYSCALL arch=c000003e {call} items={items} {who}");
    let lines = [&[head.as_str()], rest, &["PROCTITLE proctitle=\"x\""]].concat();
    let line = |line: &&str| {
        let (kind, body) = line.split_once(' ').expect("a kind");
        let body = body.replace("ZERO", ZERO);
        format!("type={kind} msg=audit(1700000000.{serial:03}:{serial}): {body}\n")
    };
    lines.iter().map(line).collect()
}

fn exec(serial: u32, pid: [u32; 2], exe: &str, argv: &[&str]) -> String {
    let args = argv.iter().enumerate();
    let args: String = args.map(|(n, a)| format!(" a{n}=\"{a}\"")).collect();
    let path = format!(
        "PATH item=0 name=\"{exe}\" inode=5 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL ZERO"
    );
    let execve = format!("EXECVE argc={}{args}", argv.len());
    let call = "syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4";
    event(serial, call, pid, exe, &[&execve, "CWD cwd=\"/\"", &path])
}

/// A shell that a session started adds a key for root to log in with.
fn attack() -> String {
    let open = event(
        3,
        "syscall=257 success=yes exit=3 a0=ffffff9c a1=5 a2=441 a3=1b6",
        [20, 30],
        "/usr/bin/bash",
        &[
            "CWD cwd=\"/root\"",
            "PATH item=0 name=\".ssh/authorized_keys\" inode=9 dev=fe:00 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL ZERO",
        ],
    );
    let sshd = exec(1, [1, 20], "/usr/sbin/sshd", &["/usr/sbin/sshd", "-D"]);
    let bash = exec(2, [20, 30], "/usr/bin/bash", &["-bash"]);
    [sshd, bash, open].concat()
}

fn run(args: &[&str], stdin: &[u8], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auklet"));
    command.arg("replay").args(args).current_dir(dir);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("start auklet");
    let mut pipe = child.stdin.take().expect("a pipe");
    // A command that reads no pipe may have ended.
    drop(pipe.write_all(stdin));
    drop(pipe);
    child.wait_with_output().expect("wait for auklet")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_log_raises_the_alerts_that_a_sensor_would() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = run(
        &["-", "--json", "--host", "web"],
        attack().as_bytes(),
        dir.path(),
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let lines = text(&out.stdout);
    let [alert, summary]: [Value; 2] = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect::<Vec<_>>()
        .try_into()
        .expect("an alert and the summary");
    assert_eq!(alert["type"], "alert");
    assert_eq!(alert["host"], "web");
    assert_eq!(alert["object"], "/root/.ssh/authorized_keys");
    assert_eq!(alert["process"]["command_line"], "-bash");
    assert_eq!(alert["ancestors"][0]["command_line"], "/usr/sbin/sshd -D");
    assert_eq!(alert["records"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        (&summary["events"], &summary["alerts"]),
        (&3.into(), &1.into())
    );
    let none = run(
        &["-", "--no-shipped-rules"],
        attack().as_bytes(),
        dir.path(),
    );
    assert!(none.stdout.is_empty());
}

#[test]
fn records_are_the_logs_also_from_rotated_gzip_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = attack();
    // An event is torn apart by the rotation.
    let cut = log.find("type=CWD").expect("a record");
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(&log.as_bytes()[..cut]).expect("compress");
    fs::write(
        dir.path().join("audit.log.1"),
        gz.finish().expect("compress"),
    )
    .expect("write");
    fs::write(dir.path().join("audit.log"), &log[cut..]).expect("write");
    for args in [
        &["."][..],
        &["--rotated", "audit.log"],
        &["audit.log.1", "audit.log"],
    ] {
        let out = run(
            &[args, &["--records", "--no-shipped-rules"]].concat(),
            b"",
            dir.path(),
        );
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        assert_eq!(text(&out.stdout), log, "{args:?}");
    }
    let out = run(&[".", "--events", "--no-shipped-rules"], b"", dir.path());
    assert_eq!(text(&out.stdout).lines().count(), 4);
}

#[test]
fn malformed_lines_are_shown_and_counted_never_fatal() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = b"type=\x1b[31mX msg=audit(1.000:1): x\n\xff\xfe\n".to_vec();
    log.extend(b"nonsense\n".repeat(10));
    log.extend(attack().bytes());
    log.extend(b"type=SYSCALL msg=audit(1.000:1): arch=c0000");
    fs::write(dir.path().join("a b.log"), log).expect("write");
    let out = run(&["a b.log"], b"", dir.path());
    assert_eq!(out.status.code(), Some(3));
    let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
    assert!(stdout.contains("authorized_keys"), "{stdout}");
    for expect in [
        "a b.log:1: no audit record: a type that is no name: type=\\x1b[31mX",
        "a b.log:2: no audit record: no type= where a record begins: \\xff\\xfe",
        "3 more malformed lines",
        "malformed=13 alerts=1",
    ] {
        assert!(stderr.contains(expect), "{expect} in {stderr}");
    }
    assert_eq!(stderr.matches("no audit record").count(), 10);
    assert!(stderr.is_ascii() && !stderr.contains('\x1b'));
}

#[test]
fn what_can_not_be_read_is_said_and_the_rest_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("broken.gz"), b"\x1f\x8b\x08\x00").expect("write");
    let out = run(
        &["none.log", "broken.gz", "-"],
        attack().as_bytes(),
        dir.path(),
    );
    assert_eq!(out.status.code(), Some(1));
    let stderr = text(&out.stderr);
    assert!(stderr.contains("none.log: No such file"), "{stderr}");
    assert!(stderr.contains("broken.gz: "), "{stderr}");
    assert!(text(&out.stdout).contains("authorized_keys"));
    let out = run(&["--rotated", "none.log"], b"", dir.path());
    assert_eq!(out.status.code(), Some(1));
    let rule = run(&["-", "--rules", "none.yml"], b"", dir.path());
    assert_eq!(rule.status.code(), Some(1));
}

/// auditd's plug-in: SIGHUP is no end, and an alert comes without the pipe's end.
#[test]
fn a_plugin_answers_while_the_pipe_is_open() {
    use std::io::{BufRead as _, BufReader};

    let mut command = Command::new(env!("CARGO_BIN_EXE_auklet"));
    command.args(["replay", "-", "--json"]);
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = piped.spawn().expect("start auklet");
    let mut pipe = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        pipe.write_all(attack().as_bytes()).expect("write");
        let alert = lines.next().expect("an alert").expect("text");
        assert!(alert.contains("authorized_keys"), "{alert}");
        let hangup = Command::new("kill")
            .args(["-HUP", &child.id().to_string()])
            .status();
        assert!(hangup.expect("run kill").success());
    }
    drop(pipe);
    assert!(child.wait().expect("wait").success());
}
