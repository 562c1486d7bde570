//! audit's encoding of strings (kernel/audit.c: audit_log_n_untrustedstring).

use std::{fmt, io::Write as _};

/// Whether a byte makes the whole string hexadecimal: `audit_string_contains_control`.
pub(super) fn is_control(byte: u8) -> bool {
    byte == b'"' || !(0x21..=0x7e).contains(&byte)
}

/// Appends numbers and literals.
pub(super) fn plain(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    // A Vec takes everything; the result is only there for other writers.
    let _ = out.write_fmt(arguments).is_ok();
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

pub(super) fn quoted(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

pub(super) fn hexadecimal(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    out.resize(start + 2 * value.len(), 0);
    // The destination is exactly as long as the encoding needs.
    let _ = hex::encode_to_slice(value, &mut out[start..]).is_ok();
    out[start..].make_ascii_uppercase();
}

/// Appends a string that the kernel made (a terminal's name), without quotes; what could forge a
/// field is replaced all the same.
pub(super) fn trusted(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(value.iter().map(|b| if is_control(*b) { b'?' } else { *b }));
}
