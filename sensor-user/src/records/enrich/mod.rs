//! `log_format = ENRICHED`: after each record what its numbers mean on this machine, as auditd writes
//! it (audit-userspace's src/auditd-event.c: format_enrich, add_simple_field; which fields those are:
//! auparse/typetab.h). Works on the text, as auditd does, so that messages of programs and records
//! that a log had are treated like the others.

mod saddr;

use super::encode::{plain, text};
use crate::{enrich::Users, syscalls};

/// AUDIT_INTERP_SEPARATOR
const SEPARATOR: u8 = 0x1d;
/// auditd's FORMAT_BUF_LEN: MAX_AUDIT_MESSAGE_LENGTH and _POSIX_HOST_NAME_MAX. What does not fit is
/// left out, and so is all after it once less than MIN_SPACE_LEFT is free.
const ROOM: usize = 8970 + 255;
const MIN_SPACE_LEFT: usize = 24;

const UIDS: [&[u8]; 13] = [
    b"auid",
    b"uid",
    b"euid",
    b"suid",
    b"fsuid",
    b"ouid",
    b"oauid",
    b"old-auid",
    b"iuid",
    b"id",
    b"inode_uid",
    b"sauid",
    b"obj_uid",
];
const GIDS: [&[u8]; 9] = [
    b"obj_gid",
    b"gid",
    b"egid",
    b"sgid",
    b"fsgid",
    b"ogid",
    b"igid",
    b"inode_gid",
    b"new_gid",
];
/// Records whose `id` is a group: ADD_GROUP, DEL_GROUP, GRP_MGMT (auparse_interp_adjust_type).
const OF_GROUPS: [&str; 3] = ["ADD_GROUP", "DEL_GROUP", "GRP_MGMT"];

/// Operations of io_uring that audit names (audit-userspace's lib/uringop_table.h).
const URING_OPS: [(u32, &str); 21] = [
    (9, "sendmsg"),
    (10, "recvmsg"),
    (13, "accept"),
    (16, "connect"),
    (17, "fallocate"),
    (18, "openat"),
    (19, "close"),
    (28, "openat2"),
    (34, "shutdown"),
    (35, "renameat"),
    (36, "unlinkat"),
    (37, "mkdirat"),
    (38, "symlinkat"),
    (39, "linkat"),
    (40, "msg_ring"),
    (41, "fsetxattr"),
    (42, "setxattr"),
    (43, "fgetxattr"),
    (44, "getxattr"),
    (46, "uring_cmd"),
    (48, "sendmsg_zc"),
];

/// AUDIT_ARCH_* and names, as audit-userspace's lib/machinetab.h has them.
const ARCHES: [(u32, &str); 9] = [
    (0xc000_003e, "x86_64"),
    (0x4000_0003, "i386"),
    (0xc000_00b7, "aarch64"),
    (0x4000_0028, "arm"),
    (0xc000_00f3, "riscv64"),
    (0xc000_0015, "ppc64le"),
    (0x8000_0015, "ppc64"),
    (0x8000_0016, "s390x"),
    (0xc000_0102, "loongarch64"),
];

/// Appends `records`, each line after `prefix`, and interpreted if `users` are given.
pub(crate) fn lines(records: &[u8], prefix: &[u8], users: Option<&mut Users>, out: &mut Vec<u8>) {
    let users = users.map(|users| {
        users.refresh();
        &*users
    });
    for line in records.split_inclusive(|b| *b == b'\n') {
        let start = out.len();
        out.extend_from_slice(prefix);
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        out.extend_from_slice(body);
        if let Some(users) = users {
            interpret(body, users, start, out);
        }
        out.push(b'\n');
    }
}

/// Appends the fields of one record, which begins at `start` in `out`.
fn interpret(line: &[u8], users: &Users, start: usize, out: &mut Vec<u8>) {
    let kind = line.strip_prefix(b"type=").unwrap_or_default();
    let kind = kind.split(|b| *b == b' ').next().unwrap_or_default();
    let kind = std::str::from_utf8(kind).unwrap_or_default();
    let mut arch = None;
    let mut separated = false;
    let mut field = Vec::new();
    for (name, value) in fields(line) {
        if name == b"arch" {
            arch = number(value, 16);
        }
        field.clear();
        if !meaning(kind, (name, value), arch, users, &mut field) {
            continue;
        }
        let left = ROOM.saturating_sub(out.len() - start);
        if left <= MIN_SPACE_LEFT {
            break;
        }
        let first = !std::mem::replace(&mut separated, true);
        if first {
            out.push(SEPARATOR);
        }
        if field.len() + 2 < left {
            if !first {
                out.push(b' ');
            }
            out.extend_from_slice(&field);
        }
    }
}

/// Names and values, split as auparse does (auparse/ellist.c: parse_up_record): at spaces, without
/// `msg='` and closing punctuation.
fn fields(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|b| *b == b' ').filter_map(|token| {
        if token.starts_with(b"msg=audit(") {
            return None;
        }
        let token = token.strip_prefix(b"msg='").unwrap_or(token);
        let equals = token.iter().position(|b| *b == b'=')?;
        let (name, mut value) = (&token[..equals], &token[equals + 1..]);
        for end in [b":", b",", b"'", b")"] {
            value = value.strip_suffix(end).unwrap_or(value);
        }
        Some((name.strip_prefix(b"(").unwrap_or(name), value))
    })
}

/// Appends `NAME=meaning`; false if there is none to tell.
fn meaning(
    kind: &str,
    (name, value): (&[u8], &[u8]),
    arch: Option<u32>,
    users: &Users,
    out: &mut Vec<u8>,
) -> bool {
    let is_group = GIDS.contains(&name) || name == b"id" && OF_GROUPS.contains(&kind);
    if is_group || UIDS.contains(&name) {
        // auditd takes what is no number for 0, and calls it root.
        let Some(id) = number(value, 10) else {
            return false;
        };
        let known = if is_group {
            users.group(id)
        } else {
            users.user(id)
        };
        let label = format!("{}=", upper(name));
        let unknown = format!("unknown({id})");
        text(out, &label, Some(named(id, known, &unknown)));
        return true;
    }
    match (name, number(value, 10)) {
        (b"arch", _) => {
            let known = arch.and_then(|arch| ARCHES.iter().find(|(n, _)| *n == arch));
            match known {
                Some((_, name)) => plain(out, format_args!("ARCH={name}")),
                None => plain(
                    out,
                    format_args!("ARCH=unknown-elf-type({})", value.escape_ascii()),
                ),
            }
        }
        (b"syscall", Some(nr)) => match syscalls::name(arch.unwrap_or(0), nr) {
            Some(name) => plain(out, format_args!("SYSCALL={name}")),
            None => plain(out, format_args!("SYSCALL=unknown-syscall({nr})")),
        },
        (b"uring_op", Some(op)) => match URING_OPS.iter().find(|(n, _)| *n == op) {
            Some((_, name)) => plain(out, format_args!("URING_OP={name}")),
            None => plain(out, format_args!("URING_OP=unknown-uringop({op})")),
        },
        // Elsewhere `saddr` is an address in text (AVC, NETFILTER_PKT).
        (b"saddr", _) if kind == "SOCKADDR" => {
            out.extend_from_slice(b"SADDR=");
            saddr::decode(value, out);
        }
        _ => return false,
    }
    true
}

fn named<'a>(id: u32, known: Option<&'a [u8]>, unknown: &'a str) -> &'a [u8] {
    match id {
        u32::MAX => b"unset",
        // aulookup_uid asks nobody for these two.
        0 => b"root",
        _ => known.unwrap_or(unknown.as_bytes()),
    }
}

/// As strtoul reads an id: -1 is the greatest.
fn number(value: &[u8], radix: u32) -> Option<u32> {
    let value = std::str::from_utf8(value).ok()?;
    if value == "-1" {
        return Some(u32::MAX);
    }
    u32::from_str_radix(value, radix).ok()
}

fn upper(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_uppercase()
}

#[cfg(test)]
mod tests;
