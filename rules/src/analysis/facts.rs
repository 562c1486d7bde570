//! What a file says, as facts that can be compared: a key, and what is said of it. One form for all
//! kinds of files, so that one comparison, one bound and one stored snapshot serve them all.
//!
//! No secret is kept: of passwords only a short digest, enough to see that one changed.

mod accounts;
mod keys;
mod lines;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

pub(super) use self::{keys::Key, lines::startup_facts};
use super::places::{AccountFile, Place};

/// Most facts of one file; what is beyond is one more fact that says how much.
pub(super) const FACTS: usize = 4096;
/// Most bytes of a key or a value; beyond it stands a digest of the whole.
pub(super) const FACT_BYTES: usize = 1024;

/// Key → what is said of it.
pub type Facts = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the content of a file at a place says.
#[must_use]
pub(super) fn facts(place: &Place, content: &[u8]) -> Facts {
    match place {
        Place::Keys { .. } => keys::facts(content),
        Place::Account(AccountFile::Passwd) => accounts::passwd(content),
        Place::Account(AccountFile::Group) => accounts::group(content),
        Place::Account(AccountFile::Shadow) => accounts::shadow(content),
        Place::Account(AccountFile::Gshadow) => accounts::gshadow(content),
        Place::Account(AccountFile::Sudoers) => lines::continued(content),
        _ => lines::plain(content),
    }
}

/// SHA-256 of a file's content.
#[must_use]
pub(super) fn digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// The first half of a digest in hexadecimal: enough to tell two contents apart.
fn short_digest(content: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(16);
    for byte in &digest(content)[..8] {
        text.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    text
}

/// A key or value no longer than [`FACT_BYTES`]; two that differ anywhere stay different.
fn bounded(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() <= FACT_BYTES {
        return bytes.to_vec();
    }
    let mut cut = bytes[..FACT_BYTES - 32].to_vec();
    cut.extend_from_slice(b" ... sha256 ");
    cut.extend_from_slice(&short_digest(bytes));
    cut
}

/// Collects facts up to [`FACTS`].
#[derive(Default)]
struct Collector {
    facts: Facts,
    /// What did not fit, as one digest's input would be too much: a running hash.
    rest: Option<(usize, Sha256)>,
}

impl Collector {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        if self.facts.len() >= FACTS && !self.facts.contains_key(key) {
            let (count, hash) = self.rest.get_or_insert_with(|| (0, Sha256::new()));
            *count += 1;
            hash.update(key);
            hash.update(b"\0");
            hash.update(value);
            hash.update(b"\n");
            return;
        }
        let (key, value) = (bounded(key), bounded(value));
        self.facts.entry(key).or_insert(value);
    }

    fn finish(mut self) -> Facts {
        if let Some((count, hash)) = self.rest {
            let digest: [u8; 32] = hash.finalize().into();
            let key = format!("... {count} more").into_bytes();
            self.facts.insert(key, short_digest(&digest));
        }
        self.facts
    }
}

/// Lines without their ends; a carriage return inside hides what is before it from a reader of the file,
/// and from none of the programs that read it: it is white space here.
fn text_lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(|b| *b == b'\n').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
