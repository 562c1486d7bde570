//! Calls that make, change and remove names, and those that set what a file's inode says.

use auklet_rules::{Category, Observation, Value, id};

use super::{bytes, file, int, low32};
use crate::{
    event::{Event, NameType, PathItem, Syscall},
    replay::calls::from_descriptor,
    syscalls,
};

pub(super) const RENAME: &[&str] = &["rename", "renameat", "renameat2"];
pub(super) const LINK: &[&str] = &["link", "linkat", "symlink", "symlinkat"];
pub(super) const MAKE: &[&str] = &["mknod", "mknodat"];
pub(super) const DELETE: &[&str] = &["unlink", "unlinkat", "rmdir"];
pub(super) const ATTRIBUTE: &[&str] = &[
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchown",
    "fchownat",
    "chown32",
    "lchown32",
    "fchown32",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
];

/// Calls that succeeded; a rename, a link and mknod are `file_event`s, too.
pub(super) fn changed(event: &Event, call: &Syscall, name: &str) -> Vec<Observation> {
    if !call.success() {
        return Vec::new();
    }
    let found = match name {
        _ if RENAME.contains(&name) => renamed(event, name),
        _ if LINK.contains(&name) => linked(event, name),
        _ if MAKE.contains(&name) => made(event),
        _ if DELETE.contains(&name) => deleted(event, name),
        _ if ATTRIBUTE.contains(&name) => attribute(event, call, name),
        _ => None,
    };
    let Some(found) = found else {
        return Vec::new();
    };
    if matches!(found.category, Category::FileRename | Category::FileLink) {
        let mut as_event = as_file_event(&found);
        as_event.set(id!("Created"), Value::Bool(true));
        return vec![found, as_event];
    }
    vec![found]
}

/// The same for rules about files that were made.
fn as_file_event(of: &Observation) -> Observation {
    let mut same = Observation::new(Category::FileEvent);
    for (field, value) in of.fields() {
        if field.field().categories.contains(&same.category) {
            same.set(*field, value.clone());
        }
    }
    same
}

/// The first item of a kind.
fn item(event: &Event, kind: NameType) -> Option<&PathItem> {
    event.paths.iter().find(|item| item.nametype == kind)
}

/// An observation about the file of an item; `None` when no absolute path of it is known.
fn about(
    category: Category,
    operation: &[u8],
    event: &Event,
    item: &PathItem,
) -> Option<Observation> {
    let mut fields = Observation::new(category);
    let path = absolute(event, item)?;
    fields.set(id!("TargetFilename"), Value::Bytes(path));
    file::describe(item, &mut fields);
    fields.set(id!("Operation"), bytes(operation));
    Some(fields)
}

/// The path as the kernel resolved it; else, as text, from the working directory. A name that starts at a
/// descriptor of which nobody knows where it leads has none.
pub(super) fn absolute(event: &Event, item: &PathItem) -> Option<Vec<u8>> {
    if let Some(path) = &item.resolved {
        return path.starts_with(b"/").then(|| path.to_vec());
    }
    let name = item.name.as_ref()?;
    let elsewhere = event.call.is_some_and(|call| {
        let of = syscalls::layout(call.arch, call.nr);
        from_descriptor(of, &call.args)
    });
    if elsewhere && !name.starts_with(b"/") {
        return None;
    }
    from(event.cwd.as_deref().unwrap_or_default(), name)
}

/// A name that starts at a directory, without `.`, `..` and double slashes.
fn from(directory: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let start = if name.starts_with(b"/") {
        b""
    } else {
        directory
    };
    if !start.starts_with(b"/") && !name.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in start
        .split(|b| *b == b'/')
        .chain(name.split(|b| *b == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let mut path = Vec::with_capacity(start.len() + name.len() + 1);
    for part in parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if path.is_empty() {
        path.push(b'/');
    }
    Some(path)
}

fn renamed(event: &Event, _name: &str) -> Option<Observation> {
    let new = event
        .paths
        .iter()
        .rfind(|i| i.nametype == NameType::Create)?;
    let mut fields = about(Category::FileRename, b"rename", event, new)?;
    // The kernel looks whether the old name may go before it looks at what the new one names.
    let mut deleted = event
        .paths
        .iter()
        .filter(|i| i.nametype == NameType::Delete);
    if let Some(old) = deleted.next() {
        source(event, old, &mut fields);
    }
    let replaced = deleted.next().is_some();
    fields.set(id!("Replaced"), Value::Bool(replaced));
    Some(fields)
}

fn source(event: &Event, old: &PathItem, fields: &mut Observation) {
    if let Some(name) = &old.name {
        fields.set(id!("SourceName"), bytes(name));
    }
    if let Some(path) = absolute(event, old) {
        fields.set(id!("SourceFilename"), Value::Bytes(path));
    }
}

fn linked(event: &Event, name: &str) -> Option<Observation> {
    let new = item(event, NameType::Create)?;
    let symbolic = name.starts_with("symlink");
    let operation: &[u8] = if symbolic { b"symlink" } else { b"link" };
    let mut fields = about(Category::FileLink, operation, event, new)?;
    let old = |item: &&PathItem| {
        matches!(item.nametype, NameType::Normal | NameType::Unknown) && item.name.is_some()
    };
    let Some(old) = event.paths.iter().find(old) else {
        return Some(fields);
    };
    if !symbolic {
        source(event, old, &mut fields);
        return Some(fields);
    }
    // What the link says starts where the link is.
    let text = old.name.as_deref().unwrap_or_default();
    let link = absolute(event, new)?;
    let end = link.iter().rposition(|b| *b == b'/').unwrap_or(0);
    fields.set(id!("SourceName"), bytes(text));
    if let Some(path) = from(&link[..end.max(1)], text) {
        fields.set(id!("SourceFilename"), Value::Bytes(path));
    }
    Some(fields)
}

fn made(event: &Event) -> Option<Observation> {
    let new = item(event, NameType::Create)?;
    let mut fields = about(Category::FileEvent, b"mknod", event, new)?;
    fields.set(id!("Created"), Value::Bool(true));
    Some(fields)
}

fn deleted(event: &Event, name: &str) -> Option<Observation> {
    let old = item(event, NameType::Delete)?;
    let operation: &[u8] = if name == "rmdir" { b"rmdir" } else { b"unlink" };
    about(Category::FileDelete, operation, event, old)
}

fn attribute(event: &Event, call: &Syscall, name: &str) -> Option<Observation> {
    let file = event.paths.iter().rfind(|item| !item.hidden)?;
    let operation: &[u8] = match name {
        _ if name.contains("chmod") => b"chmod",
        _ if name.contains("chown") => b"chown",
        _ if name.contains("setxattr") => b"setxattr",
        _ => b"removexattr",
    };
    let mut fields = about(Category::FileAttribute, operation, event, file)?;
    // Behind the path, or the descriptor and the path.
    let first = if name.ends_with("at") || name == "fchmodat2" {
        2
    } else {
        1
    };
    let register = |n: usize| call.args.get(n).map(|register| low32(*register));
    if operation == b"chmod"
        && let Some(mode) = register(first)
    {
        let mode = format!("{:04o}", mode & 0o7777);
        fields.set(id!("NewMode"), Value::Bytes(mode.into_bytes()));
    }
    if operation == b"chown" {
        let stays = |id: u32| id == u32::MAX || (call.arch == I386 && id & 0xffff == 0xffff);
        let ids = [id!("NewOwner"), id!("NewGroup")];
        for (n, field) in ids.into_iter().enumerate() {
            if let Some(new) = register(first + n).filter(|id| !stays(*id)) {
                fields.set(field, int(new));
            }
        }
    }
    Some(fields)
}

/// The 16-bit calls of the 32-bit table have 65535 for what is to stay.
const I386: u32 = syscalls::AUDIT_ARCH_I386;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_somewhere() {
        for (directory, name, expect) in [
            ("/a/b", "c", Some("/a/b/c")),
            ("/a/b", "../c", Some("/a/c")),
            ("/a/b", "./../../../c/", Some("/c")),
            ("/", "..", Some("/")),
            ("", "/x//y", Some("/x/y")),
            ("a", "x", None),
            ("", "x", None),
        ] {
            let path = from(directory.as_bytes(), name.as_bytes());
            assert_eq!(
                path.as_deref(),
                expect.map(str::as_bytes),
                "{directory} {name}"
            );
        }
    }
}
