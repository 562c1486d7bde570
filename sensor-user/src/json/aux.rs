//! Further records of an event as JSON, by the names that auditd gives them.

use serde_json::{Value, json};

use super::text;
use crate::{
    event::{Aux, Capabilities, ClockChange, FileCaps, NetfilterChange, ntp_name},
    records::types,
};

pub(super) fn value(aux: &Aux) -> Value {
    match aux {
        Aux::Sockaddr(address) => json!({"type": "SOCKADDR", "saddr": hex::encode(address)}),
        Aux::Operation(operation) => json!({
            "type": "URINGOP", "op": operation.uring.op, "exit": operation.uring.exit,
            "items": operation.items, "cred": operation.cred, "recorded": operation.recorded,
            "key": operation.key.as_deref().map(text),
        }),
        Aux::Opened(opened) => json!({
            "type": "opened", "flags": opened.0.flags, "created": opened.0.created,
            "name": opened.1.name.as_deref().map(text),
            "path": opened.1.resolved.as_deref().map(text),
        }),
        Aux::FdPair(fd0, fd1) => json!({"type": "FD_PAIR", "fd0": fd0, "fd1": fd1}),
        Aux::Mmap { fd, flags } => json!({"type": "MMAP", "fd": fd, "flags": flags}),
        Aux::KernModule(name) => json!({"type": "KERN_MODULE", "name": text(name)}),
        Aux::ObjPid(target) => json!({
            "type": "OBJ_PID",
            "pid": target.pid, "auid": target.auid, "uid": target.uid, "ses": target.ses,
            "comm": text(&target.comm),
            "obj": target.subj.as_deref().map(text),
        }),
        Aux::Capset { pid, caps } => json!({"type": "CAPSET", "pid": pid, "caps": sets(caps)}),
        Aux::BprmFcaps { file, old, new } => json!({
            "type": "BPRM_FCAPS", "file": file_caps(*file), "old": sets(old), "new": sets(new),
        }),
        Aux::Bpf { prog_id, unload } => {
            json!({"type": "BPF", "prog_id": prog_id, "op": if *unload { "UNLOAD" } else { "LOAD" }})
        }
        Aux::Login {
            old_auid,
            auid,
            old_ses,
            ses,
            success,
        } => json!({
            "type": "LOGIN", "old_auid": old_auid, "auid": auid, "old_ses": old_ses, "ses": ses,
            "success": success,
        }),
        Aux::Anomaly { kind, operation } => {
            json!({"type": types::name(*kind), "op": text(operation)})
        }
        Aux::Socketcall(arguments) => json!({"type": "SOCKETCALL", "args": arguments}),
        Aux::Netfilter(change) => netfilter(change),
        Aux::Clock { change, .. } => clock(*change),
        Aux::Foreign { kind, body, .. } => json!({"type": text(kind), "body": text(body)}),
    }
}

fn netfilter(change: &NetfilterChange) -> Value {
    json!({
        "type": "NETFILTER_CFG",
        "table": text(&change.table),
        "family": change.family,
        "entries": change.entries,
        "op": change.operation(),
    })
}

fn clock(change: ClockChange) -> Value {
    let kind = change.kind();
    match change {
        ClockChange::Offset { sec, nsec } => json!({"type": kind, "sec": sec, "nsec": nsec}),
        ClockChange::Ntp { value, old, new } => {
            json!({"type": kind, "op": ntp_name(value), "old": old, "new": new})
        }
    }
}

fn sets(caps: &Capabilities) -> Value {
    let hex = |set: u64| format!("{set:016x}");
    json!({
        "inheritable": hex(caps.inheritable),
        "permitted": hex(caps.permitted),
        "effective": hex(caps.effective),
        "ambient": hex(caps.ambient),
    })
}

pub(super) fn file_caps(caps: FileCaps) -> Value {
    match caps {
        FileCaps::Absent | FileCaps::Unread => Value::Null,
        FileCaps::Present {
            permitted,
            inheritable,
            effective,
            version,
            rootid,
        } => json!({
            "permitted": format!("{permitted:016x}"),
            "inheritable": format!("{inheritable:016x}"),
            "effective": effective,
            "version": version,
            "rootid": rootid,
        }),
    }
}
