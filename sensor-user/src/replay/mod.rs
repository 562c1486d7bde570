//! `auklet replay`: any auditd log, RAW or ENRICHED, through the same rules as live events.
//!
//! An event's records become one [`Event`], of which `records::format` makes the same lines again,
//! byte for byte; [`Replayed::is_exact`] says whether it does. Where it doesn't, the log's own lines
//! are what `--records` prints, so that nothing is lost:
//!
//! - SYSCALL without `success=` and `exit=` (exit, exit_group): the event says that it succeeded;
//! - fields that an event has no place for, or that stand in another order: unknown ones, `objtype=`,
//!   capabilities with 16 zeros (before Linux 5.3), labels with a space (AppArmor's `(enforce)`);
//! - records without the SYSCALL or URINGOP that they belong to, or two of them;
//! - a record of a type without fields here (AVC, CONFIG_CHANGE, IPC …) that stands elsewhere than
//!   before SYSCALL, or after EXECVE, OPENAT2, KERN_MODULE and BPRM_FCAPS;
//! - EXECVE records that are incomplete (the event says so: `truncated`), or were split otherwise;
//! - numbers that don't fit: they are 0.
//!
//! A record doesn't tell all that an event has: there are no thread ids, start times, link counts,
//! no times of files, no file behind finit_module's descriptor. [`PathItem::resolved`] is computed
//! from name and working directory as text; where the call names a directory's descriptor it stays
//! relative. `Utime::set_mtime` says that times were given, also if they were UTIME_NOW.
//!
//! [`PathItem::resolved`]: crate::event::PathItem::resolved

mod aux;
pub(crate) mod calls;
mod command;
mod event;
mod execve;
pub(crate) mod fields;
mod group;
mod items;
mod line;
mod output;
mod signals;
mod source;

use std::collections::VecDeque;

use bytes::Bytes;

use self::group::{Group, Groups};
pub use self::{
    command::{ReplayArgs, run},
    line::{BadLine, Line},
};
use crate::{event::Event, records};

/// Longest line that is taken for a record: auditd's own are at most 8970 bytes, what ENRICHED adds
/// is not bounded there.
pub const LONGEST: usize = 64 << 10;

/// Reads a log, line by line; memory is bounded.
#[derive(Debug, Default)]
pub struct Parser {
    groups: Groups,
    done: VecDeque<Group>,
}

/// An event that a log tells of.
#[derive(Debug)]
pub struct Replayed {
    pub event: Event,
    /// The machine, where the log says so.
    pub node: Option<Bytes>,
    /// Not whole: the parser's memory was at its bound.
    pub cut: bool,
    records: Vec<Line>,
}

impl Parser {
    /// Takes one line without its newline. Empty lines are none.
    ///
    /// # Errors
    /// It is no audit record; the parser goes on as if it had not been there.
    pub fn line(&mut self, line: &[u8]) -> Result<(), BadLine> {
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > LONGEST {
            return Err(BadLine::TooLong);
        }
        // A copy, so that what is kept of it doesn't keep a whole buffer.
        let line = Line::parse(&Bytes::copy_from_slice(line))?;
        self.groups.push(line, &mut self.done);
        Ok(())
    }

    /// There are no more lines.
    pub fn end(&mut self) {
        self.groups.end(&mut self.done);
    }

    /// The next event that is over, in the order of their ends.
    pub fn next_event(&mut self) -> Option<Replayed> {
        let Group { records, cut } = self.done.pop_front()?;
        Some(Replayed {
            event: event::event(&records),
            node: records.first().and_then(|line| line.node.clone()),
            cut,
            records,
        })
    }
}

impl Replayed {
    /// Appends the records as they stand in the log, without node and names that auditd added.
    pub fn as_logged(&self, out: &mut Vec<u8>) {
        for line in self.records.iter().filter(|line| line.kind != "EOE") {
            out.extend_from_slice(&line.text);
            out.push(b'\n');
        }
    }

    /// The effective user's name, where auditd looked it up for the call's record.
    #[must_use]
    pub fn user(&self) -> Option<Bytes> {
        let syscall = self.records.iter().find(|line| line.kind == "SYSCALL")?;
        let mut added = fields::fields(&syscall.enriched);
        let (_, value) = added.find(|(name, _)| *name == b"EUID")?;
        let name = value.untrusted(&syscall.enriched)?;
        // What auditd says of an id without a name.
        let named = name != "unset" && !name.starts_with(b"unknown(");
        named.then_some(name)
    }

    /// Whether the event's records are the log's, byte for byte.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let (mut made, mut logged) = (Vec::new(), Vec::new());
        records::format(&self.event, &mut made);
        self.as_logged(&mut logged);
        made == logged
    }
}
