//! Nothing an attacker names can forge a line, a colour or a reading direction in an alert.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use auklet_rules::{
    Alert, Ancestor, Category, Observation, Process, RuleSet, Scene, Text, Value, id, printable,
    render,
};

#[test]
fn printable_escapes_what_could_deceive() {
    let check = |bytes: &[u8], want: &str| assert_eq!(printable(bytes), want);
    check(b"/bin/ls -l", "/bin/ls -l");
    check(b"a\nb\x1b[31m", "a\\x0ab\\x1b[31m");
    check(b"\\x0a", "\\\\x0a");
    check("käse 日本".as_bytes(), "käse 日本");
    check(b"\xff\xc3", "\\xff\\xc3");
    check(
        "\u{85}\u{202e}\u{2028}".as_bytes(),
        "\\xc2\\x85\\xe2\\x80\\xae\\xe2\\x80\\xa8",
    );
}

/// The bytes that an escaped text stands for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let (byte, used) = match (first, tail.first()) {
            (b'\\', Some(b'x')) => {
                let digits = std::str::from_utf8(&tail[1..3]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), 4)
            }
            (b'\\', _) => (b'\\', 2),
            _ => (*first, 1),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

#[test]
fn printable_is_clean_and_reversible_for_every_pair_of_bytes() {
    for a in 0..=255u8 {
        for b in 0..=255u8 {
            for bytes in [vec![a, b], vec![0xe2, 0x80, a, b], vec![b'\\', a, b'x', b]] {
                let text = printable(&bytes);
                assert!(!text.chars().any(char::is_control), "{bytes:?}");
                assert_eq!(unescaped(&text), bytes);
            }
        }
    }
}

fn alert() -> Alert {
    let evil: Text = b"/tmp/a\nRESOLVED\x1b[0m\xff".as_slice().into();
    let mut observation = Observation::new(Category::ProcessCreation);
    observation.set(id!("Image"), Value::Bytes(b"/tmp/xmrig".to_vec()));
    let line = b"./a\n-o stratum+tcp://h:1".to_vec();
    observation.set(id!("CommandLine"), Value::Bytes(line));
    observation.set(id!("Success"), Value::Bool(true));
    let mut findings = RuleSet::shipped().unwrap().evaluate(&observation);
    let ancestor = |pid| Ancestor {
        pid,
        exe: evil.clone(),
        command_line: evil.clone(),
    };
    let scene = Scene {
        time_ms: 1_795_512_600_001,
        host: "web1".into(),
        process: Process {
            pid: 7,
            exe: evil.clone(),
            auid: Some(1000),
            ..Process::default()
        },
        ancestors: vec![ancestor(2), ancestor(1)],
        object: Some(evil.clone()),
        objects: vec![evil.clone()],
        container: Some(evil.clone()),
        records: vec!["type=SYSCALL msg=audit(1.000:1): a\x1db".into()],
    };
    Alert::new(findings.remove(0), scene)
}

#[test]
fn a_rendered_alert_has_no_control_character_of_its_subject() {
    let text = render(&alert(), false);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    assert!(
        !text.lines().any(|l| l.trim_start().starts_with("RESOLVED")),
        "{text}"
    );
    for part in [
        "[MEDIUM] Process associated with digital currency mining detected",
        "2026-11-24T09:30:00.001Z  web1  VM_CryptoCoinMinerArtifacts  T1496.001",
        "signed in as uid 1000",
        "CommandLine = ./a\\x0a-o stratum+tcp://h:1",
        "| type=SYSCALL msg=audit(1.000:1): a\\x1db",
        "Stop the process",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let (first, last) = (text.find("1 /tmp"), text.find("└─ 7 /tmp"));
    assert!(first.is_some() && first < last, "{text}");
}

#[test]
fn colour_is_only_there_when_asked_for() {
    assert!(render(&alert(), true).contains("\x1b[1;33m[MEDIUM]\x1b[0m"));
    assert!(!render(&alert(), false).contains('\x1b'));
}

#[test]
fn json_is_one_line_with_everything() {
    let json = serde_json::to_string(&alert()).unwrap();
    assert!(!json.contains('\n'));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["level"], "medium");
    assert_eq!(json["process"]["exe"], "/tmp/a\\x0aRESOLVED\\x1b[0m\\xff");
    assert_eq!(json["matched"][0]["field"], "Success");
    assert_eq!(json["ancestors"][0]["pid"], 2);
}
