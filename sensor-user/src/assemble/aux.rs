//! The records that stand beside SYSCALL, in auditd's order: kernel/auditsc.c, show_special and
//! audit_log_exit.

use bytes::Bytes;
use sensor_ebpf::{
    config::{OPEN_FDS, plan},
    wire::{CapFacts, NetfilterFacts, TargetFacts},
};

use super::{Assembler, clock, low32, unseen};
use crate::{
    decode::CallFacts,
    event::{Aux, Capabilities, Caveats, NetfilterChange, Target},
    process::until_nul,
};

fn netfilter((facts, table): &(NetfilterFacts, Bytes)) -> Aux {
    Aux::Netfilter(NetfilterChange {
        table: table.clone(),
        family: u8::try_from(facts.family & 0xff).unwrap_or(0),
        entries: facts.entries,
        op: facts.op,
    })
}

impl Assembler {
    /// The further records of a call, in auditd's order.
    pub(super) fn aux(&self, facts: &CallFacts, caveats: &mut Caveats) -> Vec<Aux> {
        let mut aux = Vec::new();
        if let Some(login) = facts.login {
            aux.push(Aux::Login {
                old_auid: login.old_auid,
                auid: login.auid,
                old_ses: login.old_ses,
                ses: login.ses,
                success: login.err == 0,
            });
        }
        aux.extend(facts.bpf_prog.map(|prog_id| Aux::Bpf {
            prog_id,
            unload: false,
        }));
        aux.extend(facts.netfilter.iter().map(netfilter));
        aux.extend(clock::at_once(&facts.clock));
        aux.extend(special(facts, self.kernel));
        aux.extend(clock::at_end(&facts.clock));
        let pair = facts.pair.or_else(|| lowest_free(facts.open_fds.as_ref()?));
        aux.extend(pair.map(|[fd0, fd1]| Aux::FdPair(fd0, fd1)));
        let sockaddr = facts.sockaddr.clone().filter(|_| facts.took_address());
        caveats.name_from_user |= sockaddr.is_some() && facts.sockaddr_from_user;
        aux.extend(sockaddr.map(Aux::Sockaddr));
        let anomaly = |(kind, operation): &(u32, Bytes)| {
            Some(Aux::Anomaly {
                kind: u16::try_from(*kind).ok()?,
                operation: operation.clone(),
            })
        };
        let guarded = (self.plan == plan::TRACEPOINT)
            .then(|| unseen::guards::anomaly(facts, self.kernel))
            .flatten();
        aux.extend(facts.anomalies.iter().chain(&guarded).filter_map(anomaly));
        // Flags that ptrace refuses it looks at before it tells audit.
        let refused = facts.is("ptrace") && facts.call.ret == -i64::from(libc::EIO);
        if !refused {
            targets(&facts.targets, &mut aux);
        }
        let target = self.target(facts).filter(|_| !refused);
        caveats.looked_up |= target.is_some();
        targets(target.as_slice(), &mut aux);
        aux
    }
}

/// The two lowest descriptors that are free: what a pipe gets (`alloc_fd` of fs/file.c).
fn lowest_free(open: &Bytes) -> Option<[i32; 2]> {
    let is_open = |fd: i32| {
        let byte = usize::try_from(fd / 8).ok().and_then(|at| open.get(at));
        // Behind the end of a table that would have grown.
        byte.is_some_and(|byte| byte >> (fd % 8) & 1 != 0)
    };
    let most = i32::try_from(OPEN_FDS * 8).unwrap_or(0);
    let mut free = (0..most).filter(|fd| !is_open(*fd));
    Some([free.next()?, free.next()?])
}

/// The record that some calls have of their own: show_special of kernel/auditsc.c.
fn special(facts: &CallFacts, kernel: (u32, u32)) -> Option<Aux> {
    const MAP_ANONYMOUS: u64 = 0x20;
    /// MODULE_NAME_LEN of include/linux/module.h, without the NUL.
    const MODULE_NAME: usize = 64 - 8 - 1;
    let args = &facts.call.args;
    match facts.name()? {
        "mmap" | "mmap2" if args[3] & MAP_ANONYMOUS == 0 && args[5] & 0xfff == 0 => {
            Some(Aux::Mmap {
                fd: low32(args[4]).cast_signed(),
                flags: low32(args[3]),
            })
        }
        "capset" => Some(Aux::Capset {
            pid: facts.task.pid,
            caps: capabilities(&facts.caps?),
        }),
        "socketcall" => socketcall(facts),
        "delete_module" if facts.call.ret != -i64::from(libc::EPERM) => {
            let name = facts.user_name.as_ref()?;
            // A name that is empty or too long is refused at once, in old kernels it is cut.
            let fits = !name.is_empty() && name.len() <= MODULE_NAME;
            let cut = name.slice(..name.len().min(MODULE_NAME));
            (fits || kernel < (6, 1)).then_some(Aux::KernModule(cut))
        }
        _ => None,
    }
}

/// socketcall(2): how many arguments each of its calls has, from 1 (`nargs` of net/socket.c).
fn socketcall(facts: &CallFacts) -> Option<Aux> {
    const ARGUMENTS: [usize; 20] = [3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4];
    let call = low32(facts.call.args[0]) as usize;
    let count = *ARGUMENTS.get(call.checked_sub(1)?)?;
    let memory = facts.socketcall.as_ref()?;
    let word = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
    let words = memory.chunks(4).take(count).filter_map(word);
    let words: Vec<u64> = words.map(u64::from).collect();
    (words.len() == count).then_some(Aux::Socketcall(words))
}

pub(super) fn capabilities(facts: &CapFacts) -> Capabilities {
    Capabilities {
        inheritable: facts.inheritable,
        permitted: facts.permitted,
        effective: facts.effective,
        ambient: facts.ambient,
    }
}

/// OBJ_PID records: the first process last, the others in groups, the last group first
/// (audit_signal_info_syscall, audit_log_exit).
fn targets(targets: &[(TargetFacts, Option<Bytes>)], aux: &mut Vec<Aux>) {
    const GROUP: usize = 16;
    let Some((first, others)) = targets.split_first() else {
        return;
    };
    let groups: Vec<_> = others.chunks(GROUP).collect();
    let ordered = groups.into_iter().rev().flatten().chain([first]);
    aux.extend(ordered.map(|(facts, subj)| {
        Aux::ObjPid(Target {
            pid: facts.pid,
            auid: facts.auid,
            uid: facts.uid,
            ses: facts.ses,
            comm: until_nul(&facts.comm),
            subj: subj.clone(),
        })
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_the_lowest_free_descriptors() {
        let check = |open: &'static [u8], expect| {
            assert_eq!(lowest_free(&Bytes::from_static(open)), expect, "{open:?}");
        };
        check(&[0b0000_0111, 0], Some([3, 4]));
        check(&[0b1111_1101, 0b1], Some([1, 9]));
        check(&[0xff; 8], Some([64, 65]));
        check(&[0xff; OPEN_FDS], None);
    }
}
