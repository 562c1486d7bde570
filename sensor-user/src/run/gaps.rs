//! Losses as records: the kernel side numbers what each CPU sends, lost ones included
//! (`sensor_ebpf::wire::Header::seq`), so that a number that never comes is a record that was lost.
//! auditd's log says nothing where its kernel lost something; this one does, at the place.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    audit_log::sensor,
    event::{Aux, Caveats, Event, Process, What},
};

/// A program that interrupts another takes its number later and sends its record earlier; such
/// nesting is a few deep, so a number that so many others overtook will not come.
const WINDOW: u64 = 64;

/// Records of one CPU that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) cpu: u32,
    /// The first missing number.
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// What was seen of each CPU's numbers.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    cpus: BTreeMap<u32, Numbers>,
    /// Gaps told, and records missing in them.
    pub(crate) gaps: u64,
    pub(crate) missing: u64,
}

#[derive(Debug, Default)]
struct Numbers {
    /// All before it came, or are told as missing.
    next: u64,
    /// Came early; all of `next` and above.
    early: BTreeSet<u64>,
    /// Numbers that came twice: reading the counter and counting up are two steps, so a program
    /// and the one that interrupts it between them get the same number, and the one after is never
    /// given.
    twice: u64,
    /// One more than the greatest number when settle was last called.
    settled: u64,
}

impl Gaps {
    /// Takes a record's number in; gives the gaps that it shows.
    pub(crate) fn saw(&mut self, cpu: u32, seq: u64) -> Vec<Gap> {
        let numbers = self.cpus.entry(cpu).or_default();
        // The usual case.
        if seq == numbers.next && numbers.early.is_empty() {
            numbers.next = seq.saturating_add(1);
            return Vec::new();
        }
        if seq < numbers.next || !numbers.early.insert(seq) {
            numbers.twice += 1;
            return Vec::new();
        }
        numbers.advance();
        let gaps = numbers.give_up(cpu, numbers.end().saturating_sub(WINDOW));
        self.count(gaps)
    }

    /// From time to time, once the ring was emptied: gaps that were there the last time, too, are not
    /// waited for any longer.
    pub(crate) fn settle(&mut self) -> Vec<Gap> {
        self.give_up(|numbers| {
            let end = numbers.end();
            std::mem::replace(&mut numbers.settled, end)
        })
    }

    /// At the end: nothing more will come.
    pub(crate) fn finish(&mut self) -> Vec<Gap> {
        self.give_up(|_| u64::MAX)
    }

    fn give_up(&mut self, below: impl Fn(&mut Numbers) -> u64) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (cpu, numbers) in &mut self.cpus {
            let below = below(numbers);
            gaps.extend(numbers.give_up(*cpu, below));
        }
        self.count(gaps)
    }

    fn count(&mut self, gaps: Vec<Gap>) -> Vec<Gap> {
        self.gaps += gaps.len() as u64;
        self.missing += gaps.iter().map(|gap| gap.count).sum::<u64>();
        gaps
    }
}

impl Numbers {
    fn advance(&mut self) {
        while self.early.remove(&self.next) {
            self.next = self.next.saturating_add(1);
        }
    }

    /// One more than the greatest number.
    fn end(&self) -> u64 {
        let greatest = self.early.last();
        greatest.map_or(self.next, |last| last.saturating_add(1))
    }

    /// No longer waits for missing numbers below `limit`.
    fn give_up(&mut self, cpu: u32, limit: u64) -> Vec<Gap> {
        let mut gaps = Vec::new();
        while self.next < limit {
            let Some(found) = self.early.first().copied() else {
                break;
            };
            let (first, missing) = (self.next, found - self.next);
            let never_given = missing.min(self.twice);
            self.twice -= never_given;
            if missing > never_given {
                gaps.push(Gap {
                    cpu,
                    first,
                    count: missing - never_given,
                });
            }
            self.next = found;
            self.advance();
        }
        gaps
    }
}

impl Gap {
    /// As an event of its own, without a serial yet. DAEMON_ERR (1209), which auditd uses for its own
    /// failures, and not a new type: a name that ausearch does not know loses the record, `UNKNOWN[n]`
    /// can't be searched for. The body is in the manner of auditd's DAEMON_* (src/auditd.c):
    /// `op=… auid= pid= uid= ses= res=`.
    pub(crate) fn event(self, time_ns: u64) -> Event {
        let Self { cpu, first, count } = self;
        let body = format!(
            "op=lost-records cpu={cpu} first={first} count={count} {} res=failed",
            sensor()
        );
        Event {
            time_ns,
            serial: 0,
            call: None,
            who: Process::default(),
            cwd: None,
            paths: Vec::new(),
            proctitle: Bytes::new(),
            key: None,
            what: What::Other,
            aux: vec![Aux::Foreign {
                kind: Bytes::from_static(b"DAEMON_ERR"),
                body: body.into(),
                first: false,
            }],
            caveats: Caveats::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records;

    fn told(seqs: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        let mut gaps = Gaps::default();
        let mut told: Vec<Gap> = seqs.into_iter().flat_map(|seq| gaps.saw(3, seq)).collect();
        told.extend(gaps.finish());
        assert!(told.iter().all(|gap| gap.cpu == 3));
        assert_eq!(gaps.gaps, told.len() as u64);
        told.into_iter().map(|gap| (gap.first, gap.count)).collect()
    }

    #[test]
    fn what_is_a_gap_and_what_is_only_late() {
        let none: [(u64, u64); 0] = [];
        assert_eq!(told([]), none);
        assert_eq!(told(0..500), none);
        assert_eq!(told([2, 1, 0, 4, 3]), none);
        assert_eq!(told([1]), [(0, 1)]);
        assert_eq!(told([0, 1, 5, 6, 9]), [(2, 3), (7, 2)]);
        // One that interrupts another between reading the counter and counting up.
        assert_eq!(told([0, 1, 1, 3, 4]), none);
        assert_eq!(told([0, 0, 0, 3]), none);
        assert_eq!(told([0, 1, 1, 5]), [(2, 2)]);
        assert_eq!(told([0, u64::MAX]), [(1, u64::MAX - 1)]);
    }

    #[test]
    fn a_gap_is_told_when_it_is_overtaken_or_twice_settled() {
        let mut gaps = Gaps::default();
        let seen: Vec<Gap> = (1..=WINDOW).flat_map(|seq| gaps.saw(0, seq)).collect();
        let gap = Gap {
            cpu: 0,
            first: 0,
            count: 1,
        };
        assert_eq!(seen, [gap]);
        assert_eq!(gaps.saw(1, 2), []);
        assert_eq!(gaps.settle(), []);
        let gap = Gap {
            cpu: 1,
            first: 0,
            count: 2,
        };
        assert_eq!(gaps.settle(), [gap]);
        assert_eq!(gaps.settle(), []);
        assert_eq!((gaps.gaps, gaps.missing), (2, 3));
    }

    #[test]
    fn its_record_is_one_that_tools_know() {
        let gap = Gap {
            cpu: 7,
            first: 18,
            count: 5,
        };
        let lines = records::lines(&Event {
            serial: 9,
            ..gap.event(1_795_528_668_706_000_000)
        });
        let [line] = &lines[..] else {
            panic!("one record: {lines:?}");
        };
        let head = "type=DAEMON_ERR msg=audit(1795528668.706:9): ";
        let body = line.strip_prefix(head).expect("head");
        assert_eq!(records::types::number("DAEMON_ERR"), Some(1209));
        let fields: Vec<(&str, &str)> = body
            .split(' ')
            .map(|field| field.split_once('=').expect("name=value"))
            .collect();
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let expect = [
            "op", "cpu", "first", "count", "auid", "pid", "uid", "ses", "res",
        ];
        assert_eq!(names, expect);
        assert_eq!(
            fields[..4],
            [
                ("op", "lost-records"),
                ("cpu", "7"),
                ("first", "18"),
                ("count", "5")
            ]
        );
        assert_eq!(fields[8], ("res", "failed"));
    }

    proptest! {
        /// Any records lost, any number given twice, all a little out of order: the sum is exact.
        #[test]
        fn the_sum_is_what_was_lost(
            fates in proptest::collection::vec((0u8..10, 0u64..20), 1..500),
        ) {
            let mut sent = Vec::new();
            let (mut seq, mut lost) = (0, 0);
            for (n, (fate, delay)) in fates.iter().enumerate() {
                match fate {
                    0 => lost += 1,
                    1 => {
                        sent.push((n as u64 + delay, seq));
                        sent.push((n as u64, seq));
                        seq += 1;
                    }
                    _ => sent.push((n as u64 + delay, seq)),
                }
                seq += 1;
            }
            // What is lost at the very end no later number shows.
            sent.push((u64::MAX, seq));
            sent.sort_by_key(|(at, _)| *at);
            let gaps = told(sent.into_iter().map(|(_, seq)| seq));
            prop_assert_eq!(gaps.iter().map(|(_, count)| count).sum::<u64>(), lost);
        }

        #[test]
        fn no_numbers_make_it_panic(seqs in proptest::collection::vec(any::<u64>(), 0..200)) {
            told(seqs);
        }
    }
}
