//! One line of an audit log: `[node=NAME ]type=TYPE msg=audit(SEC.mmm:SERIAL): BODY`, and what
//! `log_format = ENRICHED` puts behind it after a byte 0x1D (auditd.conf(5); audit-userspace,
//! src/auditd-event.c: format_raw, format_enrich).

use bytes::Bytes;
use thiserror::Error;

/// What separates a record from the names that auditd looked up for it.
const ENRICHED: u8 = 0x1d;
/// No record's name is longer, nor a host's (HOST_NAME_MAX, with some to spare).
const NAME: usize = 256;

/// A record as it stands in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The machine, where auditd's `name_format` says so.
    pub node: Option<Bytes>,
    /// `SYSCALL`, `UNKNOWN[1423]`: capitals, digits, `_`, `[` and `]` only.
    pub kind: Bytes,
    /// Milliseconds since the epoch.
    pub ms: u64,
    pub serial: u32,
    /// The record's own text.
    pub body: Bytes,
    /// Names that auditd added, in capitals; empty in a RAW log.
    pub enriched: Bytes,
    /// From `type=` to the end of `body`.
    pub text: Bytes,
}

/// Why a line is no record.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadLine {
    #[error("no type= where a record begins")]
    NoType,
    #[error("a type that is no name")]
    Kind,
    #[error("no msg=audit( after the type")]
    NoStamp,
    #[error("no SEC.mmm:SERIAL in audit()")]
    Stamp,
    #[error("longer than any record")]
    TooLong,
    #[error("no newline at its end: torn")]
    Torn,
}

impl Line {
    /// Takes a line, without its newline, apart.
    ///
    /// # Errors
    /// It is no audit record.
    pub fn parse(line: &Bytes) -> Result<Self, BadLine> {
        let (node, text) = node(line);
        let rest = text.strip_prefix(b"type=").ok_or(BadLine::NoType)?;
        let (kind, rest) = split(rest, b' ').ok_or(BadLine::Kind)?;
        if !is_kind(kind) {
            return Err(BadLine::Kind);
        }
        let rest = rest.strip_prefix(b"msg=audit(").ok_or(BadLine::NoStamp)?;
        let (stamp, rest) = split(rest, b')').ok_or(BadLine::Stamp)?;
        let (ms, serial) = parse_stamp(stamp).ok_or(BadLine::Stamp)?;
        let rest = rest.strip_prefix(b":").ok_or(BadLine::Stamp)?;
        // auditd drops a trailing space, which is all the body that EOE has.
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let (body, enriched) = rest.split_at(end_of_body(rest));
        let head = text.len() - rest.len();
        Ok(Self {
            node: node.map(|node| line.slice_ref(node)),
            kind: line.slice_ref(kind),
            ms,
            serial,
            body: line.slice_ref(body),
            enriched: line.slice_ref(enriched.get(1..).unwrap_or_default()),
            text: line.slice_ref(&text[..head + body.len()]),
        })
    }
}

fn node(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let named = line.strip_prefix(b"node=").and_then(|l| split(l, b' '));
    match named {
        Some((node, rest)) if node.len() <= NAME => (Some(node), rest),
        _ => (None, line),
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == at)?;
    Some((&text[..at], &text[at + 1..]))
}

fn is_kind(kind: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_[]".contains(b);
    !kind.is_empty() && kind.len() <= NAME && kind.iter().all(allowed)
}

/// `SEC.mmm:SERIAL` as milliseconds and serial; the time fits an event's nanoseconds.
fn parse_stamp(stamp: &[u8]) -> Option<(u64, u32)> {
    let (seconds, rest) = split(stamp, b'.')?;
    let (ms, serial) = split(rest, b':')?;
    if ms.len() != 3 {
        return None;
    }
    let ms = number(seconds)?
        .checked_mul(1000)?
        .checked_add(number(ms)?)?;
    ms.checked_mul(1_000_000)?;
    Some((ms, number(serial)?.try_into().ok()?))
}

/// Digits only: `u64::from_str` takes a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let digit = |b: &u8| b.is_ascii_digit().then(|| u64::from(b - b'0'));
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0u64, |sum, b| sum.checked_mul(10)?.checked_add(digit(b)?))
}

/// Where the record's own text ends. A message's text is its sender's and may hold the separator,
/// so there only one behind the closing quote counts; the kernel's own strings never hold it.
fn end_of_body(rest: &[u8]) -> usize {
    let message = rest.windows(6).any(|w| w == b" msg='");
    // What auditd adds never ends with a single quote.
    let at = if message && rest.ends_with(b"'") {
        None
    } else if message {
        let quoted = rest.windows(2).rposition(|w| w == [b'\'', ENRICHED]);
        quoted.map(|at| at + 1)
    } else {
        rest.iter().position(|b| *b == ENRICHED)
    };
    at.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &'static str) -> Result<Line, BadLine> {
        Line::parse(&Bytes::from_static(line.as_bytes()))
    }

    #[track_caller]
    fn check(line: &'static str, node: Option<&str>, body: &str, enriched: &str) {
        let parsed = parse(line).expect("a record");
        assert_eq!(parsed.node.as_deref(), node.map(str::as_bytes));
        assert_eq!(parsed.body, body.as_bytes());
        assert_eq!(parsed.enriched, enriched.as_bytes());
        assert_eq!((parsed.ms, parsed.serial), (1_500_000_000_020, 7));
    }

    #[test]
    fn lines_come_apart() {
        check(
            "type=CWD msg=audit(1500000000.020:7): cwd=\"/\"",
            None,
            "cwd=\"/\"",
            "",
        );
        check("type=EOE msg=audit(1500000000.020:7):", None, "", "");
        check("type=EOE msg=audit(1500000000.020:7): ", None, "", "");
        check(
            "node=a.b type=UNKNOWN[1423] msg=audit(1500000000.020:7): x uid=0\u{1d}UID=\"root\"",
            Some("a.b"),
            "x uid=0",
            "UID=\"root\"",
        );
        check(
            "type=USER msg=audit(1500000000.020:7): pid=1 msg='a\u{1d}b''\u{1d}UID=\"x\"",
            None,
            "pid=1 msg='a\u{1d}b''",
            "UID=\"x\"",
        );
        check(
            "type=EXECVE msg=audit(1500000000.020:7):  a1[1]=41",
            None,
            " a1[1]=41",
            "",
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for (line, why) in [
            ("", BadLine::NoType),
            ("----", BadLine::NoType),
            ("node=x", BadLine::NoType),
            ("type=SYSCALL", BadLine::Kind),
            ("type=\u{1b}[31m msg=audit(1.000:1): ", BadLine::Kind),
            ("type=CWD audit(1.000:1): ", BadLine::NoStamp),
            ("type=CWD msg=audit(1.000:1", BadLine::Stamp),
            ("type=CWD msg=audit(1.00:1): ", BadLine::Stamp),
            ("type=CWD msg=audit(+1.000:1): ", BadLine::Stamp),
            ("type=CWD msg=audit(1.000:4294967296): ", BadLine::Stamp),
            ("type=CWD msg=audit(18446744073710.000:1): ", BadLine::Stamp),
            ("type=CWD msg=audit(1.000:1) ", BadLine::Stamp),
        ] {
            assert_eq!(parse(line), Err(why), "{line}");
        }
    }
}
