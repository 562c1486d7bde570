//! The fields that rules see, from an event: names and meanings in `auklet_rules::FIELDS`.

use auklet_rules::{Category, Observation, Value};

use super::{Enricher, command_line};
use crate::{
    event::{Event, Exec, FileFacts, Module, Open, PathItem, Utime, What},
    process::ProcessTable,
};

type Fields = Vec<(&'static str, Value)>;

/// O_ACCMODE's two bits, O_CREAT and O_TRUNC of include/uapi/asm-generic/fcntl.h.
const WRITES: u64 = 0o3 | 0o100 | 0o1000;

pub(super) fn observations(
    enricher: &mut Enricher,
    event: &Event,
    processes: &ProcessTable,
) -> Vec<Observation> {
    let specific = match &event.what {
        What::Exec(exec) => Some((Category::ProcessCreation, exec_fields(exec))),
        What::Module(module) => Some((Category::KernelModuleLoad, module_fields(module))),
        What::Open(open) => open_fields(event, open),
        What::Utime(utime) => time_fields(enricher, event, utime),
        What::Other | What::Message(_) | What::Uring(_) => None,
    };
    let opened = event
        .opened()
        .filter_map(|(open, item)| opened_fields(item, open));
    let mut all: Vec<_> = specific.into_iter().chain(opened).collect();
    for (_, fields) in &mut all {
        common_fields(enricher, event, processes, fields);
    }
    let observation = |(category, fields)| Observation { category, fields };
    all.into_iter().map(observation).collect()
}

fn bytes(value: &[u8]) -> Value {
    Value::Bytes(value.to_vec())
}

fn int(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

fn int64(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn common_fields(
    enricher: &mut Enricher,
    event: &Event,
    processes: &ProcessTable,
    fields: &mut Fields,
) {
    let who = &event.who;
    let entry = processes.get(who.pid);
    let exe = who.exe.as_deref().unwrap_or_default();
    let line = match &event.what {
        // A failed exec's arguments are not those of the process that lives on.
        What::Exec(exec) => exec.argv.join(&b' '),
        _ => command_line(entry),
    };
    fields.push(("Image", bytes(exe)));
    fields.push(("CommandLine", Value::Bytes(line)));
    fields.push(("ProcessId", int(who.pid)));
    fields.push(("ParentProcessId", int(who.ppid)));
    fields.push(("User", Value::Bytes(enricher.users.name(who.euid))));
    fields.push(("UserId", int(who.euid)));
    fields.push(("LoginUid", int(who.auid)));
    fields.push(("SessionId", int(who.ses)));
    fields.push(("Terminal", bytes(who.tty.as_deref().unwrap_or(b"(none)"))));
    fields.push(("Comm", bytes(&who.comm)));
    fields.push(("Success", Value::Bool(event.success())));
    fields.push(("Exit", Value::Int(event.call.map_or(0, |call| call.exit))));
    fields.push(("ExeDeleted", Value::Bool(exe.ends_with(b" (deleted)"))));
    if let Some(cwd) = &event.cwd {
        fields.push(("CurrentDirectory", bytes(cwd)));
    }
    ancestor_fields(who.pid, processes, fields);
}

fn ancestor_fields(pid: u32, processes: &ProcessTable, fields: &mut Fields) {
    let line = processes.ancestors(pid);
    if let Some(parent) = line.first() {
        fields.push((
            "ParentImage",
            bytes(parent.exe.as_deref().unwrap_or_default()),
        ));
        fields.push((
            "ParentCommandLine",
            Value::Bytes(command_line(Some(parent))),
        ));
    }
    let images = line
        .iter()
        .map(|e| e.exe.as_deref().unwrap_or_default().to_vec());
    fields.push(("AncestorImages", Value::List(images.collect())));
    let lines = line.iter().map(|e| command_line(Some(e)));
    fields.push(("AncestorCommandLines", Value::List(lines.collect())));
    let scripts = line
        .iter()
        .filter_map(|e| e.script.as_ref().map(|s| s.to_vec()));
    fields.push(("AncestorScripts", Value::List(scripts.collect())));
}

fn exec_fields(exec: &Exec) -> Fields {
    let mut fields = Fields::new();
    if let Some(arg0) = exec.argv.first() {
        fields.push(("Arg0", bytes(arg0)));
    }
    if let Some(script) = &exec.script {
        fields.push(("Script", bytes(script)));
    }
    if let Some(interpreter) = &exec.interpreter {
        fields.push(("Interpreter", bytes(interpreter)));
    }
    fields
}

fn module_fields(module: &Module) -> Fields {
    let file = module.file.as_ref().and_then(|item| item.resolved.as_ref());
    let memfd = file.is_some_and(|path| path.starts_with(b"/memfd:"));
    let mut fields = vec![
        ("FromMemory", Value::Bool(module.file.is_none() || memfd)),
        ("ModuleFlags", int(module.flags)),
    ];
    if let Some(name) = &module.name {
        fields.push(("ModuleName", bytes(name)));
    }
    if let Some(path) = file {
        fields.push(("ModuleFile", bytes(path)));
    }
    fields
}

/// Opens that succeeded: for writing a `file_event`, else a `file_access`.
fn open_fields(event: &Event, open: &Open) -> Option<(Category, Fields)> {
    if !event.success() {
        return None;
    }
    opened_fields(event.paths.last()?, open)
}

/// A file that was opened, by a call or by io_uring.
fn opened_fields(item: &PathItem, open: &Open) -> Option<(Category, Fields)> {
    let mut fields = file_fields(item)?;
    fields.push(("Created", Value::Bool(open.created)));
    fields.push(("OpenFlags", int64(open.flags)));
    let category = if open.flags & WRITES != 0 {
        Category::FileEvent
    } else {
        Category::FileAccess
    };
    Some((category, fields))
}

fn file_fields(item: &PathItem) -> Option<Fields> {
    let path = item.resolved.as_ref()?;
    let mut fields = vec![("TargetFilename", bytes(path))];
    if let Some(name) = &item.name {
        fields.push(("TargetName", bytes(name)));
    }
    if let Some(file) = &item.file {
        fields.push(("FileOwner", int(file.uid)));
        fields.push(("FileMode", int(file.mode)));
        let device = format!("{:02x}:{:02x}", file.dev >> 20, file.dev & 0xf_ffff);
        fields.push(("FileDevice", Value::Bytes(device.into_bytes())));
        fields.push(("FileInode", int64(file.ino)));
    }
    Some(fields)
}

fn time_fields(
    enricher: &mut Enricher,
    event: &Event,
    utime: &Utime,
) -> Option<(Category, Fields)> {
    if !event.success() {
        return None;
    }
    let target = utime.target.as_ref()?;
    let mut fields = file_fields(target)?;
    let now = i64::try_from(event.time_ns / 1_000_000_000).unwrap_or(i64::MAX);
    fields.push(("ExplicitMtime", Value::Bool(utime.set_mtime)));
    if let Some(old) = &utime.old {
        fields.push(("OldMtime", Value::Int(old.mtime.0)));
        fields.push(("OldAtime", Value::Int(old.atime.0)));
        fields.push((
            "ChangedSecondsAgo",
            Value::Int(now.saturating_sub(old.ctime.0)),
        ));
    }
    if let Some(new) = &utime.new {
        fields.push(("NewMtime", Value::Int(new.mtime.0)));
        fields.push(("NewAtime", Value::Int(new.atime.0)));
        fields.push((
            "MtimeAgeSeconds",
            Value::Int(now.saturating_sub(new.mtime.0)),
        ));
        let path: &[u8] = target.resolved.as_deref().unwrap_or_default();
        if let Some(reference) = utime
            .set_mtime
            .then(|| enricher.references.find(new.mtime, path))
            .flatten()
        {
            fields.push(("ReferencePath", bytes(reference)));
        }
    }
    creator_fields(enricher, event, target.file.as_ref(), &mut fields);
    Some((Category::FileTimestamp, fields))
}

fn creator_fields(
    enricher: &Enricher,
    event: &Event,
    file: Option<&FileFacts>,
    fields: &mut Fields,
) {
    let creation = file.and_then(|file| enricher.creators.of(file));
    let by_actor =
        creation.is_some_and(|c| c.pid == event.who.pid && c.start_ns == event.who.start_ns);
    fields.push(("CreatorKnown", Value::Bool(creation.is_some())));
    fields.push(("CreatedByActor", Value::Bool(by_actor)));
    let ago = creation.map(|c| event.time_ns.saturating_sub(c.time_ns) / 1_000_000_000);
    fields.push(("CreatedSecondsAgo", ago.map_or(Value::Int(-1), int64)));
    if let Some(creation) = creation {
        fields.push(("CreatorImage", bytes(&creation.exe)));
        fields.push(("CreatorCommandLine", bytes(&creation.command_line)));
    }
}

#[cfg(test)]
mod tests {
    use auklet_rules::{FIELDS, Kind};
    use bytes::Bytes;

    use super::*;
    use crate::event::{Caveats, NameType, Process, Syscall, Times};

    fn event(what: What, paths: Vec<PathItem>) -> Event {
        Event {
            time_ns: 2_000_000_000_000_000_000,
            serial: 1,
            call: Some(Syscall {
                arch: 0xc000_003e,
                nr: 59,
                args: [0; 4],
                exit: 0,
                personality: 0,
            }),
            who: Process {
                exe: Some(Bytes::from_static(b"/bin/x")),
                ..Process::default()
            },
            cwd: Some(Bytes::from_static(b"/")),
            paths,
            proctitle: Bytes::new(),
            key: None,
            what,
            aux: Vec::new(),
            caveats: Caveats::default(),
        }
    }

    fn item() -> PathItem {
        PathItem {
            name: Some(Bytes::from_static(b"f")),
            resolved: Some(Bytes::from_static(b"/tmp/f")),
            file: Some(FileFacts::default()),
            nametype: NameType::Normal,
            ..PathItem::default()
        }
    }

    /// Every field that is given is in the table, with that type and for that category.
    #[track_caller]
    fn check(event: &Event, category: Category) {
        let mut enricher = Enricher::new();
        let given = observations(&mut enricher, event, &ProcessTable::new(1));
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].category, category);
        for (name, value) in &given[0].fields {
            let field = FIELDS
                .iter()
                .find(|f| f.name == *name)
                .unwrap_or_else(|| panic!("{name}"));
            assert!(field.categories.contains(&category), "{name} in {category}");
            let kind = match value {
                Value::Bytes(_) => Kind::Bytes,
                Value::Int(_) => Kind::Int,
                Value::Bool(_) => Kind::Bool,
                Value::List(_) => Kind::List,
            };
            assert_eq!(field.kind, kind, "{name}");
        }
    }

    #[test]
    fn fields_are_those_of_the_table() {
        check(
            &event(What::Exec(Exec::default()), vec![]),
            Category::ProcessCreation,
        );
        check(
            &event(
                What::Module(Module {
                    file: Some(item()),
                    ..Module::default()
                }),
                vec![],
            ),
            Category::KernelModuleLoad,
        );
        let write = Open {
            flags: 0o1,
            ..Open::default()
        };
        check(&event(What::Open(write), vec![item()]), Category::FileEvent);
        check(
            &event(What::Open(Open::default()), vec![item()]),
            Category::FileAccess,
        );
        let times = Some(Times::default());
        let utime = Utime {
            target: Some(item()),
            old: times,
            new: times,
            set_atime: true,
            set_mtime: true,
        };
        check(
            &event(What::Utime(utime), vec![item()]),
            Category::FileTimestamp,
        );
    }
}
