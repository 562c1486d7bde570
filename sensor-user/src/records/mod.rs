//! The text that auditd would have written for an event (kernel/auditsc.c: audit_log_exit), in
//! its order: SYSCALL, the family's own record, CWD, PATH items, PROCTITLE, EOE.

mod encode;
pub(crate) mod enrich;
mod execve;
mod machine;
mod other;
mod path;
pub mod types;

use self::encode::{decimal, hex, object_path, plain, text};
pub(crate) use self::path::{Dev, Octal, nametype};
use crate::event::{Aux, Event, Syscall, What};

/// Longest PROCTITLE: MAX_PROCTITLE_AUDIT_LEN.
const PROCTITLE: usize = 128;
/// auditd cuts a line at MAX_AUDIT_MESSAGE_LENGTH - 32 (lib/libaudit.h, src/auditd-event.c), the
/// newline and C's NUL included; its readers take no longer one.
const LINE: usize = 8970 - 32 - 2;

/// Appends the event's records, a line each, as auditd's log file has them: without EOE.
pub fn format(event: &Event, out: &mut Vec<u8>) {
    if let What::Message(message) = &event.what {
        let kind = types::name(message.kind);
        return line(event, &kind, out, |out| other::message(event, message, out));
    }
    let shown = |aux: &&Aux| aux.comes_first() && !aux.is_unrecorded();
    for aux in event.aux.iter().filter(shown) {
        other::aux(event, aux, out);
    }
    match (&event.call, &event.what) {
        (Some(call), _) => line(event, "SYSCALL", out, |out| syscall(event, call, out)),
        (None, What::Uring(uring)) => {
            line(event, "URINGOP", out, |out| other::uring(event, uring, out));
        }
        _ => {}
    }
    let fcaps = |aux: &&Aux| matches!(aux, Aux::BprmFcaps { .. });
    for aux in event.aux.iter().filter(fcaps) {
        other::aux(event, aux, out);
    }
    special(event, out);
    let rest = |aux: &&Aux| !aux.comes_first() && !fcaps(aux) && !aux.is_unrecorded();
    for aux in event.aux.iter().filter(rest) {
        other::aux(event, aux, out);
    }
    if let Some(cwd) = &event.cwd {
        line(event, "CWD", out, |out| object_path(out, "cwd=", Some(cwd)));
    }
    for (item, path) in event.paths.iter().enumerate() {
        if !path.hidden {
            line(event, "PATH", out, |out| path::body(item, path, out));
        }
    }
    if event.call.is_some() {
        line(event, "PROCTITLE", out, |out| {
            proctitle(&event.proctitle, out)
        });
    }
}

/// The family's own record.
fn special(event: &Event, out: &mut Vec<u8>) {
    match &event.what {
        // No argument at all was kept: no record is better than one that says argc=1.
        What::Exec(exec) if exec.argv.is_empty() && exec.truncated => {}
        What::Exec(exec) if event.success() => execve::lines(event, &exec.argv, out),
        What::Module(module) => {
            let unnamed = module.unnamed.then_some(&b"?"[..]);
            if let Some(name) = module.name.as_deref().or(unnamed) {
                line(event, "KERN_MODULE", out, |out| {
                    text(out, "name=", Some(name))
                });
            }
        }
        What::Open(open) if open.how_recorded => {
            line(event, "OPENAT2", out, |out| {
                plain(
                    out,
                    format_args!(
                        "oflag=0{:o} mode=0{:o} resolve={:#x}",
                        open.flags, open.mode, open.resolve
                    ),
                );
            });
        }
        _ => {}
    }
}

/// Takes the lines of record types out that a policy excludes.
pub fn drop_types(lines: &mut Vec<u8>, is_dropped: impl Fn(u16) -> bool) {
    let kind = |line: &[u8]| {
        let name = line.strip_prefix(b"type=")?.split(|b| *b == b' ').next()?;
        types::number(std::str::from_utf8(name).ok()?)
    };
    let keep = |line: &&[u8]| !kind(line).is_some_and(&is_dropped);
    *lines = lines
        .split_inclusive(|b| *b == b'\n')
        .filter(keep)
        .collect::<Vec<_>>()
        .concat();
}

/// Appends the end-of-event record, which auditd gives to plug-ins but not to its log file.
pub fn format_eoe(event: &Event, out: &mut Vec<u8>) {
    line(event, "EOE", out, |_| {});
}

/// The records as lines of ASCII without their newlines.
#[must_use]
pub fn lines(event: &Event) -> Vec<String> {
    let mut out = Vec::new();
    format(event, &mut out);
    let lines = out.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// `type=TYPE msg=audit(SEC.mmm:SERIAL): ` and the body that `body` appends.
fn line(event: &Event, kind: &str, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let ms = event.time_ns / 1_000_000;
    out.extend_from_slice(b"type=");
    out.extend_from_slice(kind.as_bytes());
    decimal(out, " msg=audit(", ms / 1000);
    // Three digits: what is before them is cut away.
    let mut digits = itoa::Buffer::new();
    out.push(b'.');
    out.extend_from_slice(&digits.format(1000 + ms % 1000).as_bytes()[1..]);
    decimal(out, ":", event.serial);
    out.extend_from_slice(b"): ");
    body(out);
    out.truncate(start + LINE);
    out.push(b'\n');
}

/// audit_log_exit and audit_log_task_info.
fn syscall(event: &Event, call: &Syscall, out: &mut Vec<u8>) {
    hex(out, "arch=", call.arch.into(), 1);
    decimal(out, " syscall=", call.nr);
    if call.personality != 0 {
        hex(out, " per=", call.personality.into(), 1);
    }
    let success = if call.success() { "yes" } else { "no" };
    out.extend_from_slice(b" success=");
    out.extend_from_slice(success.as_bytes());
    decimal(out, " exit=", exit(call.exit));
    for (label, word) in [" a0=", " a1=", " a2=", " a3="].into_iter().zip(call.args) {
        hex(out, label, word, 1);
    }
    decimal(out, " items=", event.paths.len());
    task_info(event, out);
    text(out, " key=", event.key.as_deref());
}

/// audit_log_task_info
fn task_info(event: &Event, out: &mut Vec<u8>) {
    let who = &event.who;
    decimal(out, " ppid=", who.ppid);
    decimal(out, " pid=", who.pid);
    decimal(out, " auid=", who.auid);
    credentials(event, out);
    out.extend_from_slice(b" tty=");
    encode::trusted(out, who.tty.as_deref().unwrap_or(b"(none)"));
    decimal(out, " ses=", who.ses);
    text(out, " comm=", Some(&who.comm));
    object_path(out, " exe=", who.exe.as_deref());
    other::subject(event, out);
}

/// The ids, as SYSCALL and URINGOP have them.
fn credentials(event: &Event, out: &mut Vec<u8>) {
    let who = &event.who;
    let in_order = [
        who.uid, who.gid, who.suid, who.sgid, who.euid, who.egid, who.fsuid, who.fsgid,
    ];
    ids(&in_order, out);
}

/// The same of ids in the order of `struct cred`.
fn ids(cred: &[u32; 8], out: &mut Vec<u8>) {
    let [uid, gid, suid, sgid, euid, egid, fsuid, fsgid] = *cred;
    for (label, id) in [
        (" uid=", uid),
        (" gid=", gid),
        (" euid=", euid),
        (" suid=", suid),
        (" fsuid=", fsuid),
        (" egid=", egid),
        (" sgid=", sgid),
        (" fsgid=", fsgid),
    ] {
        decimal(out, label, id);
    }
}

/// A call that a signal interrupted shows EINTR, as its caller would see it: audit_return_fixup.
fn exit(code: i64) -> i64 {
    if [-512, -513, -514, -516].contains(&code) {
        -4
    } else {
        code
    }
}

/// audit_log_proctitle: cut, without what can't be printed at the end.
fn proctitle(title: &[u8], out: &mut Vec<u8>) {
    let cut = &title[..title.len().min(PROCTITLE)];
    let end = cut.iter().rposition(|b| is_printable(*b));
    let shown = end.map_or(&b"(null)"[..], |end| &cut[..=end]);
    text(out, "proctitle=", Some(shown));
}

/// The kernel's isprint is Latin-1's (lib/ctype.c): the last byte of most UTF-8 letters counts.
fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | 0xa0..=0xff)
}

#[cfg(test)]
mod tests;
