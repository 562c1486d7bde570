//! What every observation says: who, whence, from where.

use auklet_rules::{Observation, Value, id};

use super::{Enricher, bytes, int};
use crate::{
    enrich::command_line,
    event::{Event, Process, What},
    process::ProcessTable,
};

pub(super) fn fill(
    enricher: &mut Enricher,
    event: &Event,
    processes: &ProcessTable,
    observation: &mut Observation,
) {
    let who = &event.who;
    let entry = processes.get(who.pid);
    let exe = who.exe.as_deref().unwrap_or_default();
    let line = match &event.what {
        // A failed exec's arguments are not those of the process that lives on.
        What::Exec(exec) => exec.argv.join(&b' '),
        _ => command_line(entry),
    };
    observation.set(id!("Image"), bytes(exe));
    observation.set(id!("CommandLine"), Value::Bytes(line));
    observation.set(id!("ProcessId"), int(who.pid));
    observation.set(id!("FromLog"), Value::Bool(who.start_ns == 0));
    observation.set(id!("ParentProcessId"), int(who.ppid));
    users(enricher, who, observation);
    observation.set(
        id!("Terminal"),
        bytes(who.tty.as_deref().unwrap_or(b"(none)")),
    );
    observation.set(id!("Comm"), bytes(&who.comm));
    // Of a message, what it claims is there already.
    if observation.get(id!("Success")).is_none() {
        observation.set(id!("Success"), Value::Bool(event.success()));
    }
    let exit = event.call.map_or(0, |call| call.exit);
    observation.set(id!("Exit"), Value::Int(exit));
    observation.set(id!("ExeDeleted"), Value::Bool(exe.ends_with(b" (deleted)")));
    if let Some(cwd) = &event.cwd {
        observation.set(id!("CurrentDirectory"), bytes(cwd));
    }
    if let Some(container) = enricher.container(event) {
        observation.set(id!("ContainerId"), bytes(&container));
    }
    ancestors(enricher, who.pid, processes, observation);
    if let Some(trusted) = &mut enricher.trusted {
        trusted.fill(event, processes, observation);
    }
}

fn users(enricher: &mut Enricher, who: &Process, observation: &mut Observation) {
    let user = enricher.users.name(who.euid);
    let real = enricher.users.name(who.uid);
    observation.set(id!("User"), Value::Bytes(user));
    observation.set(id!("UserId"), int(who.euid));
    observation.set(id!("RealUser"), Value::Bytes(real));
    observation.set(id!("RealUserId"), int(who.uid));
    observation.set(id!("GroupId"), int(who.egid));
    observation.set(id!("LoginUid"), int(who.auid));
    observation.set(id!("LogonId"), int(who.auid));
    if who.auid != u32::MAX {
        let login = enricher.users.name(who.auid);
        observation.set(id!("LoginUser"), Value::Bytes(login));
    }
    observation.set(id!("SessionId"), int(who.ses));
    observation.set(id!("TerminalSessionId"), int(who.ses));
}

fn ancestors(
    enricher: &mut Enricher,
    pid: u32,
    processes: &ProcessTable,
    observation: &mut Observation,
) {
    let line = processes.ancestors(pid);
    if let Some(parent) = line.first() {
        observation.set(
            id!("ParentImage"),
            bytes(parent.exe.as_deref().unwrap_or_default()),
        );
        observation.set(
            id!("ParentCommandLine"),
            Value::Bytes(command_line(Some(parent))),
        );
        let user = enricher.users.name(parent.uid);
        observation.set(id!("ParentUser"), Value::Bytes(user));
    }
    let images = line
        .iter()
        .map(|e| e.exe.as_deref().unwrap_or_default().to_vec());
    observation.set(id!("AncestorImages"), Value::List(images.collect()));
    let lines = line.iter().map(|e| command_line(Some(e)));
    observation.set(id!("AncestorCommandLines"), Value::List(lines.collect()));
    let scripts = line
        .iter()
        .filter_map(|e| e.script.as_ref().map(|s| s.to_vec()));
    observation.set(id!("AncestorScripts"), Value::List(scripts.collect()));
}
