//! PATH records (kernel/auditsc.c: audit_log_name).

use super::encode::{object_path, plain};
use crate::event::{NameType, PathItem};

/// The body of item number `item`.
pub(super) fn body(item: usize, path: &PathItem, out: &mut Vec<u8>) {
    plain(out, format_args!("item={item}"));
    // What the caller passed is shorter than PATH_MAX, so the bound is only for a PARENT's.
    object_path(out, " name=", path.name.as_deref());
    if let Some(file) = &path.file {
        plain(
            out,
            format_args!(
                " inode={} dev={} mode={:#o}",
                file.ino,
                Dev(file.dev),
                Octal(file.mode)
            ),
        );
        plain(
            out,
            format_args!(
                " ouid={} ogid={} rdev={}",
                file.uid,
                file.gid,
                Dev(file.rdev)
            ),
        );
    }
    // Capabilities of files are not read yet: what a file without any has.
    let caps = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0";
    plain(
        out,
        format_args!(" nametype={} {caps}", nametype(path.nametype)),
    );
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
