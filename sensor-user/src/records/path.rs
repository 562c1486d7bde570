//! PATH records (kernel/auditsc.c: audit_log_name).

use super::encode::{decimal, device, object_path, octal, plain, trusted};
use crate::event::{FileCaps, NameType, PathItem};

/// The body of item number `item`.
pub(super) fn body(item: usize, path: &PathItem, out: &mut Vec<u8>) {
    decimal(out, "item=", item);
    // What the caller passed is shorter than PATH_MAX, so the bound is only for a PARENT's.
    object_path(out, " name=", path.name.as_deref());
    if let Some(file) = &path.file {
        decimal(out, " inode=", file.ino);
        device(out, " dev=", file.dev);
        octal(out, " mode=", file.mode);
        decimal(out, " ouid=", file.uid);
        decimal(out, " ogid=", file.gid);
        device(out, " rdev=", file.rdev);
    }
    if let Some(obj) = &path.obj {
        out.extend_from_slice(b" obj=");
        trusted(out, obj);
    }
    out.extend_from_slice(b" nametype=");
    out.extend_from_slice(nametype(path.nametype).as_bytes());
    caps(path.caps, out);
}

/// audit_log_fcaps
fn caps(caps: FileCaps, out: &mut Vec<u8>) {
    match caps {
        FileCaps::Absent => {
            out.extend_from_slice(b" cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0");
        }
        FileCaps::Unread => out.extend_from_slice(b" cap_fe=? cap_fver=? cap_fp=? cap_fi=?"),
        FileCaps::Present {
            permitted,
            inheritable,
            effective,
            version,
            rootid,
        } => {
            cap(" cap_fp=", permitted, out);
            cap(" cap_fi=", inheritable, out);
            plain(
                out,
                format_args!(
                    " cap_fe={} cap_fver={version:x} cap_frootid={rootid}",
                    u8::from(effective)
                ),
            );
        }
    }
}

/// audit_log_cap: 16 digits, or 0.
pub(super) fn cap(label: &str, set: u64, out: &mut Vec<u8>) {
    if set == 0 {
        plain(out, format_args!("{label}0"));
    } else {
        plain(out, format_args!("{label}{set:016x}"));
    }
}

/// As audit prints it.
pub(crate) fn nametype(nametype: NameType) -> &'static str {
    match nametype {
        NameType::Unknown => "UNKNOWN",
        NameType::Normal => "NORMAL",
        NameType::Parent => "PARENT",
        NameType::Create => "CREATE",
        NameType::Delete => "DELETE",
    }
}

/// A kernel-internal device number as `major:minor` in hexadecimal.
pub(crate) struct Dev(pub(crate) u32);

impl std::fmt::Display for Dev {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}:{:02x}", self.0 >> 20, self.0 & 0xf_ffff)
    }
}

/// C's `%#o`: a leading 0 where Rust writes 0o.
pub(crate) struct Octal(pub(crate) u32);

impl std::fmt::Octal for Octal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            f.write_str("0")
        } else {
            write!(f, "0{:o}", self.0)
        }
    }
}
