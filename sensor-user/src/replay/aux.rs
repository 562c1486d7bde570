//! Records beside a call's own, to [`Aux`]. One with a field missing, or of a type that Auklet has no
//! fields for, is kept as it stands: [`Aux::Foreign`].

use bytes::Bytes;

use super::{
    fields::{Value, fields},
    line::Line,
};
use crate::event::{Aux, Capabilities, FileCaps, Target};

/// The record as facts, if it has all of its fields.
pub(super) fn known(line: &Line) -> Option<Aux> {
    let body = &line.body;
    let get = |name: &str| get(body, name);
    Some(match &*line.kind {
        b"SOCKADDR" => Aux::Sockaddr(hex::decode(get("saddr")?.text()).ok()?.into()),
        b"FD_PAIR" => Aux::FdPair(get("fd0")?.decimal()?, get("fd1")?.decimal()?),
        b"MMAP" => Aux::Mmap {
            fd: get("fd")?.decimal()?,
            flags: get("flags")?.hexadecimal()?.try_into().ok()?,
        },
        b"OBJ_PID" => Aux::ObjPid(Target {
            pid: get("opid")?.id()?,
            auid: get("oauid")?.id()?,
            uid: get("ouid")?.id()?,
            ses: get("oses")?.id()?,
            comm: get("ocomm")?.untrusted(body)?,
            subj: get("obj").map(|obj| obj.trusted(body)),
        }),
        b"CAPSET" => Aux::Capset {
            pid: get("pid")?.id()?,
            caps: sets(body, ["cap_pi", "cap_pp", "cap_pe", "cap_pa"])?,
        },
        b"BPRM_FCAPS" => bprm_fcaps(body)?,
        b"BPF" => Aux::Bpf {
            prog_id: get("prog-id")?.decimal()?,
            unload: match get("op")?.text() {
                b"LOAD" => false,
                b"UNLOAD" => true,
                _ => return None,
            },
        },
        b"LOGIN" => Aux::Login {
            old_auid: get("old-auid")?.id()?,
            auid: get("auid")?.id()?,
            old_ses: get("old-ses")?.id()?,
            ses: get("ses")?.id()?,
            success: get("res")?.text() == b"1",
        },
        _ => return None,
    })
}

/// The record as it stands.
pub(super) fn foreign(line: &Line, first: bool) -> Aux {
    Aux::Foreign {
        kind: line.kind.clone(),
        body: line.body.clone(),
        first,
    }
}

fn get<'a>(body: &'a Bytes, name: &str) -> Option<Value<'a>> {
    let mut all = fields(body);
    all.find(|(found, _)| *found == name.as_bytes())
        .map(|(_, value)| value)
}

/// Inheritable, permitted, effective, ambient.
fn sets(body: &Bytes, names: [&str; 4]) -> Option<Capabilities> {
    let [inheritable, permitted, effective, ambient] =
        names.map(|name| get(body, name).and_then(Value::hexadecimal));
    Some(Capabilities {
        inheritable: inheritable?,
        permitted: permitted?,
        effective: effective?,
        // Before Linux 4.3 there were none, and no field.
        ambient: ambient.unwrap_or_default(),
    })
}

fn bprm_fcaps(body: &Bytes) -> Option<Aux> {
    let hexadecimal = |name| get(body, name).and_then(Value::hexadecimal);
    Some(Aux::BprmFcaps {
        file: FileCaps::Present {
            permitted: hexadecimal("fp")?,
            inheritable: hexadecimal("fi")?,
            effective: get(body, "fe")?.text() == b"1",
            version: hexadecimal("fver")?.try_into().ok()?,
            rootid: get(body, "frootid").and_then(Value::id).unwrap_or_default(),
        },
        old: sets(body, ["old_pi", "old_pp", "old_pe", "old_pa"])?,
        new: sets(body, ["pi", "pp", "pe", "pa"])?,
    })
}
