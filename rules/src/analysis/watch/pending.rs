//! Files that were opened for writing: each is compared when its opener has ended, and until then after
//! ever longer quiet times.

use std::collections::BTreeMap;

use crate::analysis::act::Act;

/// After how long an open file is compared, again and again, nanoseconds. Then [`super::Watch::sweep`] is
/// what is left.
const QUIET_NS: [u64; 5] = [
    300_000_000,
    1_000_000_000,
    5_000_000_000,
    20_000_000_000,
    60_000_000_000,
];
/// Openers of one file whose ends are waited for.
const OPENERS: usize = 8;

/// A file that may be written now.
#[derive(Clone, Debug)]
pub(super) struct Pending<W> {
    pub(super) path: Vec<u8>,
    /// The latest opener.
    pub(super) writer: W,
    /// A change was told already.
    pub(super) told: bool,
    openers: Vec<(u32, u64)>,
    /// Some opener's end is not waited for: the list was full.
    more: bool,
    tries: usize,
    due_ns: u64,
    /// All have ended.
    over: bool,
}

impl<W> Pending<W> {
    /// Nothing is to be expected after this look.
    pub(super) fn is_last(&self) -> bool {
        self.over || self.tries + 1 >= QUIET_NS.len()
    }
}

#[derive(Debug)]
pub(super) struct Pendings<W> {
    limit: usize,
    by_path: BTreeMap<Vec<u8>, Pending<W>>,
}

impl<W> Pendings<W> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            by_path: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_path.len()
    }

    pub(super) fn is_pending(&self, path: &[u8]) -> bool {
        self.by_path.contains_key(path)
    }

    /// A file was opened; if there is no room, the one that has waited longest is given back.
    pub(super) fn add(&mut self, path: &[u8], act: &Act, writer: W) -> Option<Pending<W>> {
        let due_ns = act.time_ns + QUIET_NS[0];
        let opener = act.actor.id();
        if let Some(known) = self.by_path.get_mut(path) {
            if !known.openers.contains(&opener) {
                known.more |= known.openers.len() >= OPENERS;
                known.openers.truncate(OPENERS - 1);
                known.openers.push(opener);
            }
            // Another open is another act: also one that changes nothing is told.
            (known.writer, known.told) = (writer, false);
            (known.tries, known.due_ns, known.over) = (0, due_ns, false);
            return None;
        }
        let full = self.by_path.len() >= self.limit;
        let oldest = full.then(|| self.oldest()).flatten();
        let pending = Pending {
            path: path.to_vec(),
            writer,
            told: false,
            openers: vec![opener],
            more: false,
            tries: 0,
            due_ns,
            over: false,
        };
        self.by_path.insert(path.to_vec(), pending);
        oldest
    }

    fn oldest(&mut self) -> Option<Pending<W>> {
        let oldest = self.by_path.values().min_by_key(|one| one.due_ns)?;
        let path = oldest.path.clone();
        self.by_path.remove(&path)
    }

    pub(super) fn due_ns(&self) -> Option<u64> {
        self.by_path.values().map(|one| one.due_ns).min()
    }

    /// Those whose time has come or whose openers have all ended.
    pub(super) fn take_due(
        &mut self,
        now_ns: u64,
        ended: &dyn Fn((u32, u64)) -> bool,
    ) -> Vec<Pending<W>> {
        let mut due = Vec::new();
        for one in self.by_path.values_mut() {
            one.openers.retain(|opener| !ended(*opener));
            one.over = one.openers.is_empty() && !one.more;
            if one.over || one.due_ns <= now_ns {
                due.push(one.path.clone());
            }
        }
        let taken = due.iter().filter_map(|path| self.by_path.remove(path));
        taken.collect()
    }

    /// To be compared once more, later.
    pub(super) fn again(&mut self, mut one: Pending<W>, now_ns: u64) {
        one.tries += 1;
        let quiet = QUIET_NS.get(one.tries).copied().unwrap_or(QUIET_NS[4]);
        one.due_ns = now_ns + quiet;
        self.by_path.insert(one.path.clone(), one);
    }
}
