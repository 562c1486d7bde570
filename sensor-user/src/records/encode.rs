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

/// Appends `label` and a decimal number.
pub(super) fn decimal(out: &mut Vec<u8>, label: &str, number: impl itoa::Integer) {
    out.extend_from_slice(label.as_bytes());
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `label` and a number in digits of so many bits each, lower case, at least `width` of them.
fn digits(out: &mut Vec<u8>, label: &str, mut number: u64, bits: u32, width: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(label.as_bytes());
    let (mut text, mut start) = ([b'0'; 22], 22);
    while number != 0 && start > 0 {
        start -= 1;
        let low = usize::from(number.to_le_bytes()[0]);
        text[start] = DIGITS[low & ((1 << bits) - 1)];
        number >>= bits;
    }
    out.extend_from_slice(&text[start.min(22 - width)..]);
}

/// Appends `label` and a hexadecimal number of at least `width` digits, at most 16.
pub(super) fn hex(out: &mut Vec<u8>, label: &str, number: u64, width: usize) {
    digits(out, label, number, 4, width.clamp(1, 16));
}

/// Appends `label` and an octal number as C's `%#o` writes it: a 0, and what follows unless that is all.
pub(super) fn octal(out: &mut Vec<u8>, label: &str, number: u32) {
    out.extend_from_slice(label.as_bytes());
    digits(out, "0", number.into(), 3, 0);
}

/// Appends `label` and a kernel-internal device number as `major:minor` in hexadecimal.
pub(super) fn device(out: &mut Vec<u8>, label: &str, dev: u32) {
    hex(out, label, (dev >> 20).into(), 2);
    hex(out, ":", (dev & 0xf_ffff).into(), 2);
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
