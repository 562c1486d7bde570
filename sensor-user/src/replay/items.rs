//! PATH records (kernel/auditsc.c: audit_log_name): items in their order, the hidden ones filled in.

use bytes::Bytes;

use super::fields::{Value, fields};
use crate::event::{FileCaps, FileFacts, NameType, PathItem};

/// Most items in a row that auditd counts and doesn't write: a message queue's directory is one.
const HIDDEN: usize = 4;

/// A PATH record's `item=`, and the rest.
pub(super) fn parse(body: &Bytes) -> (Option<usize>, PathItem) {
    let mut number = None;
    let mut item = PathItem::default();
    let mut file = FileFacts::default();
    let mut caps = Caps::default();
    for (name, value) in fields(body) {
        match name {
            b"item" => number = value.decimal(),
            b"name" => item.name = value.untrusted(body),
            b"inode" => {
                file.ino = value.decimal().unwrap_or_default();
                item.file = Some(file);
            }
            b"dev" => file.dev = device(value),
            b"mode" => file.mode = small(value.octal()),
            b"ouid" => file.uid = value.id().unwrap_or_default(),
            b"ogid" => file.gid = value.id().unwrap_or_default(),
            b"rdev" => file.rdev = device(value),
            b"obj" => item.obj = Some(value.trusted(body)),
            // objtype before Linux 3.16
            b"nametype" | b"objtype" => item.nametype = nametype(value.text()),
            _ => caps.field(name, value),
        }
    }
    item.file = item.file.map(|_| file);
    item.caps = caps.end();
    (number, item)
}

/// Puts an item at its number, hidden ones before it.
pub(super) fn place(paths: &mut Vec<PathItem>, number: Option<usize>, item: PathItem) {
    let number = number.unwrap_or(paths.len());
    fill(paths, number);
    paths.push(item);
}

/// Adds hidden items until there are `count`; more than [`HIDDEN`] were lost rather than hidden.
pub(super) fn fill(paths: &mut Vec<PathItem>, count: usize) {
    let hidden = count.saturating_sub(paths.len());
    if hidden <= HIDDEN {
        let item = PathItem {
            hidden: true,
            ..PathItem::default()
        };
        paths.extend(std::iter::repeat_n(item, hidden));
    }
}

#[derive(Default)]
struct Caps {
    permitted: u64,
    inheritable: u64,
    effective: bool,
    version: u32,
    rootid: u32,
    unread: bool,
}

impl Caps {
    fn field(&mut self, name: &[u8], value: Value<'_>) {
        if name.starts_with(b"cap_") && value.text() == b"?" {
            self.unread = true;
            return;
        }
        match name {
            b"cap_fp" => self.permitted = value.hexadecimal().unwrap_or_default(),
            b"cap_fi" => self.inheritable = value.hexadecimal().unwrap_or_default(),
            b"cap_fe" => self.effective = value.text() == b"1",
            b"cap_fver" => self.version = small(value.hexadecimal()),
            b"cap_frootid" => self.rootid = value.id().unwrap_or_default(),
            _ => {}
        }
    }

    fn end(self) -> FileCaps {
        if self.unread {
            return FileCaps::Unread;
        }
        let Self {
            permitted,
            inheritable,
            effective,
            version,
            rootid,
            unread: _,
        } = self;
        if permitted | inheritable == 0 && !effective && version == 0 && rootid == 0 {
            return FileCaps::Absent;
        }
        FileCaps::Present {
            permitted,
            inheritable,
            effective,
            version,
            rootid,
        }
    }
}

fn small(number: Option<u64>) -> u32 {
    number.and_then(|n| n.try_into().ok()).unwrap_or_default()
}

/// `major:minor` in hexadecimal, as the kernel keeps it inside.
fn device(value: Value<'_>) -> u32 {
    let parse = || {
        let (major, minor) = std::str::from_utf8(value.text()).ok()?.split_once(':')?;
        let [major, minor] = [major, minor].map(|n| u32::from_str_radix(n, 16).ok());
        let (major, minor) = (major?, minor?);
        (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
    };
    parse().unwrap_or_default()
}

fn nametype(text: &[u8]) -> NameType {
    match text {
        b"NORMAL" => NameType::Normal,
        b"PARENT" => NameType::Parent,
        b"CREATE" => NameType::Create,
        b"DELETE" => NameType::Delete,
        _ => NameType::Unknown,
    }
}

/// The path from the root, as text: `.`, `..` and doubled slashes are gone, links are not followed.
/// A relative name stays one where no directory is known.
pub(super) fn resolved(name: &Bytes, cwd: Option<&Bytes>) -> Bytes {
    let absolute = name.starts_with(b"/");
    let from = match cwd {
        Some(cwd) if !absolute => &cwd[..],
        _ => b"",
    };
    if !absolute && !from.starts_with(b"/") {
        return name.clone();
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in from.split(|b| *b == b'/').chain(name.split(|b| *b == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut path = Vec::with_capacity(from.len() + name.len() + 1);
    for part in &parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if parts.is_empty() {
        path.push(b'/');
    }
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        for (name, cwd, expect) in [
            ("/etc/passwd", Some("/root"), "/etc/passwd"),
            ("x", Some("/root"), "/root/x"),
            ("./x/../y//z/", Some("/root"), "/root/y/z"),
            ("../../..", Some("/root"), "/"),
            ("x", Some("/"), "/x"),
            ("", Some("/srv"), "/srv"),
            ("sub/x", None, "sub/x"),
            ("/a/./b", None, "/a/b"),
            ("a\\b", Some("/srv (deleted)"), "/srv (deleted)/a\\b"),
        ] {
            let cwd = cwd.map(|cwd| Bytes::from_static(cwd.as_bytes()));
            let path = resolved(&Bytes::from_static(name.as_bytes()), cwd.as_ref());
            assert_eq!(path, expect.as_bytes(), "{name} from {cwd:?}");
        }
    }

    #[test]
    fn no_number_is_trusted() {
        let mut paths = Vec::new();
        place(&mut paths, Some(usize::MAX), PathItem::default());
        place(&mut paths, Some(2), PathItem::default());
        fill(&mut paths, 1 << 60);
        let hidden: Vec<bool> = paths.iter().map(|item| item.hidden).collect();
        assert_eq!(hidden, [false, true, false]);
        assert_eq!(device(Value::Bare(b"fe:fffff")), 0xfe << 20 | 0xf_ffff);
        assert_eq!(device(Value::Bare(b"1000:00")), 0);
        assert_eq!(device(Value::Bare(b":")), 0);
    }
}
