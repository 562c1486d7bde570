//! From the facts of one record, and the process table, to an audit [`Event`].

mod arguments;
mod aux;
mod caps;
mod clock;
mod exec;
mod failed;
mod images;
mod items;
mod lookup;
mod message;
mod module;
mod names;
mod open;
mod other;
mod targets;
mod unseen;
mod uring;
mod utime;

use std::collections::VecDeque;

use bytes::Bytes;
use sensor_ebpf::{
    calls::CALLS,
    config::plan,
    wire::{Task, flag, item, kind},
};

pub use self::arguments::Arguments;
use self::caps::{FileCapsTable, When};
use crate::{
    decode::{CallFacts, Message, RawItem},
    event::{Caveats, Event, PathItem, Process, Syscall, Uring, What},
    kernel::Kernel,
    process::{ProcessTable, comm, until_nul},
    syscalls,
};

/// Messages read ahead at which no more are.
const AHEAD: usize = 8192;

/// Builds events; owns the state that outlives one record.
#[derive(Debug)]
pub struct Assembler {
    pub processes: ProcessTable,
    arguments: Arguments,
    next_serial: u32,
    file_caps: FileCapsTable,
    /// Names that io_uring took in one task and looked up in another.
    elsewhere: uring::Elsewhere,
    /// Messages that were read ahead of their turn.
    ahead: VecDeque<Message>,
    /// `sensor_ebpf::config::plan` in force.
    plan: u32,
    /// Major and minor.
    kernel: (u32, u32),
    /// audit gives names at one address one item: until `struct filename` lost its `uptr`.
    reuses_names: bool,
    /// auditd writes a CREATE item for a file that could not be created: not on 6.12, on 7.3.
    child_of_failed_create: bool,
    /// Since 6.8 an exec opens its file before it counts its arguments.
    opens_first: bool,
    /// auditd since 5.16 writes OPENAT2.
    records_how: bool,
    /// auditd since 6.12 writes KERN_MODULE for a module without a name.
    says_unnamed: bool,
    /// TOMOYO is among the kernel's security modules.
    tomoyo: bool,
    /// auditd before 6.12 writes a PARENT item for an O_CREAT that found its file; since, only when
    /// the name was not in the dentry cache.
    parent_on_existing: bool,
}

impl Assembler {
    /// `attach_plan` is a `sensor_ebpf::config::plan`.
    #[must_use]
    pub fn new(processes: ProcessTable, attach_plan: u32, kernel: &Kernel) -> Self {
        Self {
            processes,
            arguments: Arguments::default(),
            next_serial: 1,
            file_caps: FileCapsTable::default(),
            elsewhere: uring::Elsewhere::default(),
            ahead: VecDeque::new(),
            plan: attach_plan,
            kernel: kernel.version,
            reuses_names: kernel.version < (7, 0),
            child_of_failed_create: kernel.version >= (7, 0),
            opens_first: kernel.version >= (6, 8),
            records_how: kernel.version >= (5, 16),
            says_unnamed: kernel.version >= (6, 12),
            tomoyo: kernel.has_lsm("tomoyo"),
            parent_on_existing: kernel.version < (6, 12),
        }
    }

    /// Takes one message in. An event comes of a system call; the others change state only.
    /// `clock_offset_ns` is what makes CLOCK_MONOTONIC the time of day. `more` gives what the ring holds
    /// by now: asked where a look-up may have come too late. It is kept for [`Self::next_ahead`].
    pub fn take(
        &mut self,
        message: Message,
        clock_offset_ns: u64,
        more: &mut dyn FnMut() -> Vec<Message>,
    ) -> Option<Event> {
        match message {
            Message::Fork(_, task) => self.processes.forked(&task),
            Message::Exit(_, task) => {
                self.processes.exited(&task);
                self.arguments.forget(task.tid);
            }
            Message::Argv(_, tid, offset, bytes) => self.arguments.add(tid, offset, bytes),
            Message::FileCaps(facts) => self.file_caps.changed(&facts),
            Message::Call(facts) => return Some(self.event(&facts, clock_offset_ns, more)),
            Message::User(message) => return self.message(&message, clock_offset_ns),
        }
        None
    }

    /// A message that was read ahead, to be taken before what the ring gives.
    pub fn next_ahead(&mut self) -> Option<Message> {
        self.ahead.pop_front()
    }

    /// Capabilities of the files; what is in doubt, changes that are in the ring already decide.
    fn caps_of_files(
        &mut self,
        paths: &mut [PathItem],
        facts: &CallFacts,
        when: When,
        more: &mut dyn FnMut() -> Vec<Message>,
    ) {
        let names = ["rename", "renameat", "renameat2", "link", "linkat"];
        let made = !facts.name().is_some_and(|name| names.contains(&name));
        if !self.fill_caps(paths, made, when) || self.ahead.len() > AHEAD {
            return;
        }
        for message in more() {
            match message {
                Message::FileCaps(facts) => self.file_caps.changed(&facts),
                other => self.ahead.push_back(other),
            }
        }
        self.fill_caps(paths, made, when);
    }

    fn event(
        &mut self,
        facts: &CallFacts,
        clock_offset_ns: u64,
        more: &mut dyn FnMut() -> Vec<Message>,
    ) -> Event {
        let mut caveats = Caveats {
            truncated: facts.header.flags & u32::from(flag::TRUNCATED) != 0,
            other_root: facts.header.flags & u32::from(flag::OTHER_ROOT) != 0,
            ..Caveats::default()
        };
        let cwd = facts.cwd.as_ref().map(|path| path.to_bytes());
        let what = self.what(facts, cwd.as_deref(), &mut caveats);
        let exe = facts.exe.as_ref().map(|path| path.to_bytes());
        let (entry, from_proc) = self.processes.caller(&facts.task, exe);
        caveats.from_proc = from_proc;
        let who = Process {
            subj: facts.subj.clone(),
            ..who(&facts.task, entry.exe.clone())
        };
        let (mut paths, done) = if facts.is_uring() {
            self.uring(facts, cwd.as_ref(), &mut caveats)
        } else {
            let paths = self.paths(facts, cwd.as_ref(), &what, &mut caveats);
            (paths, Vec::new())
        };
        let when = When {
            ktime_ns: facts.header.ktime_ns,
            time_ns: facts.header.ktime_ns.wrapping_add(clock_offset_ns),
        };
        // Below another root the names lead elsewhere.
        if !caveats.other_root {
            self.caps_of_files(&mut paths, facts, when, more);
        }
        let named = self.has_cwd(facts, &paths);
        let mut aux = self.aux(facts, &mut caveats);
        aux.extend(done);
        if let What::Exec(_) = what {
            aux.extend(caps::raised(facts, &paths));
        }
        Event {
            time_ns: when.time_ns,
            serial: self.serial(),
            call: (facts.header.kind != kind::URING).then(|| call(facts)),
            who,
            cwd: cwd.filter(|_| named),
            paths,
            proctitle: facts.proctitle.clone(),
            key: None,
            what,
            aux,
            caveats,
        }
    }

    /// Whether audit notes the working directory: since 5.13 with any item, before only with a name that
    /// was taken from the caller.
    fn has_cwd(&self, facts: &CallFacts, paths: &[PathItem]) -> bool {
        let by_descriptor = || match self.plan {
            // What was made up has a name.
            plan::TRACEPOINT => paths.iter().all(|item| item.name.is_none()),
            _ => !facts.items.is_empty() && facts.items.iter().all(RawItem::is_descriptor),
        };
        let other = facts.header.kind == kind::OTHER;
        !(paths.is_empty() || (self.kernel < (5, 13) && other && by_descriptor()))
    }

    /// The next event's.
    fn serial(&mut self) -> u32 {
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1).max(1);
        serial
    }

    /// The family's own facts; an exec also changes the process table.
    fn what(&mut self, facts: &CallFacts, cwd: Option<&[u8]>, caveats: &mut Caveats) -> What {
        match facts.header.kind {
            kind::EXEC => What::Exec(self.exec(facts, cwd, caveats)),
            kind::MODULE => What::Module(module::module(facts, self.says_unnamed)),
            kind::OPEN => What::Open(open::open(facts, self.records_how)),
            kind::OTHER => What::Other,
            kind::URING => What::Uring(Uring {
                op: facts.call.nr,
                exit: Some(facts.call.ret),
            }),
            _ => What::Utime(self.utime(facts, caveats)),
        }
    }
}

fn who(task: &Task, exe: Option<Bytes>) -> Process {
    let [uid, gid, suid, sgid, euid, egid, fsuid, fsgid] = task.cred;
    let tty = until_nul(&task.tty);
    Process {
        pid: task.pid,
        tid: task.tid,
        ppid: task.ppid,
        auid: task.auid,
        ses: task.ses,
        uid,
        euid,
        suid,
        fsuid,
        gid,
        egid,
        sgid,
        fsgid,
        tty: (!tty.is_empty()).then_some(tty),
        comm: comm(task),
        exe,
        subj: None,
        start_ns: task.start_ns,
    }
}

fn call(facts: &CallFacts) -> Syscall {
    let [a0, a1, a2, a3, ..] = facts.call.args;
    Syscall {
        arch: facts.call.arch,
        nr: facts.call.nr,
        args: [a0, a1, a2, a3],
        exit: facts.call.ret,
        personality: facts.task.personality,
    }
}

/// The low half of a register: what the kernel takes for an `int`.
fn low32(register: u64) -> u32 {
    u32::try_from(register & 0xffff_ffff).unwrap_or(0)
}

impl CallFacts {
    /// The call's name (utimensat for utimensat_time64).
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        syscalls::layout(self.call.arch, self.call.nr)
    }

    fn is(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// Argument layout, `sensor_ebpf::calls::shape`.
    fn shape(&self) -> u32 {
        let name = self.name();
        CALLS
            .iter()
            .find(|call| Some(call.name) == name)
            .map_or(0, |call| call.shape)
    }

    /// The descriptor that a relative name starts from; `None` is the working directory.
    fn dirfd(&self) -> Option<i32> {
        const AT_FDCWD: i32 = -100;
        let has_dirfd = sensor_ebpf::calls::name_argument(self.shape()) == Some(1);
        let fd = low32(self.call.args[0]).cast_signed();
        (has_dirfd && fd != AT_FDCWD).then_some(fd)
    }
}

impl CallFacts {
    /// Whether the kernel took the address in `sockaddr`, for all that is known: not where the descriptor
    /// is no socket's, at which connect alone looks later.
    fn took_address(&self) -> bool {
        let errno = i32::try_from(-self.call.ret).unwrap_or(0);
        let connect =
            self.is("connect") || (self.is("socketcall") && low32(self.call.args[0]) == 3);
        let refused = errno == libc::EBADF || (errno == libc::ENOTSOCK && !connect);
        !(self.sockaddr_from_user && refused)
    }
}

impl RawItem {
    fn is_descriptor(&self) -> bool {
        self.facts.flags & item::DESCRIPTOR != 0
    }
}
