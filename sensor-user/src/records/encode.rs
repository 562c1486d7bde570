//! audit's encoding of strings (kernel/audit.c: audit_log_n_untrustedstring).

use std::{fmt, io::Write as _};

/// Whether a byte makes the whole string hexadecimal: `audit_string_contains_control`.
pub(super) fn is_control(byte: u8) -> bool {
    byte == b'"' || !(0x21..=0x7e).contains(&byte)
}

/// Appends numbers and literals.
pub(super) fn plain(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    // A Vec takes everything; the result is only there for other writers.
    drop(out.write_fmt(arguments));
}

/// Appends `label` and an untrusted string: quoted, or in hexadecimal; `(null)` when missing.
pub(super) fn text(out: &mut Vec<u8>, label: &str, value: Option<&[u8]>) {
    out.extend_from_slice(label.as_bytes());
    match value {
        None => out.extend_from_slice(b"(null)"),
        Some(value) if value.iter().any(|b| is_control(*b)) => hexadecimal(out, value),
        Some(value) => quoted(out, value),
    }
}

/// Appends a path that the kernel made from a dentry: audit_log_d_path has PATH_MAX + 11 bytes
/// for it and its NUL.
pub(super) fn object_path(out: &mut Vec<u8>, label: &str, value: Option<&[u8]>) {
    const LONGEST: usize = 4096 + 10;
    match value {
        Some(value) if value.len() > LONGEST => text(out, label, Some(b"<too_long>")),
        _ => text(out, label, value),
    }
}

pub(super) fn quoted(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

/// Upper case, as audit_log_n_hex writes it.
pub(super) fn hexadecimal(out: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]);
    out.extend(value.iter().flat_map(digits));
}

/// Appends a string that the kernel made (a terminal's name), without quotes; what could forge a
/// field is replaced all the same.
pub(super) fn trusted(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(value.iter().map(|b| if is_control(*b) { b'?' } else { *b }));
}
