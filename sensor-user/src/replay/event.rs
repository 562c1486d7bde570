//! From the records of one event to an [`Event`]: what `records::format` does, backwards.

use bytes::Bytes;

use super::{
    aux, calls,
    execve::Arguments,
    fields::{Value, fields},
    items,
    line::Line,
};
use crate::{
    event::{
        Caveats, Event, Exec, Message, Module, Open, PathItem, Process, Syscall, Uring, Utime, What,
    },
    records::types,
    script,
};

/// AUDIT_USER: what `auditctl -m` sends. Its number is below the other messages'.
const USER: u16 = 1005;

/// The event that the records tell of.
pub(super) fn event(records: &[Line]) -> Event {
    let mut draft = Draft::new(records.first());
    draft.inside_call = records.iter().any(|line| &*line.kind == b"SYSCALL");
    if let [line] = records
        && let Some(message) = message(line, &mut draft.event.who)
    {
        draft.event.what = What::Message(message);
        return draft.event;
    }
    for line in records {
        draft.record(line);
    }
    if draft.event.call.is_none()
        && let Some(line) = records.first()
    {
        for (name, value) in fields(&line.body) {
            who(&mut draft.event.who, name, value, &line.body);
        }
    }
    draft.end()
}

/// An event under construction.
struct Draft {
    event: Event,
    name: Option<String>,
    /// SYSCALL or URINGOP was seen.
    headed: bool,
    /// There is a SYSCALL among the records.
    inside_call: bool,
    /// What it says there are of PATH records.
    items: usize,
    arguments: Arguments,
}

impl Draft {
    fn new(first: Option<&Line>) -> Self {
        let event = Event {
            time_ns: first.map_or(0, |line| line.ms * 1_000_000),
            serial: first.map_or(0, |line| line.serial),
            call: None,
            who: Process {
                auid: u32::MAX,
                ses: u32::MAX,
                ..Process::default()
            },
            cwd: None,
            paths: Vec::new(),
            proctitle: Bytes::new(),
            key: None,
            what: What::Other,
            aux: Vec::new(),
            caveats: Caveats::default(),
        };
        Self {
            event,
            name: None,
            headed: false,
            inside_call: false,
            items: 0,
            arguments: Arguments::default(),
        }
    }

    /// Takes a record; what finds no place of its own is kept as it stands.
    fn record(&mut self, line: &Line) {
        let body = &line.body;
        let taken = match &*line.kind {
            b"SYSCALL" => !self.headed && self.syscall(line),
            // Beside a SYSCALL it is a record of an operation that ended inside the call.
            b"URINGOP" => !self.inside_call && !self.headed && self.uring(body),
            b"EXECVE" => self.execve(body),
            b"OPENAT2" => self.openat2(body),
            b"KERN_MODULE" => self.module(body),
            b"CWD" => self.event.cwd.is_none() && self.cwd(body),
            b"PATH" => {
                let (number, item) = items::parse(body);
                items::place(&mut self.event.paths, number, item);
                true
            }
            b"PROCTITLE" => {
                self.proctitle(body);
                true
            }
            b"EOE" => true,
            _ => false,
        };
        if !taken {
            let aux = aux::known(line).unwrap_or_else(|| aux::foreign(line, !self.headed));
            self.event.aux.push(aux);
        }
    }

    fn syscall(&mut self, line: &Line) -> bool {
        let (mut arch, mut nr) = (None, None);
        let mut call = Syscall {
            arch: 0,
            nr: 0,
            args: [0; 4],
            exit: 0,
            personality: 0,
        };
        for (name, value) in fields(&line.body) {
            let register = |value: Value<'_>| value.hexadecimal().unwrap_or_default();
            match name {
                b"arch" => arch = value.hexadecimal().and_then(|arch| arch.try_into().ok()),
                b"syscall" => nr = value.decimal(),
                b"per" => call.personality = calls::low32(register(value)),
                b"exit" => call.exit = value.decimal().unwrap_or_default(),
                b"a0" => call.args[0] = register(value),
                b"a1" => call.args[1] = register(value),
                b"a2" => call.args[2] = register(value),
                b"a3" => call.args[3] = register(value),
                _ => self.common(name, value, &line.body),
            }
        }
        let (Some(arch), Some(nr)) = (arch, nr) else {
            return false;
        };
        (call.arch, call.nr) = (arch, nr);
        let name = calls::name(&call, &line.enriched);
        self.event.what = what(name, &call);
        self.name = name.map(str::to_owned);
        self.event.call = Some(call);
        self.headed = true;
        true
    }

    fn uring(&mut self, body: &Bytes) -> bool {
        let mut op = None;
        let mut exit = None;
        for (name, value) in fields(body) {
            match name {
                b"uring_op" => op = value.decimal(),
                b"exit" => exit = value.decimal(),
                _ => self.common(name, value, body),
            }
        }
        let Some(op) = op else {
            return false;
        };
        self.event.what = What::Uring(Uring { op, exit });
        self.headed = true;
        true
    }

    /// What SYSCALL and URINGOP both have.
    fn common(&mut self, name: &[u8], value: Value<'_>, body: &Bytes) {
        match name {
            b"items" => self.items = value.decimal().unwrap_or_default(),
            b"key" => self.event.key = value.untrusted(body),
            _ => who(&mut self.event.who, name, value, body),
        }
    }

    /// Also without SYSCALL, or with one of a table that is not known here.
    fn execve(&mut self, body: &Bytes) -> bool {
        if self.name.is_none() && self.event.what == What::Other {
            self.event.what = What::Exec(Exec::default());
        }
        let taken = matches!(self.event.what, What::Exec(_));
        if taken {
            self.arguments.add(body);
        }
        taken
    }

    fn openat2(&mut self, body: &Bytes) -> bool {
        let What::Open(open) = &mut self.event.what else {
            return false;
        };
        let (mut flags, mut mode, mut resolve) = (None, None, None);
        for (name, value) in fields(body) {
            match name {
                b"oflag" => flags = value.octal(),
                b"mode" => mode = value.octal(),
                b"resolve" => resolve = value.hexadecimal(),
                _ => {}
            }
        }
        let (Some(flags), Some(mode), Some(resolve)) = (flags, mode, resolve) else {
            return false;
        };
        *open = Open {
            flags,
            mode,
            resolve,
            created: false,
            how_recorded: true,
        };
        true
    }

    fn module(&mut self, body: &Bytes) -> bool {
        let What::Module(module) = &mut self.event.what else {
            return false;
        };
        let name = fields(body).find(|(name, _)| *name == b"name");
        let Some(name) = name.and_then(|(_, value)| value.untrusted(body)) else {
            return false;
        };
        module.unnamed = name == "?";
        module.name = Some(name).filter(|name| name != "?");
        true
    }

    fn cwd(&mut self, body: &Bytes) -> bool {
        let cwd = fields(body).find(|(name, _)| *name == b"cwd");
        self.event.cwd = cwd.and_then(|(_, value)| value.untrusted(body));
        self.event.cwd.is_some()
    }

    /// A quoted `(null)` is what audit says of a process without a command line.
    fn proctitle(&mut self, body: &Bytes) {
        let title = fields(body).find(|(name, _)| *name == b"proctitle");
        let title = title.and_then(|(_, value)| value.untrusted(body));
        self.event.proctitle = title.filter(|t| t != "(null)").unwrap_or_default();
    }

    /// Concludes: what takes several records to tell.
    fn end(self) -> Event {
        let mut event = self.event;
        items::fill(&mut event.paths, self.items);
        let args = event.call.map(|call| call.args).unwrap_or_default();
        // An io_uring operation's registers are not in its record.
        let astray = matches!(event.what, What::Uring(_))
            || calls::from_descriptor(self.name.as_deref(), &args);
        let cwd = event.cwd.clone().filter(|_| !astray);
        for item in &mut event.paths {
            let name = item.name.as_ref().filter(|name| !name.is_empty());
            item.resolved = name.map(|name| items::resolved(name, cwd.as_ref()));
        }
        let success = event.success();
        match &mut event.what {
            What::Exec(exec) => {
                (exec.argv, exec.truncated) = self.arguments.end();
                exec.argv_bytes = exec.argv.iter().map(|arg| arg.len() as u64 + 1).sum();
                event.caveats.truncated = exec.truncated && success;
                let exe = event.who.exe.as_deref();
                script_of(exec, &event.paths, exe, event.cwd.as_deref());
            }
            What::Open(open) => {
                let made = |item: &PathItem| item.nametype == crate::event::NameType::Create;
                open.created = success && event.paths.iter().any(made);
            }
            What::Utime(utime) => utime.target = event.paths.first().cloned(),
            _ => {}
        }
        event
    }
}

/// The family, with what registers tell.
fn what(name: Option<&str>, call: &Syscall) -> What {
    match name {
        Some("execve" | "execveat") => What::Exec(Exec::default()),
        Some(name @ ("open" | "openat" | "creat")) => What::Open(calls::open(name, &call.args)),
        // Its flags are in OPENAT2; before Linux 5.16 in no record.
        Some("openat2") => What::Open(Open::default()),
        Some(name @ ("utimensat" | "futimesat" | "utimes" | "utime")) => {
            let given = calls::times_given(name, &call.args);
            What::Utime(Utime {
                set_atime: given,
                set_mtime: given,
                ..Utime::default()
            })
        }
        Some("init_module") => What::Module(Module::default()),
        // There is a file, though no record names it.
        Some("finit_module") => What::Module(Module {
            flags: calls::low32(call.args[2]),
            file: Some(PathItem::default()),
            ..Module::default()
        }),
        _ => What::Other,
    }
}

/// The kernel starts a script's interpreter with its path as `#!` has it, and with the script's name
/// after its arguments; the script is the first item. Else what the arguments tell.
fn script_of(exec: &mut Exec, paths: &[PathItem], exe: Option<&[u8]>, cwd: Option<&[u8]>) {
    let (Some(program), Some(first)) = (exec.argv.first(), paths.first()) else {
        return;
    };
    let name = first.name.as_ref();
    let named = exec
        .argv
        .iter()
        .skip(1)
        .take(2)
        .any(|arg| Some(arg) == name);
    let interpreted = name != Some(program)
        && paths
            .iter()
            .skip(1)
            .any(|item| item.name.as_ref() == Some(program));
    if named && interpreted {
        exec.interpreter = Some(program.clone());
        exec.script = first.resolved.clone();
    } else {
        exec.script = script::of(exe, &exec.argv, cwd);
    }
}

/// A field that tells of the process.
fn who(who: &mut Process, name: &[u8], value: Value<'_>, body: &Bytes) {
    let id = || value.id().unwrap_or(u32::MAX);
    match name {
        b"ppid" => who.ppid = id(),
        b"pid" => who.pid = id(),
        b"auid" => who.auid = id(),
        b"ses" => who.ses = id(),
        b"uid" => who.uid = id(),
        b"gid" => who.gid = id(),
        b"euid" => who.euid = id(),
        b"suid" => who.suid = id(),
        b"fsuid" => who.fsuid = id(),
        b"egid" => who.egid = id(),
        b"sgid" => who.sgid = id(),
        b"fsgid" => who.fsgid = id(),
        b"tty" => who.tty = Some(value.trusted(body)).filter(|tty| tty != "(none)"),
        b"comm" => who.comm = value.untrusted(body).unwrap_or_default(),
        b"exe" => who.exe = value.untrusted(body),
        b"subj" => who.subj = Some(value.trusted(body)),
        _ => {}
    }
}

/// A record that a program sent: who the kernel says it is, and its text. What is quoted is never
/// taken for a field.
fn message(line: &Line, sender: &mut Process) -> Option<Message> {
    let kind = types::number(std::str::from_utf8(&line.kind).ok()?)?;
    if kind != USER && !types::is_user_message(kind) {
        return None;
    }
    let mut found = sender.clone();
    for (name, value) in fields(&line.body) {
        let text = match (name, value) {
            (b"msg", Value::Message(text)) => line.body.slice_ref(text),
            (b"data", value) => value.untrusted(&line.body)?,
            _ => {
                who(&mut found, name, value, &line.body);
                continue;
            }
        };
        *sender = found;
        return Some(Message { kind, text });
    }
    None
}
