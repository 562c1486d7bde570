//! Which programs are what their paths say, for rules that excuse a program.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use auklet_rules::{
    Observation, Value,
    analysis::{Access, Owners, Trust},
    id,
};

use crate::{
    event::{Aux, Event, What},
    process::ProcessTable,
    syscalls,
};

/// PTRACE_ATTACH, PTRACE_SEIZE, and those that write or set registers: include/uapi/linux/ptrace.h.
const REACHING: [u64; 9] = [4, 5, 6, 13, 15, 19, 16, 0x4205, 0x4206];

/// Answers about running processes, or about those of a log.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    trust: Trust,
}

impl Trusted {
    /// Learns who was started with what environment, and who was reached into.
    pub(super) fn follow(&mut self, event: &Event, processes: &ProcessTable, environment: &[u8]) {
        if !event.success() || event.who.start_ns == 0 {
            return;
        }
        let who = process(event, processes);
        let living = |(pid, start_ns): (u32, u64)| {
            let entry = processes.get(pid);
            entry.is_some_and(|entry| !entry.exited && entry.is(start_ns))
        };
        match &event.what {
            What::Exec(_) => {
                self.trust
                    .started(who, environment, event.time_ns, &mut Host, &living);
            }
            What::Other if reaches(event) => {
                let target = |aux: &Aux| match aux {
                    Aux::ObjPid(target) => Some(target.pid),
                    _ => None,
                };
                for pid in event.aux.iter().filter_map(target) {
                    if let Some(entry) = processes.get(pid) {
                        self.trust.traced((pid, entry.start_ns), &living);
                    }
                }
            }
            _ => {}
        }
    }

    /// Sets the fields.
    pub(super) fn fill(
        &mut self,
        event: &Event,
        processes: &ProcessTable,
        observation: &mut Observation,
    ) {
        let who = &event.who;
        let image = self.is(event, process(event, processes), who.exe.as_deref());
        observation.set(id!("TrustedImage"), Value::Bool(image));
        if let Some(Value::Bytes(file)) = observation.get(id!("ModuleFile")) {
            let log = who.start_ns == 0;
            let guarded = log || self.trust.path(file, event.time_ns, &mut Host).is_ok();
            observation.set(id!("ModuleFileTrusted"), Value::Bool(guarded));
        }
        let line = processes.ancestors(who.pid);
        let trusted = line
            .iter()
            .filter(|e| self.is(event, (e.pid, e.start_ns), e.exe.as_deref()));
        let images = trusted.filter_map(|e| e.exe.as_ref().map(|exe| exe.to_vec()));
        let images = Value::List(images.collect());
        observation.set(id!("TrustedAncestorImages"), images);
    }

    fn is(&mut self, event: &Event, id: (u32, u64), exe: Option<&[u8]>) -> bool {
        // A log's process: this machine's files say nothing of it.
        if event.who.start_ns == 0 {
            return exe.is_some_and(|exe| exe.starts_with(b"/") && !exe.starts_with(b"/memfd:"));
        }
        let root = event.caveats.other_root;
        let answer = self.trust.process(id, exe, root, event.time_ns, &mut Host);
        answer.is_ok()
    }
}

/// Who acted, by the start that the table has: of processes older than the sensor it comes from /proc, in
/// coarser steps than the kernel's.
fn process(event: &Event, processes: &ProcessTable) -> (u32, u64) {
    let who = &event.who;
    let entry = processes
        .get(who.pid)
        .filter(|entry| entry.is(who.start_ns));
    (who.pid, entry.map_or(who.start_ns, |entry| entry.start_ns))
}

/// Whether the call writes into another process, or can from now on.
fn reaches(event: &Event) -> bool {
    let Some(call) = &event.call else {
        return false;
    };
    match syscalls::layout(call.arch, call.nr) {
        Some("ptrace") => REACHING.contains(&call.args[0]),
        Some("process_vm_writev") => true,
        _ => false,
    }
}

/// The running host.
struct Host;

impl Owners for Host {
    fn access(&mut self, path: &[u8]) -> Option<Access> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::symlink_metadata(Path::new(OsStr::from_bytes(path))).ok()?;
        Some(Access {
            owner: (metadata.uid(), metadata.gid()),
            mode: metadata.mode(),
        })
    }
}
