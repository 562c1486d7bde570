//! EXECVE records, put together again (kernel/auditsc.c: audit_log_execve_info): `argc=`, whole
//! arguments `aN=`, and parts `aN[i]=` after an `aN_len=`, over one record or several.

use bytes::Bytes;

use super::fields::{Value, fields};

/// An argument list under construction.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// What `argc=` says; only compared, never allocated for.
    argc: Option<usize>,
    argv: Vec<Bytes>,
    /// The last argument while it comes in parts.
    parts: Vec<u8>,
    next_part: usize,
    missing: bool,
}

/// `aN`, `aN[I]` or `aN_len`.
enum Label {
    Whole(usize),
    Part(usize, usize),
    Length,
}

impl Arguments {
    /// Takes one record's body.
    pub(super) fn add(&mut self, body: &Bytes) {
        for (name, value) in fields(body) {
            if name == b"argc" {
                self.argc = value.decimal();
                continue;
            }
            match label(name) {
                Some(Label::Whole(n)) => {
                    self.close();
                    self.missing |= n != self.argv.len();
                    // An argument has quotes or is hexadecimal, also one that spells (null).
                    self.argv.push(value.untrusted(body).unwrap_or_default());
                }
                Some(Label::Part(n, part)) => self.part(n, part, value, body),
                // How long it says it is doesn't matter: what is there counts.
                Some(Label::Length) => {}
                None => self.missing = true,
            }
        }
    }

    fn part(&mut self, n: usize, part: usize, value: Value<'_>, body: &Bytes) {
        if part == 0 {
            self.close();
        }
        self.missing |= n != self.argv.len() || part != self.next_part;
        let bytes = value.untrusted(body).unwrap_or_default();
        self.parts.extend_from_slice(&bytes);
        self.next_part += 1;
    }

    fn close(&mut self) {
        if self.next_part > 0 {
            self.argv.push(std::mem::take(&mut self.parts).into());
            self.next_part = 0;
        }
    }

    /// The arguments, and whether some are missing.
    pub(super) fn end(mut self) -> (Vec<Bytes>, bool) {
        self.close();
        let missing = self.missing || self.argc != Some(self.argv.len());
        (self.argv, missing)
    }
}

fn label(name: &[u8]) -> Option<Label> {
    let name = std::str::from_utf8(name).ok()?.strip_prefix('a')?;
    if let Some(n) = name.strip_suffix("_len") {
        return n.parse::<usize>().ok().map(|_| Label::Length);
    }
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((n, part)) => Some(Label::Part(n.parse().ok()?, part.parse().ok()?)),
        None => name.parse().ok().map(Label::Whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(records: &[&'static str], argv: &[&str], missing: bool) {
        let mut arguments = Arguments::default();
        for record in records {
            arguments.add(&Bytes::from_static(record.as_bytes()));
        }
        let (found, lacks) = arguments.end();
        assert_eq!(found, argv.iter().map(|a| a.as_bytes()).collect::<Vec<_>>());
        assert_eq!(lacks, missing, "{records:?}");
    }

    #[test]
    fn arguments_come_together() {
        check(
            &["argc=3 a0=\"x\" a1=6120 a2=\"\""],
            &["x", "a ", ""],
            false,
        );
        check(
            &[
                "argc=3 a0=\"x\" a1_len=99999999999999999999 a1[0]=\"ab\"",
                " a1[1]=\"cd\" a2=\"e\"",
            ],
            &["x", "abcd", "e"],
            false, // what it says of its length is not believed
        );
        check(
            &[
                "argc=3 a0=\"x\" a1_len=4 a1[0]=\"ab\"",
                " a1[1]=\"cd\" a2=\"e\"",
            ],
            &["x", "abcd", "e"],
            false,
        );
        check(
            &["argc=2 a0_len=2 a0[0]=41 a1_len=2 a1[0]=42"],
            &["A", "B"],
            false,
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        check(&["argc=4294967295 a0=\"x\""], &["x"], true);
        check(&["a0=\"x\""], &["x"], true);
        check(&["argc=2 a0=\"x\" a2=\"z\""], &["x", "z"], true);
        check(&["argc=1", " a0[1]=\"late\""], &["late"], true);
    }
}
