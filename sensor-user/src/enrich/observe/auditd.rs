//! The auditd view: one observation for each record, as SigmaHQ's rules of `service: auditd` expect
//! (`type: EXECVE` with `a0`, `type: PATH` with `name`), each with what SYSCALL says of who and how.
//!
//! The fields are read from the very text that the records are written as, so that a rule sees what a
//! log would have shown; strings are decoded, as ausearch -i shows them.

use auklet_rules::{Category, FieldId, Observation, Value, id};
use bytes::Bytes;

use super::{bytes, message, names, network::Address};
use crate::{
    event::{Aux, Event, What},
    records,
    replay::{
        Line,
        fields::{Value as Word, fields},
    },
    syscalls,
};

/// a0 … a9.
const ARGUMENTS: [FieldId; 10] = [
    id!("a0"),
    id!("a1"),
    id!("a2"),
    id!("a3"),
    id!("a4"),
    id!("a5"),
    id!("a6"),
    id!("a7"),
    id!("a8"),
    id!("a9"),
];

/// Fields of SYSCALL that every other record of its event has, too: not the registers, not the type.
const SHARED: [&str; 21] = [
    "success", "exit", "ppid", "pid", "auid", "uid", "gid", "euid", "suid", "fsuid", "egid",
    "sgid", "fsgid", "tty", "ses", "comm", "exe", "subj", "key", "syscall", "SYSCALL",
];

/// Strings that the kernel, or a program, writes in hexadecimal where they need it.
const UNTRUSTED: [&[u8]; 11] = [
    b"name",
    b"comm",
    b"exe",
    b"cwd",
    b"proctitle",
    b"key",
    b"ocomm",
    b"acct",
    b"cmd",
    b"data",
    b"path",
];

/// Every record of the event but EOE.
pub(super) fn records(event: &Event) -> Vec<Observation> {
    let mut text = Vec::new();
    records::format(event, &mut text);
    let text = Bytes::from(text);
    let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let lines = lines.filter_map(|line| Line::parse(&text.slice_ref(line)).ok());
    let mut found: Vec<Observation> = Vec::new();
    let mut execve = false;
    for line in lines {
        // Long arguments are in several; the event has them in one piece.
        if &line.kind[..] == b"EXECVE" && std::mem::replace(&mut execve, true) {
            continue;
        }
        found.push(record(event, &line));
    }
    share(event, &mut found);
    found
}

fn record(event: &Event, line: &Line) -> Observation {
    let mut seen = Observation::new(Category::Auditd);
    seen.set(id!("type"), bytes(&line.kind));
    if &line.kind[..] == b"EXECVE" {
        arguments(event, &mut seen);
        return seen;
    }
    for (name, value) in fields(&line.body) {
        match (name, value) {
            (b"msg", Word::Message(text)) => {
                let text = line.body.slice_ref(text);
                said(&text, &mut seen);
            }
            (b"saddr", _) => address(event, value, &mut seen),
            _ => field(name, value, &line.body, &mut seen),
        }
    }
    match &line.kind[..] {
        b"SYSCALL" => call(event, &mut seen),
        b"PATH" => path(event, &mut seen),
        _ => {}
    }
    seen
}

/// One `name=value`; names that the table doesn't have are no fields.
fn field(name: &[u8], value: Word<'_>, home: &Bytes, seen: &mut Observation) {
    let Some(field) = known(name) else { return };
    let text = if UNTRUSTED.contains(&name) {
        value
            .untrusted(home)
            .map_or(b"(null)".to_vec(), |t| t.to_vec())
    } else {
        value.text().to_vec()
    };
    let value = match name {
        // auditd writes several keys with 0x01 between them.
        b"key" => Value::List(text.split(|b| *b == 1).map(<[u8]>::to_vec).collect()),
        b"name" => Value::List(vec![text]),
        b"proctitle" => Value::Bytes(
            text.iter()
                .map(|b| if *b == 0 { b' ' } else { *b })
                .collect(),
        ),
        b"syscall" => return,
        _ => Value::Bytes(text),
    };
    seen.set(field, value);
}

/// The field of the auditd view that has this name.
fn known(name: &[u8]) -> Option<FieldId> {
    let name = std::str::from_utf8(name).ok()?;
    let field = FieldId::find(name)?;
    field
        .field()
        .categories
        .contains(&Category::Auditd)
        .then_some(field)
}

/// The call by number and name, and its architecture's name.
fn call(event: &Event, seen: &mut Observation) {
    let Some(call) = &event.call else { return };
    let mut both = vec![call.nr.to_string().into_bytes()];
    if let Some(name) = syscalls::name(call.arch, call.nr) {
        both.push(name.as_bytes().to_vec());
        seen.set(id!("SYSCALL"), bytes(name.as_bytes()));
    }
    seen.set(id!("syscall"), Value::List(both));
    match call.arch {
        syscalls::AUDIT_ARCH_X86_64 => seen.set(id!("ARCH"), bytes(b"x86_64")),
        syscalls::AUDIT_ARCH_I386 => seen.set(id!("ARCH"), bytes(b"i386")),
        _ => {}
    }
}

fn arguments(event: &Event, seen: &mut Observation) {
    let What::Exec(exec) = &event.what else {
        return;
    };
    for (field, argument) in ARGUMENTS.into_iter().zip(&exec.argv) {
        seen.set(field, bytes(argument));
    }
    let count = exec.argv.len().to_string();
    seen.set(id!("argc"), Value::Bytes(count.into_bytes()));
}

/// `name` is what the record says; rules that want an absolute path find that, too.
fn path(event: &Event, seen: &mut Observation) {
    let Some(Value::Bytes(number)) = seen.get(id!("item")) else {
        return;
    };
    let number = std::str::from_utf8(number)
        .ok()
        .and_then(|n| n.parse::<usize>().ok());
    let Some(item) = number.and_then(|n| event.paths.get(n)) else {
        return;
    };
    let Some(absolute) = names::absolute(event, item) else {
        return;
    };
    let mut all = match seen.get(id!("name")) {
        Some(Value::List(all)) => all.clone(),
        _ => Vec::new(),
    };
    if !all.contains(&absolute) {
        all.push(absolute);
        seen.set(id!("name"), Value::List(all));
    }
}

/// A message's own fields.
fn said(text: &Bytes, seen: &mut Observation) {
    seen.set(id!("msg"), bytes(text));
    for (name, value) in fields(text) {
        field(name, value, text, seen);
    }
    if let Some(operation) = message::operation(text) {
        seen.set(id!("op"), bytes(operation));
    }
}

fn address(event: &Event, value: Word<'_>, seen: &mut Observation) {
    seen.set(id!("saddr"), bytes(value.text()));
    let told = event.aux.iter().find_map(|aux| match aux {
        Aux::Sockaddr(address) => Some(address),
        _ => None,
    });
    let Some(told) = told else { return };
    let family: &[u8] = match told.first() {
        Some(1) => b"local",
        Some(2) => b"inet",
        Some(10) => b"inet6",
        Some(16) => b"netlink",
        _ => return,
    };
    seen.set(id!("saddr_fam"), bytes(family));
    if let Some(Address { ip, port }) = Address::parse(told) {
        seen.set(id!("laddr"), bytes(ip.to_string().as_bytes()));
        seen.set(id!("lport"), bytes(port.to_string().as_bytes()));
    } else if family == b"local" {
        let path = &told[2.min(told.len())..];
        let path = path.strip_prefix(&[0]).unwrap_or(path);
        let path = path.split(|b| *b == 0).next().unwrap_or_default();
        seen.set(id!("path"), bytes(path));
    }
}

/// What the whole event says: a rule about `type: PATH` and `exe` asks for both of one record.
fn share(event: &Event, found: &mut [Observation]) {
    let shared = SHARED.map(|name| name.as_bytes());
    let of_call: Vec<(FieldId, Value)> = found
        .iter()
        .find(|seen| {
            let kind = seen.get(id!("type"));
            [&b"SYSCALL"[..], b"URINGOP"]
                .iter()
                .any(|head| kind == Some(&bytes(head)))
        })
        .map(|seen| seen.fields().to_vec())
        .unwrap_or_default();
    let command_line = match &event.what {
        What::Exec(exec) => Some(exec.argv.join(&b' ')),
        _ => None,
    };
    for seen in found {
        for (field, value) in &of_call {
            if shared.contains(&field.name().as_bytes()) && seen.get(*field).is_none() {
                seen.set(*field, value.clone());
            }
        }
        if let Some(cwd) = event
            .cwd
            .as_ref()
            .filter(|_| seen.get(id!("cwd")).is_none())
        {
            seen.set(id!("cwd"), bytes(cwd));
        }
        if let Some(line) = &command_line {
            seen.set(id!("cmdline"), bytes(line));
        }
    }
}
