//! Reads what follows `-F` and `-C`: field, operator, value.
//! Sources: `audit_rule_fieldpair_data`, `audit_rule_interfield_comp_data` in audit-userspace's
//! lib/libaudit.c, whose messages these are; `audit_data_to_entry` in kernel/auditfilter.c.

use std::str;

use auklet_rules::printable;
use bytes::Bytes;

use super::{
    field::{Kind, Name},
    host::Host,
    perm,
    rule::{Field, List, Op, Value},
};
use crate::{
    records::types,
    syscalls::{self, Abi},
};

/// `AF_MAX`, include/linux/socket.h.
const AF_MAX: u32 = 46;
/// `AUDIT_MAX_KEY_LEN`
pub(super) const MAX_KEY: usize = 256;

/// Names of file types, audit-userspace's lib/ftypetab.h.
pub(super) const FILE_TYPES: [(&str, u32); 7] = [
    ("block", libc::S_IFBLK),
    ("character", libc::S_IFCHR),
    ("dir", libc::S_IFDIR),
    ("fifo", libc::S_IFIFO),
    ("file", libc::S_IFREG),
    ("link", libc::S_IFLNK),
    ("socket", libc::S_IFSOCK),
];

/// File systems that can be told by their magic number: lib/fstypetab.h, include/uapi/linux/magic.h.
pub(super) const FS_TYPES: [(&str, u32); 4] = [
    ("debugfs", 0x6462_6720),
    ("tracefs", 0x7472_6163),
    ("cgroup", 0x0027_e0eb),
    ("cgroup2", 0x6367_7270),
];

/// What `-F` says.
pub(super) enum Pair {
    Field(Field),
    /// `key=` and `-k` are gathered, and joined at the end.
    Key(Bytes),
}

/// `-F`
pub(super) fn field(text: &[u8], list: List, host: &dyn Host) -> Result<Pair, String> {
    let shown = printable(text);
    if let Some(key) = text.strip_prefix(b"key=") {
        return Ok(Pair::Key(Bytes::copy_from_slice(key)));
    }
    let (at, op) =
        operator(text, &Op::TOKENS).ok_or_else(|| format!("-F missing operation for {shown}"))?;
    let (left, right) = (&text[..at], &text[at + op.token().len()..]);
    if left.is_empty() {
        return Err(format!("-F missing field name before operator for {shown}"));
    }
    if right.is_empty() {
        return Err(format!("-F missing value after operation for {shown}"));
    }
    let (name, kind) =
        Name::parse(left).ok_or_else(|| format!("-F unknown field: {}", printable(left)))?;
    name.takes(op)?;
    name.fits(list)?;
    if name == Name::Key {
        return Err("key is no condition: only key= has a meaning".into());
    }
    let value = value(name, kind, right, host)?;
    as_kernel(name, op, value).map(Pair::Field)
}

/// `-C`
pub(super) fn comparison(text: &[u8], list: List) -> Result<Field, String> {
    let shown = printable(text);
    let (at, op) = operator(text, &[(Op::NotEqual, "!="), (Op::Equal, "=")])
        .ok_or_else(|| format!("{shown} only takes = or != operators"))?;
    let (left, right) = (&text[..at], &text[at + op.token().len()..]);
    if left.is_empty() {
        return Err(format!("-C missing field name before operator for {shown}"));
    }
    if right.is_empty() {
        return Err(format!("-C missing value after operation for {shown}"));
    }
    let (name, _) =
        Name::parse(left).ok_or_else(|| format!("-C unknown field: {}", printable(left)))?;
    let (other, _) = Name::parse(right).ok_or_else(|| {
        let right = printable(right);
        format!("-C unknown right hand value for comparison with: {right}")
    })?;
    if list != List::Exit {
        return Err(format!("{shown} can only be used with exit filter list"));
    }
    let users = name.is_user() && other.is_user();
    let groups = name.is_group() && other.is_group();
    if name == other || !(users || groups) {
        return Err(format!("-C incompatible comparison {shown}"));
    }
    let value = Value::Field(other);
    Ok(Field { name, op, value })
}

/// The first of `tokens` that is in the text at all, as auditctl looks: `!=` before `=`.
fn operator(text: &[u8], tokens: &[(Op, &str)]) -> Option<(usize, Op)> {
    tokens.iter().find_map(|(op, token)| {
        let mut windows = text.windows(token.len());
        Some((windows.position(|w| w == token.as_bytes())?, *op))
    })
}

fn value(name: Name, kind: Kind, text: &[u8], host: &dyn Host) -> Result<Value, String> {
    let unset = text == b"unset";
    let number = match kind {
        Kind::Path => return path(name, text).map(Value::Text),
        Kind::Label | Kind::Key => return Ok(Value::Text(Bytes::copy_from_slice(text))),
        Kind::Plain => unsigned(text),
        Kind::Signed => signed(text),
        Kind::Session | Kind::User if unset => Some(u32::MAX),
        Kind::Session => signed(text),
        Kind::User => return user(text, host).map(Value::Number),
        Kind::Group => return group(text, host).map(Value::Number),
        Kind::Arch => return arch(text).map(Value::Number),
        Kind::Perm => return letters(text).map(Value::Number),
        Kind::Exit => return exit(text).map(Value::Number),
        Kind::MsgType => return message_type(text).map(Value::Number),
        Kind::Success => success(text),
        Kind::FileType => return file_type(text).map(Value::Number),
        Kind::FsType => return fs_type(text).map(Value::Number),
    };
    let number = number.ok_or_else(|| not_a_number(name, text))?;
    if name == Name::SaddrFam && number >= AF_MAX {
        return Err(format!("saddr_fam={number} is no address family"));
    }
    Ok(Value::Number(number))
}

fn not_a_number(name: Name, text: &[u8]) -> String {
    format!(
        "-F value should be number for {}={}",
        name.name(),
        printable(text)
    )
}

/// What the kernel makes of it: `auid` compared with "unset" becomes `AUDIT_LOGINUID_SET`.
fn as_kernel(name: Name, op: Op, value: Value) -> Result<Field, String> {
    let is_unset = value == Value::Number(u32::MAX);
    match name {
        Name::Auid if is_unset => {
            let name = Name::AuidSet;
            name.takes(op)?;
            let value = Value::Number(0);
            Ok(Field { name, op, value })
        }
        _ if is_unset && (name.is_user() || name.is_group()) => Err(format!(
            "{}: 4294967295 is no id; only auid can be unset",
            name.name()
        )),
        _ => Ok(Field { name, op, value }),
    }
}

/// strtoul(3) with base 0, but the whole text, and no more than 32 bits.
pub(super) fn unsigned(text: &[u8]) -> Option<u32> {
    let text = str::from_utf8(text).ok()?;
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hex, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}

/// The same, perhaps negative: two's complement.
pub(super) fn signed(text: &[u8]) -> Option<u32> {
    let Some(positive) = text.strip_prefix(b"-") else {
        return unsigned(text);
    };
    let number = unsigned(positive).filter(|n| *n <= 1 << 31)?;
    Some(number.wrapping_neg())
}

fn begins_as_number(text: &[u8]) -> bool {
    text.strip_prefix(b"-")
        .unwrap_or(text)
        .first()
        .is_some_and(u8::is_ascii_digit)
}

fn user(text: &[u8], host: &dyn Host) -> Result<u32, String> {
    let found = if begins_as_number(text) {
        signed(text)
    } else {
        host.uid(text)
    };
    found.ok_or_else(|| format!("Unknown user: {}", printable(text)))
}

fn group(text: &[u8], host: &dyn Host) -> Result<u32, String> {
    let found = if begins_as_number(text) {
        signed(text)
    } else {
        host.gid(text)
    };
    found.ok_or_else(|| format!("Unknown group: {}", printable(text)))
}

fn arch(text: &[u8]) -> Result<u32, String> {
    let shown = printable(text);
    let number = match text.to_ascii_lowercase().as_slice() {
        b"b64" | b"x86_64" => Some(Abi::Native.arch()),
        b"b32" | b"i386" | b"i486" | b"i586" | b"i686" => Some(Abi::Compat.arch()),
        _ => unsigned(text).or_else(|| {
            let digits = str::from_utf8(text).ok()?;
            u32::from_str_radix(digits, 16).ok()
        }),
    };
    number
        .filter(|number| Abi::of(*number).is_some())
        .ok_or_else(|| format!("arch={shown}: not an architecture of this machine"))
}

/// `rwxa`
pub(super) fn letters(text: &[u8]) -> Result<u32, String> {
    if text.len() > 4 {
        return Err(format!("permission {} is too long", printable(text)));
    }
    let mut bits = 0;
    for letter in text.to_ascii_lowercase() {
        let found = perm::LETTERS.iter().find(|(l, _)| *l == char::from(letter));
        let (_, bit) = found.ok_or("Permission can only contain 'rwxa'")?;
        bits |= bit;
    }
    Ok(bits)
}

/// Names that errno(3) has twice; `syscalls::errno` knows the first.
const SAME_ERRORS: [(&str, &str); 3] = [
    ("EWOULDBLOCK", "EAGAIN"),
    ("EDEADLOCK", "EDEADLK"),
    ("ENOTSUP", "EOPNOTSUPP"),
];

fn exit(text: &[u8]) -> Result<u32, String> {
    let unknown = || format!("-F unknown errno - {}", printable(text));
    if begins_as_number(text) {
        return signed(text).ok_or_else(unknown);
    }
    let negative = text.strip_prefix(b"-");
    let name = str::from_utf8(negative.unwrap_or(text)).map_err(|_| unknown())?;
    let alias = SAME_ERRORS.iter().find(|(other, _)| *other == name);
    let number = syscalls::errno(alias.map_or(name, |(_, name)| name));
    let number = number.ok_or_else(unknown)?.unsigned_abs();
    Ok(match negative {
        Some(_) => number.wrapping_neg(),
        None => number,
    })
}

fn success(text: &[u8]) -> Option<u32> {
    match text {
        b"yes" => Some(1),
        b"no" => Some(0),
        // The kernel asks only whether it is 0.
        _ => unsigned(text).map(|number| u32::from(number != 0)),
    }
}

fn message_type(text: &[u8]) -> Result<u32, String> {
    let name = str::from_utf8(text).ok();
    let named = || name.and_then(types::number).map(u32::from);
    unsigned(text)
        .or_else(named)
        .ok_or_else(|| format!("-F unknown message type - {}", printable(text)))
}

fn file_type(text: &[u8]) -> Result<u32, String> {
    let found = FILE_TYPES.iter().find(|(name, _)| name.as_bytes() == text);
    let number = || unsigned(text).filter(|n| FILE_TYPES.iter().any(|(_, mode)| mode == n));
    found
        .map(|(_, mode)| *mode)
        .or_else(number)
        .ok_or_else(|| format!("-F unknown file type - {}", printable(text)))
}

fn fs_type(text: &[u8]) -> Result<u32, String> {
    let found = FS_TYPES.iter().find(|(name, _)| name.as_bytes() == text);
    let number = || unsigned(text).filter(|n| FS_TYPES.iter().any(|(_, magic)| magic == n));
    found.map(|(_, magic)| *magic).or_else(number).ok_or_else(|| {
        format!(
            "file system type is unknown for field: fstype={} (known: debugfs, tracefs, cgroup, cgroup2)",
            printable(text)
        )
    })
}

/// `audit_to_watch`, `audit_make_tree`, `audit_alloc_mark`.
fn path(name: Name, text: &[u8]) -> Result<Bytes, String> {
    let field = name.name();
    if !text.starts_with(b"/") {
        return Err(format!(
            "{field}={}: the path must start with '/'",
            printable(text)
        ));
    }
    if text.len() >= libc::PATH_MAX as usize {
        return Err(format!("{field}: String value too long"));
    }
    if name != Name::Dir && text.ends_with(b"/") {
        return Err(format!(
            "{field}={}: a file's path does not end with '/'; dir= is for directories",
            printable(text)
        ));
    }
    // A directory's trailing slashes say nothing.
    let end = text.iter().rposition(|b| *b != b'/').map_or(1, |at| at + 1);
    Ok(Bytes::copy_from_slice(&text[..end]))
}
