//! Memory that becomes executable, and other processes' memory.

use auklet_rules::{Category, Observation, Value, id};

use super::{bytes, int, int64, low32};
use crate::{
    enrich::command_line,
    event::{Aux, Event, Syscall},
    process::ProcessTable,
};

/// Calls whose third argument is the protection.
pub(crate) const PROTECTS: &[&str] = &["mmap", "mmap2", "mprotect", "pkey_mprotect"];

pub(super) const CALLS: &[&str] = &[
    "mmap",
    "mmap2",
    "mprotect",
    "pkey_mprotect",
    "memfd_create",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
];

/// Requests that take hold of another process, or change it (include/uapi/linux/ptrace.h,
/// arch/x86/include/uapi/asm/ptrace-abi.h).
pub(crate) const PTRACE_REQUESTS: [(u32, &str); 6] = [
    (4, "PTRACE_POKETEXT"),
    (5, "PTRACE_POKEDATA"),
    (13, "PTRACE_SETREGS"),
    (16, "PTRACE_ATTACH"),
    (0x4205, "PTRACE_SETREGSET"),
    (0x4206, "PTRACE_SEIZE"),
];

/// include/uapi/asm-generic/mman-common.h
const PROT_READ: u32 = 1;
const PROT_WRITE: u32 = 2;
const PROT_EXEC: u32 = 4;
const MAP_ANONYMOUS: u32 = 0x20;

pub(super) fn reached(
    event: &Event,
    call: &Syscall,
    name: &str,
    processes: &ProcessTable,
) -> Option<Observation> {
    let mut fields = Observation::new(Category::Memory);
    let [a0, a1, a2, a3] = call.args;
    match name {
        _ if PROTECTS.contains(&name) => {
            let protection = low32(a2);
            if protection & PROT_EXEC == 0 {
                return None;
            }
            fields.set(id!("Protection"), letters(protection));
            fields.set(id!("Length"), int64(a1));
            if name.starts_with("mmap") {
                let flags = low32(a3);
                let anonymous = flags & MAP_ANONYMOUS != 0;
                fields.set(id!("MapFlags"), int(flags));
                fields.set(id!("Anonymous"), Value::Bool(anonymous));
            }
        }
        "memfd_create" => fields.set(id!("MemfdFlags"), int(low32(a1))),
        "ptrace" => {
            let request = low32(a0);
            let known = PTRACE_REQUESTS.iter().find(|(nr, _)| *nr == request);
            let (_, text) = known?;
            fields.set(id!("PtraceRequest"), bytes(text.as_bytes()));
            target(event, low32(a1), processes, &mut fields);
        }
        "process_vm_readv" | "process_vm_writev" => {
            target(event, low32(a0), processes, &mut fields);
        }
        _ => return None,
    }
    let operation = if name == "mmap2" { "mmap" } else { name };
    fields.set(id!("Operation"), bytes(operation.as_bytes()));
    Some(fields)
}

fn letters(protection: u32) -> Value {
    let letter = |bit: u32, letter: u8| if protection & bit != 0 { letter } else { b'-' };
    Value::Bytes(vec![
        letter(PROT_READ, b'r'),
        letter(PROT_WRITE, b'w'),
        letter(PROT_EXEC, b'x'),
    ])
}

/// The process that the call was about: as the kernel found it, else by the caller's number, which is
/// another in a container.
fn target(event: &Event, number: u32, processes: &ProcessTable, fields: &mut Observation) {
    let told = event.aux.iter().find_map(|aux| match aux {
        Aux::ObjPid(target) => Some(target.pid),
        _ => None,
    });
    if told.is_none() && event.caveats.other_root {
        return;
    }
    let pid = told.unwrap_or(number);
    fields.set(id!("TargetProcessId"), int(pid));
    if let Some(entry) = processes.get(pid) {
        let exe = entry.exe.as_deref().unwrap_or_default();
        fields.set(id!("TargetImage"), bytes(exe));
        let line = command_line(Some(entry));
        fields.set(id!("TargetCommandLine"), Value::Bytes(line));
    }
}
