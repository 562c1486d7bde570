//! Records of user-space messages and io_uring operations, and those that stand beside a call's own
//! (kernel/auditsc.c: show_special, audit_log_exit; kernel/audit.c).

use super::{
    credentials, encode,
    encode::{hexadecimal, plain, text},
    ids, line, machine,
    path::cap,
    task_info,
};
use crate::event::{Aux, Capabilities, Event, FileCaps, Message, Operation, Target, Uring};

const ANOM_CREAT: u16 = 1703;
/// AUDIT_USER_TTY: its text is data, encoded.
const USER_TTY: u16 = 1124;
/// Longest text of a message: AUDIT_MESSAGE_TEXT_MAX.
const MESSAGE: usize = 8560;

/// ` subj=`, where a security module gives one.
pub(super) fn subject(event: &Event, out: &mut Vec<u8>) {
    if let Some(subj) = &event.who.subj {
        out.extend_from_slice(b" subj=");
        encode::trusted(out, subj);
    }
}

/// audit_log_user_recv_msg. The text is what the sender wrote, but for bytes that would end the line.
pub(super) fn message(event: &Event, message: &Message, out: &mut Vec<u8>) {
    let who = &event.who;
    plain(
        out,
        format_args!(
            "pid={} uid={} auid={} ses={}",
            who.pid, who.uid, who.auid, who.ses
        ),
    );
    subject(event, out);
    let cut = &message.text[..message.text.len().min(MESSAGE)];
    if message.kind == USER_TTY {
        return text(out, " data=", Some(cut));
    }
    out.extend_from_slice(b" msg='");
    out.extend(cut.iter().map(|b| if *b == b'\n' { b' ' } else { *b }));
    out.push(b'\'');
}

/// audit_log_uring
pub(super) fn uring(event: &Event, uring: &Uring, out: &mut Vec<u8>) {
    outcome(uring, out);
    let (items, who) = (event.paths.len(), &event.who);
    plain(
        out,
        format_args!(" items={items} ppid={} pid={}", who.ppid, who.pid),
    );
    credentials(event, out);
    subject(event, out);
    text(out, " key=", event.key.as_deref());
}

/// The same of an operation that ended inside io_uring_enter.
fn operation(event: &Event, operation: &Operation, out: &mut Vec<u8>) {
    outcome(&operation.uring, out);
    let (items, who) = (operation.items, &event.who);
    plain(
        out,
        format_args!(" items={items} ppid={} pid={}", who.ppid, who.pid),
    );
    ids(&operation.cred, out);
    subject(event, out);
    text(out, " key=", operation.key.as_deref());
}

fn outcome(uring: &Uring, out: &mut Vec<u8>) {
    plain(out, format_args!("uring_op={}", uring.op));
    if let Some(exit) = uring.exit {
        let success = if (-4095..0).contains(&exit) {
            "no"
        } else {
            "yes"
        };
        plain(out, format_args!(" success={success} exit={exit}"));
    }
}

/// The line of one further record.
pub(super) fn aux(event: &Event, aux: &Aux, out: &mut Vec<u8>) {
    let (kind, body) = body(event, aux);
    line(event, kind, out, |out| out.extend_from_slice(&body));
}

fn body<'a>(event: &Event, aux: &'a Aux) -> (&'a str, Vec<u8>) {
    let mut out = Vec::new();
    let kind = match aux {
        Aux::Sockaddr(address) => {
            out.extend_from_slice(b"saddr=");
            hexadecimal(&mut out, address);
            "SOCKADDR"
        }
        Aux::Operation(one) => {
            operation(event, one, &mut out);
            "URINGOP"
        }
        // Has no record: Aux::is_unrecorded.
        Aux::Opened(_) => "",
        Aux::FdPair(fd0, fd1) => {
            plain(&mut out, format_args!("fd0={fd0} fd1={fd1}"));
            "FD_PAIR"
        }
        Aux::Mmap { fd, flags } => {
            plain(&mut out, format_args!("fd={fd} flags={flags:#x}"));
            "MMAP"
        }
        Aux::KernModule(name) => {
            text(&mut out, "name=", Some(name));
            "KERN_MODULE"
        }
        Aux::ObjPid(target) => {
            object(target, &mut out);
            "OBJ_PID"
        }
        Aux::Capset { pid, caps } => {
            plain(&mut out, format_args!("pid={pid}"));
            sets(
                ["cap_pi", "cap_pp", "cap_pe", "cap_pa"],
                caps_of(caps),
                &mut out,
            );
            "CAPSET"
        }
        Aux::BprmFcaps { file, old, new } => {
            bprm_fcaps(*file, old, new, &mut out);
            "BPRM_FCAPS"
        }
        Aux::Bpf { prog_id, unload } => {
            let op = if *unload { "UNLOAD" } else { "LOAD" };
            plain(&mut out, format_args!("prog-id={prog_id} op={op}"));
            "BPF"
        }
        Aux::Login {
            old_auid,
            auid,
            old_ses,
            ses,
            success,
        } => {
            let who = &event.who;
            plain(&mut out, format_args!("pid={} uid={}", who.pid, who.uid));
            subject(event, &mut out);
            plain(
                &mut out,
                format_args!(" old-auid={old_auid} auid={auid} tty="),
            );
            encode::trusted(&mut out, who.tty.as_deref().unwrap_or(b"(none)"));
            let res = u8::from(*success);
            plain(
                &mut out,
                format_args!(" old-ses={old_ses} ses={ses} res={res}"),
            );
            "LOGIN"
        }
        Aux::Anomaly { kind, operation } => {
            out.extend_from_slice(b"op=");
            encode::trusted(&mut out, operation);
            task_info(event, &mut out);
            out.extend_from_slice(b" res=0");
            // Both there are; a number without a name could only come of a newer kernel.
            if *kind == ANOM_CREAT {
                "ANOM_CREAT"
            } else {
                "ANOM_LINK"
            }
        }
        Aux::Socketcall(arguments) => {
            plain(&mut out, format_args!("nargs={}", arguments.len()));
            for (n, argument) in arguments.iter().enumerate() {
                plain(&mut out, format_args!(" a{n}={argument:x}"));
            }
            "SOCKETCALL"
        }
        Aux::Netfilter(change) => {
            machine::netfilter(event, change, &mut out);
            "NETFILTER_CFG"
        }
        Aux::Clock { change, .. } => {
            machine::clock(*change, &mut out);
            change.kind()
        }
        Aux::Foreign { kind, body, .. } => {
            out.extend_from_slice(body);
            std::str::from_utf8(kind).unwrap_or("UNKNOWN")
        }
    };
    (kind, out)
}

/// audit_log_pid_context: ids that are not set are -1 here.
fn object(target: &Target, out: &mut Vec<u8>) {
    let ids = [target.auid, target.uid, target.ses].map(u32::cast_signed);
    let [auid, uid, ses] = ids;
    plain(
        out,
        format_args!("opid={} oauid={auid} ouid={uid} oses={ses}", target.pid),
    );
    if let Some(subj) = &target.subj {
        out.extend_from_slice(b" obj=");
        encode::trusted(out, subj);
    }
    text(out, " ocomm=", Some(&target.comm));
}

/// Inheritable, permitted, effective, ambient.
fn caps_of(caps: &Capabilities) -> [u64; 4] {
    [
        caps.inheritable,
        caps.permitted,
        caps.effective,
        caps.ambient,
    ]
}

fn sets(labels: [&str; 4], values: [u64; 4], out: &mut Vec<u8>) {
    for (label, value) in labels.into_iter().zip(values) {
        cap(&format!(" {label}="), value, out);
    }
}

fn bprm_fcaps(file: FileCaps, old: &Capabilities, new: &Capabilities, out: &mut Vec<u8>) {
    let (fp, fi, fe, version, root) = match file {
        FileCaps::Present {
            permitted,
            inheritable,
            effective,
            version,
            rootid,
        } => (permitted, inheritable, effective, version, rootid),
        FileCaps::Absent | FileCaps::Unread => (0, 0, false, 0, 0),
    };
    plain(out, format_args!("fver={version:x}"));
    cap(" fp=", fp, out);
    cap(" fi=", fi, out);
    plain(out, format_args!(" fe={}", u8::from(fe)));
    for (prefix, caps) in [("old_", old), ("", new)] {
        cap(&format!(" {prefix}pp="), caps.permitted, out);
        cap(&format!(" {prefix}pi="), caps.inheritable, out);
        cap(&format!(" {prefix}pe="), caps.effective, out);
        cap(&format!(" {prefix}pa="), caps.ambient, out);
    }
    plain(out, format_args!(" frootid={root}"));
}
