//! Observations keep to the table, and say what the event says.
use auklet_rules::{FieldId, Kind, id};
use bytes::Bytes;

use super::*;
use crate::{
    event::{
        Caveats, Exec, FileFacts, Module, NameType, Open, PathItem, Process, Syscall, Times, Utime,
    },
    replay::Parser,
};

fn event(what: What, paths: Vec<PathItem>) -> Event {
    Event {
        time_ns: 2_000_000_000_000_000_000,
        serial: 1,
        call: Some(Syscall {
            arch: 0xc000_003e,
            nr: 59,
            args: [0; 4],
            exit: 0,
            personality: 0,
        }),
        who: Process {
            exe: Some(Bytes::from_static(b"/bin/x")),
            ..Process::default()
        },
        cwd: Some(Bytes::from_static(b"/")),
        paths,
        proctitle: Bytes::new(),
        key: None,
        what,
        aux: Vec::new(),
        caveats: Caveats::default(),
    }
}

fn item() -> PathItem {
    PathItem {
        name: Some(Bytes::from_static(b"f")),
        resolved: Some(Bytes::from_static(b"/tmp/f")),
        file: Some(FileFacts::default()),
        nametype: NameType::Normal,
        ..PathItem::default()
    }
}

/// Every field that is given is in the table, with that type and for that category.
#[track_caller]
fn check(event: &Event, category: Category) {
    let mut enricher = Enricher::new();
    let given = observations(&mut enricher, event, &ProcessTable::new(1));
    // One for the category, the others are records.
    let (records, given): (Vec<_>, Vec<_>) =
        given.iter().partition(|o| o.category == Category::Auditd);
    assert_eq!(given.len(), 1);
    assert!(!records.is_empty());
    assert_eq!(given[0].category, category);
    given.into_iter().chain(records).for_each(keeps_to_table);
}

#[track_caller]
fn keeps_to_table(observation: &Observation) {
    let category = observation.category;
    for (id, value) in observation.fields() {
        let (field, name) = (id.field(), id.name());
        assert!(field.categories.contains(&category), "{name} in {category}");
        let kind = match value {
            Value::Bytes(_) => Kind::Bytes,
            Value::Int(_) => Kind::Int,
            Value::Bool(_) => Kind::Bool,
            Value::List(_) => Kind::List,
        };
        assert_eq!(field.kind, kind, "{name}");
    }
}

const SYSCALL: &str = "arch=c000003e syscall=NR success=yes exit=0 ARGS items=4 ppid=7 pid=8 \
    auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"x\" \
    exe=\"/usr/bin/x\" key=\"k\"";

/// What rules see of a log's one event: SYSCALL with this number and these registers, and other
/// records, a line each.
fn seen(nr: u32, registers: &str, others: &str) -> Vec<Observation> {
    let head = SYSCALL
        .replace("NR", &nr.to_string())
        .replace("ARGS", registers);
    logged(&format!("SYSCALL {head}\n{others}"))
}

/// The same of lines `TYPE body`.
fn logged(lines: &str) -> Vec<Observation> {
    let mut parser = Parser::default();
    for line in lines.lines() {
        let (kind, body) = line.trim_start().split_once(' ').expect("a type");
        let line = format!("type={kind} msg=audit(1700000000.000:5): {body}");
        parser.line(line.as_bytes()).expect("a record");
    }
    parser.end();
    let replayed = parser.next_event().expect("an event");
    let found = observations(&mut Enricher::new(), &replayed.event, &ProcessTable::new(1));
    found.iter().for_each(keeps_to_table);
    found
}

#[track_caller]
fn one(all: &[Observation], category: Category) -> &Observation {
    let mut of: Vec<_> = all.iter().filter(|o| o.category == category).collect();
    assert_eq!(of.len(), 1, "{category}");
    of.remove(0)
}

#[track_caller]
fn says(observation: &Observation, expect: &[(FieldId, &str)]) {
    for (field, text) in expect {
        let shown = match observation.get(*field) {
            Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Value::Int(n)) => n.to_string(),
            Some(Value::Bool(b)) => b.to_string(),
            Some(Value::List(items)) => String::from_utf8_lossy(&items.join(&b' ')).into_owned(),
            None => "-".to_owned(),
        };
        assert_eq!(shown, *text, "{}", field.name());
    }
}

const AT_CWD: &str = "a0=ffffff9c a1=1 a2=ffffff9c a3=2";

#[test]
fn a_rename_is_a_file_event_too() {
    let all = seen(
        316,
        AT_CWD,
        "CWD cwd=\"/tmp\"
        PATH item=0 name=\"/root/.ssh/\" inode=1 dev=08:01 mode=040700 ouid=0 ogid=0 rdev=00:00 nametype=PARENT
        PATH item=1 name=\"/tmp\" inode=2 dev=08:01 mode=041777 ouid=0 ogid=0 rdev=00:00 nametype=PARENT
        PATH item=2 name=\"x/../k\" inode=9 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=DELETE
        PATH item=3 name=\"/root/.ssh/authorized_keys\" inode=9 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=CREATE
        PROCTITLE proctitle=2F62696E2F6D76006B",
    );
    let expect = [
        (id!("Operation"), "rename"),
        (id!("TargetFilename"), "/root/.ssh/authorized_keys"),
        (id!("SourceFilename"), "/tmp/k"),
        (id!("SourceName"), "x/../k"),
        (id!("Replaced"), "false"),
        (id!("FileMode"), "33152"),
        (id!("LogonId"), "1000"),
        (id!("Image"), "/usr/bin/x"),
    ];
    says(one(&all, Category::FileRename), &expect);
    says(one(&all, Category::FileEvent), &expect);
    says(one(&all, Category::FileEvent), &[(id!("Created"), "true")]);
}

#[test]
fn links_removals_and_attributes() {
    let made = "PATH item=0 name=\"/srv/\" inode=1 dev=08:01 mode=040700 ouid=0 ogid=0 rdev=00:00 nametype=PARENT
        PATH item=1 name=\"../etc/shadow\" nametype=UNKNOWN
        PATH item=2 name=\"/srv/l\" inode=9 dev=08:01 mode=0120777 ouid=0 ogid=0 rdev=00:00 nametype=CREATE";
    let all = seen(
        88,
        "a0=1 a1=2 a2=0 a3=0",
        &format!("CWD cwd=\"/tmp\"\n{made}"),
    );
    let link = [
        (id!("Operation"), "symlink"),
        (id!("TargetFilename"), "/srv/l"),
        (id!("SourceFilename"), "/etc/shadow"),
    ];
    says(one(&all, Category::FileLink), &link);
    says(one(&all, Category::FileEvent), &link);
    let file = "CWD cwd=\"/var\"
        PATH item=0 name=\"log/x\" inode=9 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=KIND";
    let all = seen(87, "a0=1 a1=0 a2=0 a3=0", &file.replace("KIND", "DELETE"));
    let gone = [
        (id!("Operation"), "unlink"),
        (id!("TargetFilename"), "/var/log/x"),
    ];
    says(one(&all, Category::FileDelete), &gone);
    let normal = file.replace("KIND", "NORMAL");
    let all = seen(268, "a0=ffffff9c a1=1 a2=9ed a3=0", &normal);
    let mode = [(id!("Operation"), "chmod"), (id!("NewMode"), "4755")];
    says(one(&all, Category::FileAttribute), &mode);
    let all = seen(92, "a0=1 a1=ffffffff a2=7 a3=0", &normal);
    let owner = [(id!("NewOwner"), "-"), (id!("NewGroup"), "7")];
    says(one(&all, Category::FileAttribute), &owner);
}

/// Nobody knows where descriptor 5 leads.
#[test]
fn no_path_is_made_up() {
    let old = "CWD cwd=\"/var\"
        PATH item=0 name=\"log/x\" inode=9 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=DELETE";
    let all = seen(263, "a0=5 a1=1 a2=0 a3=0", old);
    assert!(all.iter().all(|o| o.category == Category::Auditd));
    let record = all.iter().find(|o| o.get(id!("nametype")).is_some());
    says(record.expect("PATH"), &[(id!("name"), "log/x")]);
    let all = seen(263, "a0=ffffff9c a1=1 a2=0 a3=0", old);
    let gone = [(id!("TargetFilename"), "/var/log/x")];
    says(one(&all, Category::FileDelete), &gone);
}

#[test]
fn connections_have_addresses() {
    let address = "SOCKADDR saddr=0200115CC63364070000000000000000";
    let all = seen(42, "a0=3 a1=1 a2=10 a3=0", address);
    let to = [
        (id!("Initiated"), "true"),
        (id!("DestinationIp"), "198.51.100.7"),
        (id!("DestinationPort"), "4444"),
        (id!("SourceIp"), "-"),
    ];
    says(one(&all, Category::NetworkConnection), &to);
    let all = seen(288, "a0=3 a1=1 a2=10 a3=0", address);
    let from = [
        (id!("Initiated"), "false"),
        (id!("SourceIp"), "198.51.100.7"),
        (id!("DestinationIp"), "-"),
    ];
    says(one(&all, Category::NetworkConnection), &from);
    let local = seen(42, "a0=3 a1=1 a2=10 a3=0", "SOCKADDR saddr=01002F782F7900");
    assert!(local.iter().all(|o| o.category == Category::Auditd));
    let record = local
        .iter()
        .find(|o| o.get(id!("saddr")).is_some())
        .expect("SOCKADDR");
    says(
        record,
        &[(id!("path"), "/x/y"), (id!("saddr_fam"), "local")],
    );
}

#[test]
fn memory_is_told_where_it_is_executable() {
    let of = |nr, registers| {
        let all = seen(nr, registers, "PROCTITLE proctitle=\"x\"");
        all.into_iter().find(|o| o.category == Category::Memory)
    };
    assert!(of(10, "a0=7f00 a1=1000 a2=3 a3=0").is_none());
    let made = of(10, "a0=7f00 a1=1000 a2=7 a3=0").expect("mprotect");
    says(
        &made,
        &[(id!("Protection"), "rwx"), (id!("Length"), "4096")],
    );
    let mapped = of(9, "a0=0 a1=1000 a2=5 a3=22").expect("mmap");
    says(
        &mapped,
        &[(id!("Protection"), "r-x"), (id!("Anonymous"), "true")],
    );
    let traced = of(101, "a0=10 a1=29a a2=0 a3=0").expect("ptrace");
    let attach = [
        (id!("PtraceRequest"), "PTRACE_ATTACH"),
        (id!("TargetProcessId"), "666"),
    ];
    says(&traced, &attach);
    assert!(of(101, "a0=3 a1=29a a2=0 a3=0").is_none());
    let written = of(311, "a0=29a a1=1 a2=1 a3=1").expect("process_vm_writev");
    says(&written, &[(id!("TargetProcessId"), "666")]);
}

#[test]
fn every_record_is_seen_with_who_and_how() {
    let all = seen(
        59,
        "a0=55d0 a1=1 a2=2 a3=3",
        "EXECVE argc=2 a0=\"chmod\" a1=2B73207820C3A9
        CWD cwd=\"/tmp\"
        PATH item=0 name=\"./x\" inode=9 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL
        PROCTITLE proctitle=63686D6F64002B73",
    );
    let of = |kind: &str| {
        let is = |o: &&Observation| o.get(id!("type")) == Some(&bytes(kind.as_bytes()));
        all.iter().find(is).unwrap_or_else(|| panic!("no {kind}"))
    };
    let who = [
        (id!("exe"), "/usr/bin/x"),
        (id!("key"), "k"),
        (id!("uid"), "0"),
        (id!("cwd"), "/tmp"),
    ];
    for kind in ["SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE"] {
        says(of(kind), &who);
        says(
            of(kind),
            &[
                (id!("syscall"), "59 execve"),
                (id!("cmdline"), "chmod +s x é"),
            ],
        );
    }
    says(
        of("SYSCALL"),
        &[(id!("a0"), "55d0"), (id!("SYSCALL"), "execve")],
    );
    says(
        of("EXECVE"),
        &[
            (id!("a0"), "chmod"),
            (id!("a1"), "+s x é"),
            (id!("a2"), "-"),
        ],
    );
    says(
        of("PATH"),
        &[
            (id!("a0"), "-"),
            (id!("name"), "./x /tmp/x"),
            (id!("nametype"), "NORMAL"),
        ],
    );
    says(of("PROCTITLE"), &[(id!("proctitle"), "chmod +s")]);
}

#[test]
fn messages_are_seen_twice() {
    let all = logged(
        "USER_LOGIN pid=9 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=\"eve\" exe=\"/usr/sbin/sshd\" hostname=h addr=192.0.2.1 terminal=ssh res=failed'",
    );
    let login = one(&all, Category::Authentication);
    says(
        login,
        &[
            (id!("Account"), "eve"),
            (id!("Success"), "false"),
            (id!("LoginUser"), "-"),
        ],
    );
    let record = one(&all, Category::Auditd);
    let expect = [
        (id!("type"), "USER_LOGIN"),
        (id!("acct"), "eve"),
        (id!("op"), "login"),
        (id!("addr"), "192.0.2.1"),
        (id!("res"), "failed"),
        (id!("pid"), "9"),
    ];
    says(record, &expect);
}

#[test]
fn fields_are_those_of_the_table() {
    check(
        &event(What::Exec(Exec::default()), vec![]),
        Category::ProcessCreation,
    );
    check(
        &event(
            What::Module(Module {
                file: Some(item()),
                ..Module::default()
            }),
            vec![],
        ),
        Category::KernelModuleLoad,
    );
    let write = Open {
        flags: 0o1,
        ..Open::default()
    };
    check(&event(What::Open(write), vec![item()]), Category::FileEvent);
    check(
        &event(What::Open(Open::default()), vec![item()]),
        Category::FileAccess,
    );
    let times = Some(Times::default());
    let utime = Utime {
        target: Some(item()),
        old: times,
        new: times,
        set_atime: true,
        set_mtime: true,
    };
    check(
        &event(What::Utime(utime), vec![item()]),
        Category::FileTimestamp,
    );
}
