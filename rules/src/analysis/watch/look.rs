//! From what is at a path to what is known of it. Links are followed by hand, a few steps, so that each
//! file that is opened is one that was looked at.

use crate::analysis::{
    act::FileId,
    change::{State, StateKind},
    facts::{Facts, digest, facts},
    files::{FileLook, Files, Look},
    places::Place,
};

/// Symbolic links followed one after another.
const STEPS: usize = 4;

/// What is there now.
pub(super) fn state(files: &mut dyn Files, path: &[u8], place: &Place) -> State {
    match files.look(path) {
        Look::Absent => State::default(),
        Look::File(file) => known(&file, place),
        Look::Link { id, target } => link(files, path, id, target, place),
        Look::Directory(id) | Look::Other(id) => State {
            kind: StateKind::Unread,
            id: Some(id),
            ..State::default()
        },
        Look::Unreadable(_) => State {
            kind: StateKind::Unread,
            ..State::default()
        },
    }
}

fn known(file: &FileLook, place: &Place) -> State {
    State {
        kind: StateKind::Known,
        id: Some(file.id),
        stamp: stamp(file),
        owner: file.owner,
        mode: file.mode,
        digest: digest(&file.content),
        facts: facts(place, &file.content),
        target: Vec::new(),
        cut: file.is_cut(),
    }
}

pub(super) fn stamp(file: &FileLook) -> (u64, i128, i128) {
    (file.size, file.times_ns.0, file.times_ns.1)
}

/// A link says where it leads; what is there counts, too, where it decides something. A start-up link is
/// itself what counts: what it leads to is watched at its own place.
fn link(files: &mut dyn Files, path: &[u8], id: FileId, target: Vec<u8>, place: &Place) -> State {
    let itself = |kind| State {
        kind,
        id: Some(id),
        digest: digest(&target),
        target: target.clone(),
        facts: Facts::from([([b"-> ", &target[..]].concat(), Vec::new())]),
        ..State::default()
    };
    if matches!(place, Place::Startup(_)) {
        return itself(StateKind::Known);
    }
    let mut at = joined(path, &target);
    for _ in 0..STEPS {
        match files.look(&at) {
            Look::File(file) => {
                return State {
                    target,
                    ..known(&file, place)
                };
            }
            Look::Link { target: next, .. } => at = joined(&at, &next),
            _ => break,
        }
    }
    itself(StateKind::Unread)
}

/// A link's text from the directory that it is in; `..` goes up by name.
pub(super) fn joined(path: &[u8], target: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    if !target.starts_with(b"/") {
        parts.extend(path.split(|b| *b == b'/').filter(|part| !part.is_empty()));
        parts.pop();
    }
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut path = Vec::new();
    for part in parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_by_name() {
        for (path, target, expect) in [
            ("/a/b", "c", "/a/c"),
            ("/a/b", "../c", "/c"),
            ("/a/b", "/x//y/./z", "/x/y/z"),
            ("/a", "../../..", ""),
        ] {
            let joined = joined(path.as_bytes(), target.as_bytes());
            assert_eq!(joined, expect.as_bytes(), "{path} {target}");
        }
    }
}
