//! The one table of fields: what the sensor tells rules about an event, under which name and type.
//!
//! A rule that asks for a field that is not here, or not given for its category, would never match
//! and nobody would notice; loading refuses it instead. Names follow Sigma and Sysmon for Linux.
use std::fmt;

use serde::Serialize;

/// What happened; the `category` of a rule's `logsource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A program was executed, or somebody tried to.
    ProcessCreation,
    /// A file was opened for writing or created.
    FileEvent,
    /// A file that rules name was opened for reading only.
    FileAccess,
    /// A file's access or modification time was set by a call.
    FileTimestamp,
    /// A kernel module was loaded, or somebody tried to.
    KernelModuleLoad,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 5] = [
        Self::ProcessCreation,
        Self::FileEvent,
        Self::FileAccess,
        Self::FileTimestamp,
        Self::KernelModuleLoad,
    ];

    /// The name in a rule's `logsource`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProcessCreation => "process_creation",
            Self::FileEvent => "file_event",
            Self::FileAccess => "file_access",
            Self::FileTimestamp => "file_timestamp",
            Self::KernelModuleLoad => "kernel_module_load",
        }
    }

    /// The category of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A byte string: a path, a command line.
    Bytes,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// Several byte strings; a rule matches if any of them does.
    List,
}

/// One field that rules may ask for.
#[derive(Debug)]
pub struct Field {
    /// Its name in rules.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// The categories whose events carry it.
    pub categories: &'static [Category],
    /// What it says.
    pub doc: &'static str,
}

const ANY: &[Category] = &Category::ALL;
const EXEC: &[Category] = &[Category::ProcessCreation];
const OPEN: &[Category] = &[Category::FileEvent, Category::FileAccess];
const FILE: &[Category] = &[
    Category::FileEvent,
    Category::FileAccess,
    Category::FileTimestamp,
];
const TIME: &[Category] = &[Category::FileTimestamp];
const MODULE: &[Category] = &[Category::KernelModuleLoad];

const fn row(
    name: &'static str,
    kind: Kind,
    categories: &'static [Category],
    doc: &'static str,
) -> Field {
    Field {
        name,
        kind,
        categories,
        doc,
    }
}

/// Every field. A field that the sensor does not know for an event is left out of the observation.
#[rustfmt::skip] // a table reads as one
pub const FIELDS: &[Field] = &[
    row("Image", Kind::Bytes, ANY, "resolved path of the program; for an execution, of the new one"),
    row("CommandLine", Kind::Bytes, ANY, "arguments joined by one space each"),
    row("ProcessId", Kind::Int, ANY, "process id (tgid) in the host's numbering"),
    row("ParentProcessId", Kind::Int, ANY, "process id of the parent"),
    row("ParentImage", Kind::Bytes, ANY, "program of the parent"),
    row("ParentCommandLine", Kind::Bytes, ANY, "arguments of the parent"),
    row("AncestorImages", Kind::List, ANY, "programs of the ancestors, nearest first"),
    row("AncestorCommandLines", Kind::List, ANY, "arguments of the ancestors, nearest first"),
    row("AncestorScripts", Kind::List, ANY, "for each ancestor that interprets a script: the script's path"),
    row("User", Kind::Bytes, ANY, "name of the effective user, or the number when it has no name"),
    row("UserId", Kind::Int, ANY, "effective user id"),
    row("LoginUid", Kind::Int, ANY, "who signed in (auid); 4294967295 when nobody did"),
    row("SessionId", Kind::Int, ANY, "audit session; 4294967295 when there is none"),
    row("Terminal", Kind::Bytes, ANY, "controlling terminal, or (none)"),
    row("CurrentDirectory", Kind::Bytes, ANY, "working directory"),
    row("Comm", Kind::Bytes, ANY, "the task's name: whatever the process says, never a reason to trust it"),
    row("Success", Kind::Bool, ANY, "whether the system call succeeded"),
    row("Exit", Kind::Int, ANY, "the system call's result; a negative errno when it failed"),
    row("ExeDeleted", Kind::Bool, ANY, "the program's file has no name any more (deleted, or never had one)"),
    row("Script", Kind::Bytes, EXEC, "the script, when a #! script or an interpreter with a file is executed"),
    row("Interpreter", Kind::Bytes, EXEC, "the program that interprets Script"),
    row("Arg0", Kind::Bytes, EXEC, "the first argument: the name the program was called by"),
    row("TargetFilename", Kind::Bytes, FILE, "resolved absolute path of the file"),
    row("TargetName", Kind::Bytes, FILE, "the path as the caller gave it"),
    row("Created", Kind::Bool, OPEN, "the open created the file"),
    row("OpenFlags", Kind::Int, OPEN, "open(2) flags"),
    row("FileOwner", Kind::Int, FILE, "user id that owns the file"),
    row("FileMode", Kind::Int, FILE, "type and permission bits"),
    row("FileDevice", Kind::Bytes, FILE, "device of the file, MAJOR:MINOR in hexadecimal"),
    row("FileInode", Kind::Int, FILE, "inode number"),
    row("OldMtime", Kind::Int, TIME, "modification time before, Unix seconds"),
    row("NewMtime", Kind::Int, TIME, "modification time after, Unix seconds"),
    row("OldAtime", Kind::Int, TIME, "access time before, Unix seconds"),
    row("NewAtime", Kind::Int, TIME, "access time after, Unix seconds"),
    row("MtimeAgeSeconds", Kind::Int, TIME, "now minus NewMtime; negative when it lies in the future"),
    row("ExplicitMtime", Kind::Bool, TIME, "the caller gave the time, rather than asking for now"),
    row("CreatedByActor", Kind::Bool, TIME, "this very process created the file, as far as was seen"),
    row("CreatorKnown", Kind::Bool, TIME, "the sensor saw who created the file"),
    row("CreatorImage", Kind::Bytes, TIME, "program that created the file"),
    row("CreatorCommandLine", Kind::Bytes, TIME, "arguments of the process that created the file"),
    row("CreatedSecondsAgo", Kind::Int, TIME, "seconds since the file was created; -1 when not known"),
    row("ChangedSecondsAgo", Kind::Int, TIME, "now minus the inode's change time before this call"),
    row("ReferencePath", Kind::Bytes, TIME, "a system file that has exactly this modification time"),
    row("ModuleName", Kind::Bytes, MODULE, "the name in the module itself"),
    row("ModuleFile", Kind::Bytes, MODULE, "resolved path behind the descriptor; none for init_module"),
    row("FromMemory", Kind::Bool, MODULE, "the module came from memory (init_module or a memfd), not from a file"),
    row("ModuleFlags", Kind::Int, MODULE, "finit_module(2) flags"),
];

/// A field's place in [`FIELDS`]: what observations and compiled rules hold in place of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

impl FieldId {
    /// The field of that name. For names that are written in code, [`id!`](crate::id) looks once, when
    /// it is compiled.
    #[must_use]
    pub const fn find(name: &str) -> Option<Self> {
        let mut at = 0;
        while at < FIELDS.len() {
            if same(FIELDS[at].name.as_bytes(), name.as_bytes()) {
                return Some(Self(at as u16));
            }
            at += 1;
        }
        None
    }

    /// Its place in [`FIELDS`]; less than its length.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its row of the table.
    #[must_use]
    pub const fn field(self) -> &'static Field {
        &FIELDS[self.0 as usize]
    }

    /// Its name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.field().name
    }
}

/// The [`FieldId`] of a name; a name that is not in the table does not compile.
#[macro_export]
macro_rules! id {
    ($name:literal) => {
        const {
            match $crate::FieldId::find($name) {
                Some(id) => id,
                None => panic!("no such field"),
            }
        }
    };
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The field of that name.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    FieldId::find(name).map(FieldId::field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ids_lead_back() {
        assert!(u16::try_from(FIELDS.len()).is_ok());
        for (index, field) in FIELDS.iter().enumerate() {
            let id = FieldId::find(field.name).expect("a field");
            assert_eq!((id.index(), id.name()), (index, field.name));
        }
        assert_eq!(FieldId::find("image"), None);
        assert_eq!(crate::id!("Image").name(), "Image");
    }
}
