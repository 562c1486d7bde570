//! The JSON view of events and processes: one object a line. Bytes that are not UTF-8 are an
//! object `{"hex": …}`, so that no two different values look alike.

mod aux;
pub mod read;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    event::{Event, FileCaps, PathItem, Syscall, Times, What},
    process::ProcessEntry,
    records::{Dev, Octal, nametype, types},
    syscalls,
};

/// Writes one event and a newline.
///
/// # Errors
/// The writer fails.
pub fn write(event: &Event, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &value(event))?;
    out.write_all(b"\n")
}

/// One entry of the process table.
#[must_use]
pub fn process(entry: &ProcessEntry) -> Value {
    json!({
        "type": "process",
        "pid": entry.pid,
        "ppid": entry.ppid,
        "start_ns": entry.start_ns,
        "uid": entry.uid,
        "auid": entry.auid,
        "comm": text(&entry.comm),
        "exe": entry.exe.as_deref().map(text),
        "argv": entry.argv.iter().map(|arg| text(arg)).collect::<Vec<_>>(),
        "script": entry.script.as_deref().map(text),
        "exited": entry.exited,
    })
}

/// A string, or its bytes.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Utf8(&'a str),
    Bytes { hex: String },
}

/// JSON escapes C0 controls itself; DEL and C1, which a terminal may obey, go the way of bytes.
fn text(bytes: &[u8]) -> Text<'_> {
    let obeyed = |c: char| ('\u{7f}'..='\u{9f}').contains(&c);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(obeyed) => Text::Utf8(text),
        _ => Text::Bytes {
            hex: hex::encode(bytes),
        },
    }
}

fn value(event: &Event) -> Value {
    let (hook, facts) = what(&event.what);
    let mut object = json!({
        "type": "event",
        "hook": hook,
        "time_ns": event.time_ns,
        "serial": event.serial,
        "syscall": event.call.as_ref().map(syscall),
        "who": who(event),
        "cwd": event.cwd.as_deref().map(text),
        "paths": event.paths.iter().map(path).collect::<Vec<_>>(),
        "proctitle": text(&event.proctitle),
        "key": event.key.as_deref().map(text),
        "aux": event.aux.iter().map(aux::value).collect::<Vec<_>>(),
        "caveats": {
            "name_from_user": event.caveats.name_from_user,
            "truncated": event.caveats.truncated,
            "looked_up": event.caveats.looked_up,
            "from_proc": event.caveats.from_proc,
            "other_root": event.caveats.other_root,
        },
    });
    let field = if hook == "execve" { "exec" } else { hook };
    object[field] = facts;
    object
}

fn syscall(call: &Syscall) -> Value {
    json!({
        "arch": match call.arch {
            syscalls::AUDIT_ARCH_X86_64 => "x86_64".to_owned(),
            syscalls::AUDIT_ARCH_I386 => "i386".to_owned(),
            other => format!("{other:#x}"),
        },
        "nr": call.nr,
        "name": syscalls::name(call.arch, call.nr),
        "args": call.args.map(|arg| format!("{arg:#x}")),
        "exit": call.exit,
        "success": call.success(),
    })
}

fn who(event: &Event) -> Value {
    let who = &event.who;
    json!({
        "pid": who.pid, "tid": who.tid, "ppid": who.ppid,
        "auid": who.auid, "ses": who.ses,
        "uid": who.uid, "gid": who.gid, "euid": who.euid, "egid": who.egid,
        "suid": who.suid, "sgid": who.sgid, "fsuid": who.fsuid, "fsgid": who.fsgid,
        "tty": who.tty.as_deref().map(text),
        "comm": text(&who.comm),
        "exe": who.exe.as_deref().map(text),
        "subj": who.subj.as_deref().map(text),
        "start_ns": who.start_ns,
    })
}

fn path(item: &PathItem) -> Value {
    let mut object = json!({
        "name": item.name.as_deref().map(text),
        "resolved": item.resolved.as_deref().map(text),
        "nametype": nametype(item.nametype),
    });
    if let Some(file) = &item.file {
        object["inode"] = file.ino.into();
        object["dev"] = Dev(file.dev).to_string().into();
        object["rdev"] = Dev(file.rdev).to_string().into();
        object["mode"] = format!("{:o}", Octal(file.mode)).into();
        object["ouid"] = file.uid.into();
        object["ogid"] = file.gid.into();
        object["nlink"] = file.nlink.into();
    }
    if let Some(obj) = &item.obj {
        object["obj"] = json!(text(obj));
    }
    if let FileCaps::Present { .. } = item.caps {
        object["caps"] = aux::file_caps(item.caps);
    }
    object
}

fn times(times: &Times) -> Value {
    json!({"atime": times.atime, "mtime": times.mtime, "ctime": times.ctime})
}

/// The family's name and facts.
fn what(what: &What) -> (&'static str, Value) {
    match what {
        What::Exec(exec) => {
            let facts = json!({
                "argv": exec.argv.iter().map(|arg| text(arg)).collect::<Vec<_>>(),
                "argv_bytes": exec.argv_bytes,
                "truncated": exec.truncated,
                "interpreter": exec.interpreter.as_deref().map(text),
                "script": exec.script.as_deref().map(text),
            });
            ("execve", facts)
        }
        What::Module(module) => {
            let facts = json!({
                "name": module.name.as_deref().map(text),
                "flags": module.flags,
                "file": module.file.as_ref().map(path),
            });
            ("module", facts)
        }
        What::Open(open) => {
            let facts = json!({
                "flags": open.flags,
                "mode": open.mode,
                "resolve": open.resolve,
                "created": open.created,
            });
            ("open", facts)
        }
        What::Utime(utime) => {
            let facts = json!({
                "target": utime.target.as_ref().map(path),
                "old": utime.old.as_ref().map(times),
                "new": utime.new.as_ref().map(times),
                "set_atime": utime.set_atime,
                "set_mtime": utime.set_mtime,
            });
            ("utime", facts)
        }
        What::Other => ("syscall_other", Value::Null),
        What::Message(message) => {
            let facts = json!({"kind": types::name(message.kind), "text": text(&message.text)});
            ("message", facts)
        }
        What::Uring(uring) => ("uring", json!({"op": uring.op, "exit": uring.exit})),
    }
}
