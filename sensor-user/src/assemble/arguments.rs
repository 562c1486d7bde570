//! Argument lists that came in parts.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use crate::decode::CallFacts;

/// Bytes of parts kept for execs whose end has not come.
const PENDING: usize = 8 << 20;

/// Parts that wait for their EXEC record, by thread.
#[derive(Debug, Default)]
pub struct Arguments {
    pending: HashMap<u32, Vec<(u64, Bytes)>>,
    bytes: usize,
}

/// An argument list, whole or not.
#[derive(Debug, Default)]
pub struct Joined {
    pub argv: Vec<Bytes>,
    pub bytes: u64,
    pub truncated: bool,
}

impl Arguments {
    /// A part came. What is left of execs that never ended goes when there is too much of it.
    pub fn add(&mut self, tid: u32, offset: u64, part: Bytes) {
        if self.bytes + part.len() > PENDING {
            self.pending.clear();
            self.bytes = 0;
        }
        // A part that does not follow the last one begins another exec: the end of that one was lost.
        let last = self.pending.get(&tid).and_then(|parts| parts.last());
        if last.is_some_and(|(before, _)| *before >= offset) {
            self.forget(tid);
        }
        self.bytes += part.len();
        self.pending.entry(tid).or_default().push((offset, part));
    }

    /// A thread ended.
    pub fn forget(&mut self, tid: u32) {
        for (_, part) in self.pending.remove(&tid).unwrap_or_default() {
            self.bytes -= part.len();
        }
    }

    /// The arguments of an exec: what its record holds, then the parts as far as none is missing.
    pub fn join(&mut self, facts: &CallFacts) -> Joined {
        let parts = self
            .pending
            .get(&facts.task.tid)
            .cloned()
            .unwrap_or_default();
        self.forget(facts.task.tid);
        let mut area = BytesMut::from(facts.argv.as_ref());
        for (offset, part) in parts {
            if offset == area.len() as u64 {
                area.extend_from_slice(&part);
            }
        }
        let got = area.len() as u64;
        let bytes = facts.exec.map_or(got, |exec| exec.argv_bytes);
        Joined {
            argv: split(&area.freeze()),
            bytes,
            // A successful exec whose sizes did not fit into its record has no arguments here.
            truncated: got < bytes
                || facts.argv_cut
                || (facts.exec.is_none() && facts.call.ret >= 0),
        }
    }
}

/// Arguments end in a NUL each; the last of a cut list may lack it.
fn split(area: &Bytes) -> Vec<Bytes> {
    if area.is_empty() {
        return Vec::new();
    }
    let body = area.strip_suffix(&[0]).unwrap_or(area);
    body.split(|b| *b == 0)
        .map(|arg| area.slice_ref(arg))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_arguments_count() {
        let argv = split(&Bytes::from_static(b"a\0\0b c\0"));
        assert_eq!(argv, ["a", "", "b c"].map(Bytes::from_static_str));
        assert_eq!(split(&Bytes::from_static(b"\0")).len(), 1);
        assert!(split(&Bytes::new()).is_empty());
    }

    #[test]
    fn parts_of_an_exec_that_was_lost_are_not_the_next_ones() {
        let mut arguments = Arguments::default();
        arguments.add(7, 4096, Bytes::from_static(b"old"));
        arguments.add(7, 4099, Bytes::from_static(b"old"));
        arguments.add(7, 4096, Bytes::from_static(b"new"));
        let parts = arguments.pending.get(&7).expect("parts");
        assert_eq!(parts.as_slice(), [(4096, Bytes::from_static(b"new"))]);
        assert_eq!(arguments.bytes, 3);
    }

    trait FromStaticStr {
        fn from_static_str(s: &'static str) -> Bytes;
    }
    impl FromStaticStr for Bytes {
        fn from_static_str(s: &'static str) -> Bytes {
            Bytes::from_static(s.as_bytes())
        }
    }

    #[test]
    fn parts_are_bounded() {
        let mut arguments = Arguments::default();
        for tid in 0..2_000 {
            arguments.add(tid, 0, Bytes::from(vec![b'x'; 16 * 1024]));
            assert!(arguments.bytes <= PENDING);
        }
        arguments.forget(1_999);
        assert!(!arguments.pending.contains_key(&1_999));
    }
}
