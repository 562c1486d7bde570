//! What was known when the sensor ended, as a file: a line of JSON for each watched file, bytes in base64.
//! It holds no password, not even a hash of one in full; the file is for root only all the same.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    change::{State, StateKind},
    facts::Facts,
};

/// Path → state.
pub type Snapshot = BTreeMap<Vec<u8>, State>;

/// First line of a snapshot; another version is not read.
const HEADER: &str = r#"{"auklet_snapshot":1}"#;
/// Longest line: as many facts as a file may have, in base64, and some.
const LINE: u64 = 64 << 20;

/// Why a snapshot can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It can't be read at all.
    #[error("read it: {0}")]
    Io(#[from] io::Error),
    /// Not a snapshot, or another version's.
    #[error("line 1: not a snapshot of this version")]
    Header,
    /// A line is none.
    #[error("line {0}: {1}")]
    Line(usize, String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    known: bool,
    id: Option<(u32, u64)>,
    stamp: (u64, i128, i128),
    owner: u32,
    mode: u32,
    digest: String,
    facts: Vec<(String, String)>,
    target: String,
    cut: bool,
}

impl Line {
    fn of(path: &[u8], state: &State) -> Self {
        let facts = state.facts.iter();
        Self {
            path: STANDARD.encode(path),
            known: state.kind == StateKind::Known,
            id: state.id,
            stamp: state.stamp,
            owner: state.owner,
            mode: state.mode,
            digest: STANDARD.encode(state.digest),
            facts: facts
                .map(|(key, value)| (STANDARD.encode(key), STANDARD.encode(value)))
                .collect(),
            target: STANDARD.encode(&state.target),
            cut: state.cut,
        }
    }

    fn state(self) -> Result<(Vec<u8>, State), String> {
        let bytes = |text: &str| STANDARD.decode(text).map_err(|e| e.to_string());
        let mut facts = Facts::new();
        for (key, value) in &self.facts {
            facts.insert(bytes(key)?, bytes(value)?);
        }
        let digest = bytes(&self.digest)?;
        let kind = if self.known {
            StateKind::Known
        } else {
            StateKind::Unread
        };
        let state = State {
            kind,
            id: self.id,
            stamp: self.stamp,
            owner: self.owner,
            mode: self.mode,
            digest: digest
                .try_into()
                .map_err(|_| "digest of another length".to_owned())?,
            facts,
            target: bytes(&self.target)?,
            cut: self.cut,
        };
        Ok((bytes(&self.path)?, state))
    }
}

/// Writes what is known.
///
/// # Errors
/// The writer's.
pub fn write<'a>(
    known: impl Iterator<Item = (&'a Vec<u8>, &'a State)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{HEADER}")?;
    for (path, state) in known {
        serde_json::to_writer(&mut *out, &Line::of(path, state))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a snapshot.
///
/// # Errors
/// It is none, is another version's, or is damaged: it then counts for nothing.
pub fn read(from: &mut dyn BufRead) -> Result<Snapshot, SnapshotError> {
    let mut known = Snapshot::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut part = io::Read::take(&mut *from, LINE);
        if part.read_until(b'\n', &mut line)? == 0 {
            if number == 1 {
                return Err(SnapshotError::Header);
            }
            break;
        }
        let text = line.trim_ascii();
        if number == 1 {
            if text != HEADER.as_bytes() {
                return Err(SnapshotError::Header);
            }
            continue;
        }
        let bad = |problem: String| SnapshotError::Line(number, problem);
        let parsed: Line = serde_json::from_slice(text).map_err(|e| bad(e.to_string()))?;
        let (path, state) = parsed.state().map_err(bad)?;
        known.insert(path, state);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Snapshot {
        let state = State {
            kind: StateKind::Known,
            id: Some((8 << 20, 7)),
            stamp: (3, -1, i128::from(u64::MAX)),
            owner: 1000,
            mode: 0o100_644,
            digest: [9; 32],
            facts: Facts::from([(b"\xff\n".to_vec(), b"\0".to_vec())]),
            target: b"../x".to_vec(),
            cut: true,
        };
        Snapshot::from([(b"/etc/\xfe".to_vec(), state)])
    }

    #[test]
    fn what_is_written_is_read() {
        let mut text = Vec::new();
        write(known().iter(), &mut text).expect("write");
        assert_eq!(read(&mut &text[..]).expect("read"), known());
    }

    #[test]
    fn what_is_no_snapshot_is_an_error_with_its_line() {
        let error = |text: &str| read(&mut text.as_bytes()).expect_err(text).to_string();
        let header = "line 1: not a snapshot of this version";
        assert_eq!(error(""), header);
        assert_eq!(error("x"), header);
        let header = HEADER;
        assert!(error(&format!("{header}\n{{}}\n")).starts_with("line 2: missing field"));
        let mut text = Vec::new();
        write(known().iter(), &mut text).expect("write");
        let whole = String::from_utf8(text).expect("text");
        assert!(error(&whole[..whole.len() - 9]).starts_with("line 2: "));
        let short = whole.replace(&STANDARD.encode([9; 32]), "CQk=");
        assert_eq!(error(&short), "line 2: digest of another length");
    }
}
