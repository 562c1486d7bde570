//! Makes bytes that an attacker chose harmless to show: on a terminal, in a log line, in JSON.
//!
//! The escape is reversible: everything hidden becomes `\xNN` (its bytes, two lower-case digits
//! each) and a backslash becomes two, so what is shown says exactly what was there.
use std::fmt;

use serde::Serialize;

/// Text without control characters, invalid UTF-8, or characters that reorder what follows.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c);
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

fn push(out: &mut String, c: char) {
    if c == '\\' {
        out.push_str("\\\\");
    } else if c.is_control() || is_invisible(c) {
        escape(out, c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.push(c);
    }
}

fn escape(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push_str("\\x");
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Characters that are valid, not controls, and still change what a reader sees: bidirectional
/// controls, line and paragraph separators, zero-width ones, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// A string that went through [`printable`]; alerts hold nothing else, so none can be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Text that is printable already, such as what a value shows.
    pub(crate) fn shown(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(printable(bytes))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
