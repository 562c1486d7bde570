//! A rule as `auditctl -l` lists it, which is also a line that loads to the same rule.
//! Source: `print_rule` in audit-userspace's src/auditctl-listing.c.

use ::syscalls::Errno;

use super::{
    field::{Kind, Name},
    perm,
    rule::{Field, List, Rule, Value},
    uring,
    value::{FILE_TYPES, FS_TYPES},
};
use crate::{
    records::types,
    syscalls::{self, Abi},
};

impl Rule {
    /// The line. Bytes: keys and paths need not be UTF-8.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let as_watch = self.is_watch() || self.is_odd_watch();
        if as_watch {
            self.push_watch(&mut out);
            for field in &self.fields[2..] {
                push_field(&mut out, field);
            }
        } else {
            out.extend(format!("-a {},{}", self.action.name(), self.list.name()).bytes());
            for field in self.fields.iter().filter(|f| f.name == Name::Arch) {
                push_field(&mut out, field);
            }
            self.push_calls(&mut out);
            for field in self.fields.iter().filter(|f| f.name != Name::Arch) {
                push_field(&mut out, field);
            }
        }
        let option = if as_watch { " -k " } else { " -F key=" };
        let keys = self.key.iter().flat_map(|key| key.split(|b| *b == 1));
        for key in keys {
            out.extend(option.bytes());
            push_escaped(&mut out, key);
        }
        out
    }

    fn push_watch(&self, out: &mut Vec<u8>) {
        for field in &self.fields[..2] {
            match &field.value {
                Value::Text(path) => {
                    out.extend(b"-w ");
                    push_escaped(out, path);
                    // Loads to dir= also where there is no directory.
                    if field.name == Name::Dir && !path.ends_with(b"/") {
                        out.push(b'/');
                    }
                }
                Value::Number(bits) => out.extend(format!(" -p {}", letters(*bits)).bytes()),
                Value::Field(_) => {}
            }
        }
    }

    /// A watch with further conditions whose path would not be read back from `-F path=`, because it
    /// has an operator in it: only `-w` can have made it.
    fn is_odd_watch(&self) -> bool {
        let [place, perm, ..] = self.fields.as_slice() else {
            return false;
        };
        let operators: [&[u8]; 4] = [b"!=", b">=", b"<=", b"&="];
        let has = |path: &[u8]| operators.iter().any(|op| path.windows(2).any(|w| w == *op));
        let is_watch = matches!(place.name, Name::Path | Name::Dir) && perm.name == Name::Perm;
        is_watch && place.text().is_some_and(|path| has(path))
    }

    fn push_calls(&self, out: &mut Vec<u8>) {
        if !matches!(self.list, List::Exit | List::IoUring) {
            return;
        }
        out.extend(b" -S ");
        out.extend(self.call_names().join(",").bytes());
    }

    /// The calls of `-S` by name, a number where there is none.
    pub(super) fn call_names(&self) -> Vec<String> {
        if self.calls.is_all() {
            return vec!["all".to_owned()];
        }
        let arch = self.arch().unwrap_or(Abi::Native.arch());
        let name = |nr| match self.list {
            List::IoUring => uring::name(nr),
            _ => syscalls::name(arch, nr),
        };
        let named = |nr: u32| name(nr).map_or_else(|| nr.to_string(), str::to_owned);
        self.calls.iter().map(named).collect()
    }
}

fn push_field(out: &mut Vec<u8>, field: &Field) {
    let option = match field.value {
        Value::Field(_) => "-C",
        Value::Number(_) | Value::Text(_) => "-F",
    };
    out.extend(format!(" {option} {}{}", field.name.name(), field.op.token()).bytes());
    match &field.value {
        Value::Text(text) => push_escaped(out, text),
        Value::Number(number) => out.extend(number_text(field.name, *number).bytes()),
        Value::Field(other) => out.extend(other.name().bytes()),
    }
}

/// A number as the listing writes it.
pub(super) fn number_text(name: Name, number: u32) -> String {
    let named = |table: &[(&str, u32)]| {
        let found = table.iter().find(|(_, value)| *value == number);
        found.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
    };
    if name == Name::AuidSet {
        return "-1".to_owned();
    }
    match name.kind() {
        Kind::Signed => format!("0x{number:X}"),
        Kind::Session => number.cast_signed().to_string(),
        Kind::Arch => match Abi::of(number) {
            Some(Abi::Native) => "b64".to_owned(),
            Some(Abi::Compat) => "b32".to_owned(),
            None => format!("0x{number:x}"),
        },
        Kind::Exit => exit_text(number.cast_signed()),
        Kind::Perm => letters(number),
        Kind::FileType => named(&FILE_TYPES),
        Kind::FsType => named(&FS_TYPES),
        Kind::MsgType => {
            let kind = u16::try_from(number).ok();
            let known = kind
                .map(types::name)
                .filter(|name| !name.starts_with("UNKNOWN"));
            known.map_or_else(|| number.to_string(), |name| name.into_owned())
        }
        _ => number.to_string(),
    }
}

fn exit_text(exit: i32) -> String {
    let name = (-4095..0)
        .contains(&exit)
        .then(|| Errno::new(-exit).name())
        .flatten();
    name.map_or_else(|| exit.to_string(), |name| format!("-{name}"))
}

/// Permissions in the order r w x a.
pub(super) fn letters(bits: u32) -> String {
    let set = perm::LETTERS.iter().filter(|(_, bit)| bits & bit != 0);
    set.map(|(letter, _)| *letter).collect()
}

/// As [`super::line`] reads it back.
fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        if matches!(byte, b' ' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
}
