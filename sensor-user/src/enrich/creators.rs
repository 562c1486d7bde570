//! Who made a file and when: remembered by inode, for the timestamp alert.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::{
    enrich::command_line,
    event::{Event, FileFacts, What},
    process::ProcessEntry,
};

/// Files remembered.
const KEPT: usize = 65_536;
/// Bytes of a command line, and of an executable's path, remembered.
const COMMAND_LINE: usize = 512;

/// Device and inode number.
type Inode = (u32, u64);

/// Who made a file.
#[derive(Clone, Debug)]
pub struct Creation {
    pub pid: u32,
    pub start_ns: u64,
    pub exe: Bytes,
    pub command_line: Vec<u8>,
    /// Nanoseconds since the epoch.
    pub time_ns: u64,
}

/// The latest files made.
#[derive(Debug, Default)]
pub struct Creators {
    by_inode: HashMap<Inode, Creation>,
    order: VecDeque<Inode>,
    /// The last creator's executable: most files in a row are made by one.
    exe: Bytes,
}

impl Creators {
    /// Learns from an event that made a file.
    pub fn remember(&mut self, event: &Event, actor: Option<&ProcessEntry>) {
        let own = match &event.what {
            What::Open(open) => event.paths.last().map(|item| (open, item)),
            _ => None,
        };
        let made = own.into_iter().chain(event.opened());
        let made = made.filter(|(open, _)| open.created);
        for file in made.filter_map(|(_, item)| item.file) {
            self.made(&file, event, actor);
        }
    }

    fn made(&mut self, file: &FileFacts, event: &Event, actor: Option<&ProcessEntry>) {
        let mut line = command_line(actor);
        line.truncate(COMMAND_LINE);
        let creation = Creation {
            pid: event.who.pid,
            start_ns: event.who.start_ns,
            exe: self.shared(event.who.exe.as_ref()),
            command_line: line,
            time_ns: event.time_ns,
        };
        let inode = (file.dev, file.ino);
        if self.by_inode.insert(inode, creation).is_none() {
            self.order.push_back(inode);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.by_inode.remove(&oldest);
            }
        }
    }

    /// The bytes of an executable's path, kept once for files that one makes in a row, and no more of
    /// them than [`COMMAND_LINE`].
    fn shared(&mut self, exe: Option<&Bytes>) -> Bytes {
        let exe = exe.map_or(&b""[..], |exe| &exe[..exe.len().min(COMMAND_LINE)]);
        if self.exe != exe {
            self.exe = Bytes::copy_from_slice(exe);
        }
        self.exe.clone()
    }

    /// Who made this file, if that was seen.
    #[must_use]
    pub fn of(&self, file: &FileFacts) -> Option<&Creation> {
        self.by_inode.get(&(file.dev, file.ino))
    }
}
