//! authorized_keys, as sshd(8) reads it: options, type, key, comment.

use base64::{Engine as _, engine::general_purpose};

use super::{Collector, Facts, digest, text_lines};

/// A line of authorized_keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// `command="…",no-pty`; empty when there are none.
    pub options: Vec<u8>,
    /// `ssh-ed25519`, and the key in base64.
    pub key: Vec<u8>,
    /// What its maker wrote behind it.
    pub comment: Vec<u8>,
}

impl Key {
    /// The key as `ssh-keygen -l` shows it: `SHA256:… comment (type)`.
    #[must_use]
    pub(crate) fn shown(&self) -> Vec<u8> {
        let (kind, blob) = two(&self.key);
        let print = general_purpose::STANDARD.decode(blob).map_or_else(
            |_| "SHA256:? (not base64)".to_owned(),
            |blob| {
                let digest = general_purpose::STANDARD_NO_PAD.encode(digest(&blob));
                format!("SHA256:{digest}")
            },
        );
        let mut shown = print.into_bytes();
        for part in [&b" "[..], &self.comment, b" (", kind, b")"] {
            shown.extend_from_slice(part);
        }
        shown
    }

    /// From a fact: key → options NUL comment.
    #[must_use]
    pub(crate) fn of(key: &[u8], value: &[u8]) -> Self {
        let mut parts = value.splitn(2, |b| *b == 0);
        Self {
            options: parts.next().unwrap_or_default().to_vec(),
            key: key.to_vec(),
            comment: parts.next().unwrap_or_default().to_vec(),
        }
    }
}

/// The first word and the second.
fn two(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace);
    end.map_or((line, b""), |end| (&line[..end], line[end..].trim_ascii()))
}

/// sshd takes what begins with a type that it knows for a key; else the first word is options.
fn is_type(word: &[u8]) -> bool {
    [&b"ssh-"[..], b"ecdsa-", b"sk-", b"rsa-sha2-", b"webauthn-"]
        .iter()
        .any(|start| word.starts_with(start))
}

/// Where the options end: at white space outside quotes.
fn options_end(line: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => return at,
            _ => {}
        }
    }
    line.len()
}

fn parse(line: &[u8]) -> Option<Key> {
    let (first, _) = two(line);
    let (options, rest) = if is_type(first) {
        (&b""[..], line)
    } else {
        let (options, rest) = line.split_at(options_end(line));
        (options, rest.trim_ascii())
    };
    let (kind, rest) = two(rest);
    let (blob, comment) = two(rest);
    if !is_type(kind) || blob.is_empty() {
        return None;
    }
    Some(Key {
        options: options.to_vec(),
        key: [kind, b" ", blob].concat(),
        comment: comment.to_vec(),
    })
}

/// Key → options NUL comment. Lines that are no keys are none of sshd's.
pub(super) fn facts(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    for line in text_lines(content).filter(|line| !line.starts_with(b"#")) {
        if let Some(key) = parse(line) {
            let value = [&key.options[..], b"\0", &key.comment].concat();
            facts.add(&key.key, &value);
        }
    }
    facts.finish()
}
