//! From bytes of the ring buffer to facts. Trusts no length; knows nothing of audit.

mod clock;
mod message;
mod path;

use bytes::Bytes;
use sensor_ebpf::wire::{
    ArgvPart, CapFacts, ExecFacts, FileCapFacts, Header, ItemFacts, Lifecycle, LoginFacts,
    NetfilterFacts, OpenHow, OperationFacts, Prefix, Section, Syscall, TakenName, TargetFacts,
    Task, TimeFacts, VERSION, flag, kind, tag,
};
use zerocopy::FromBytes;

pub use self::{clock::RawClock, message::UserMessage, path::RawPath};

/// Why a record could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("record of {len} bytes is too short: {}", hex::encode(head))]
    Short { len: usize, head: Vec<u8> },
    #[error("record has wire version {found}, this auklet reads {VERSION}")]
    Version { found: u16 },
    #[error("record of unknown kind {0}")]
    Kind(u16),
    #[error("section {tag} says {len} bytes, {left} are left")]
    Section { tag: u16, len: u32, left: usize },
}

/// One record.
#[derive(Debug)]
pub enum Message {
    Fork(Header, Task),
    Exit(Header, Task),
    /// Part of an argument list: thread id, offset, bytes.
    Argv(Header, u32, u64, Bytes),
    Call(Box<CallFacts>),
    /// What a program sent over NETLINK_AUDIT.
    User(UserMessage),
    /// The capabilities of a file changed.
    FileCaps(FileCapFacts),
}

impl Message {
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::Fork(header, _) | Self::Exit(header, _) | Self::Argv(header, ..) => header,
            Self::Call(facts) => &facts.header,
            Self::User(message) => &message.header,
            Self::FileCaps(facts) => &facts.header,
        }
    }
}

/// A path that a call used.
#[derive(Debug, Default)]
pub struct RawItem {
    pub facts: ItemFacts,
    pub name: Option<Bytes>,
    pub path: Option<RawPath>,
    /// Of io_uring: which name it is.
    pub taken: Option<TakenName>,
}

/// A system call's record.
#[derive(Debug)]
pub struct CallFacts {
    pub header: Header,
    pub task: Task,
    pub call: Syscall,
    pub items: Vec<RawItem>,
    /// NAME sections before any item: read from user memory.
    pub user_name: Option<Bytes>,
    pub cwd: Option<RawPath>,
    /// Where a relative name starts from, if that is not the working directory.
    pub base: Option<RawPath>,
    pub exe: Option<RawPath>,
    pub proctitle: Bytes,
    /// Security context.
    pub subj: Option<Bytes>,
    pub argv: Bytes,
    /// `argv` is of a failed call and not all that the caller passed.
    pub argv_cut: bool,
    pub exec: Option<ExecFacts>,
    pub filename: Option<Bytes>,
    pub interp: Option<Bytes>,
    pub module_name: Option<Bytes>,
    pub how: Option<OpenHow>,
    pub times: TimeFacts,
    /// The second path of a call that has two.
    pub second_name: Option<Bytes>,
    pub second_base: Option<RawPath>,
    pub sockaddr: Option<Bytes>,
    /// `sockaddr` was read from the caller's memory.
    pub sockaddr_from_user: bool,
    /// Processes that the call is about, and their security contexts.
    pub targets: Vec<(TargetFacts, Option<Bytes>)>,
    pub old_caps: Option<CapFacts>,
    pub caps: Option<CapFacts>,
    pub pair: Option<[i32; 2]>,
    pub bpf_prog: Option<u32>,
    pub login: Option<LoginFacts>,
    /// `AUDIT_ANOM_*` and the operation.
    pub anomalies: Vec<(u32, Bytes)>,
    /// The arguments of socketcall.
    pub socketcall: Option<Bytes>,
    /// Operations of io_uring that ended during the call, and how many items there were then.
    pub operations: Vec<(usize, OperationFacts)>,
    /// Which descriptors were open when the call ended, a bit for each.
    pub open_fds: Option<Bytes>,
    /// Packet filters that the call changed, in the kernel's order, and their tables' names.
    pub netfilter: Vec<(NetfilterFacts, Bytes)>,
    /// What the call changed of the clock, in the kernel's order.
    pub clock: Vec<RawClock>,
}

/// Reads one record.
///
/// # Errors
/// The record is cut short, of another version, or of an unknown kind.
pub fn decode(bytes: &Bytes) -> Result<Message, DecodeError> {
    let short = || DecodeError::Short {
        len: bytes.len(),
        head: bytes[..bytes.len().min(32)].to_vec(),
    };
    let (header, _) = Header::read_from_prefix(bytes).map_err(|_short| short())?;
    if header.version != VERSION {
        return Err(DecodeError::Version {
            found: header.version,
        });
    }
    match header.kind {
        kind::FORK | kind::EXIT => {
            let (record, _) = Lifecycle::read_from_prefix(bytes).map_err(|_short| short())?;
            let message = if header.kind == kind::FORK {
                Message::Fork
            } else {
                Message::Exit
            };
            Ok(message(header, record.task))
        }
        kind::ARGV => {
            let (part, rest) = ArgvPart::read_from_prefix(bytes).map_err(|_short| short())?;
            let len = part.len as usize;
            if len > rest.len() {
                return Err(short());
            }
            let start = size_of::<ArgvPart>();
            Ok(Message::Argv(
                header,
                part.tid,
                part.offset,
                bytes.slice(start..start + len),
            ))
        }
        kind::MESSAGE => message::message(bytes).ok_or_else(short),
        kind::FILE_CAPS => {
            let (facts, _) = FileCapFacts::read_from_prefix(bytes).map_err(|_short| short())?;
            Ok(Message::FileCaps(facts))
        }
        kind::EXEC | kind::MODULE | kind::OPEN | kind::UTIME | kind::OTHER | kind::URING => {
            let (prefix, _) = Prefix::read_from_prefix(bytes).map_err(|_short| short())?;
            let mut facts = CallFacts::new(&prefix);
            facts.read_sections(bytes.slice(size_of::<Prefix>()..))?;
            Ok(Message::Call(Box::new(facts)))
        }
        other => Err(DecodeError::Kind(other)),
    }
}

/// Bytes before the first NUL.
fn string(bytes: &Bytes) -> Bytes {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    bytes.slice(..end)
}

impl CallFacts {
    /// Who, where, and nothing of what was done.
    #[must_use]
    pub fn of_task(&self) -> Self {
        Self {
            cwd: self.cwd.clone(),
            exe: self.exe.clone(),
            ..Self::new(&Prefix {
                header: self.header,
                task: self.task,
                call: self.call,
            })
        }
    }

    fn new(prefix: &Prefix) -> Self {
        Self {
            header: prefix.header,
            task: prefix.task,
            call: prefix.call,
            items: Vec::new(),
            user_name: None,
            cwd: None,
            base: None,
            exe: None,
            proctitle: Bytes::new(),
            subj: None,
            argv: Bytes::new(),
            argv_cut: false,
            exec: None,
            filename: None,
            interp: None,
            module_name: None,
            how: None,
            times: TimeFacts::default(),
            second_name: None,
            second_base: None,
            sockaddr: None,
            sockaddr_from_user: false,
            targets: Vec::new(),
            old_caps: None,
            caps: None,
            pair: None,
            bpf_prog: None,
            login: None,
            anomalies: Vec::new(),
            socketcall: None,
            operations: Vec::new(),
            open_fds: None,
            netfilter: Vec::new(),
            clock: Vec::new(),
        }
    }

    fn read_sections(&mut self, mut rest: Bytes) -> Result<(), DecodeError> {
        while let Ok((section, _)) = Section::read_from_prefix(&rest) {
            let Section { tag, flags, len } = section;
            let start = size_of::<Section>();
            let end = start.saturating_add(len as usize);
            if end > rest.len() {
                return Err(DecodeError::Section {
                    tag,
                    len,
                    left: rest.len() - start,
                });
            }
            self.take(tag, flags, rest.slice(start..end));
            rest = rest.slice(end.next_multiple_of(8).min(rest.len())..);
        }
        Ok(())
    }

    fn take(&mut self, tag: u16, flags: u16, data: Bytes) {
        let walked = |components| RawPath { components, flags };
        match tag {
            tag::ITEM => {
                if let Ok((facts, _)) = ItemFacts::read_from_prefix(&data) {
                    self.items.push(RawItem {
                        facts,
                        ..RawItem::default()
                    });
                }
            }
            tag::NAME if flags & flag::FROM_USER != 0 => self.user_name = Some(string(&data)),
            tag::NAME => {
                if let Some(item) = self.items.last_mut() {
                    item.name = Some(string(&data));
                }
            }
            tag::PATH => {
                if let Some(item) = self.items.last_mut() {
                    item.path = Some(walked(data));
                }
            }
            tag::CWD => self.cwd = Some(walked(data)),
            tag::BASE => self.base = Some(walked(data)),
            tag::SECOND_BASE => self.second_base = Some(walked(data)),
            tag::EXE => self.exe = Some(walked(data)),
            tag::PROCTITLE => self.proctitle = data,
            tag::ARGV => {
                self.argv = data;
                self.argv_cut = flags & flag::TRUNCATED != 0;
            }
            tag::EXEC => {
                self.exec = ExecFacts::read_from_prefix(&data)
                    .ok()
                    .map(|(facts, _)| facts)
            }
            tag::FILENAME => self.filename = Some(string(&data)),
            tag::SUBJ => self.subj = Some(string(&data)),
            tag::INTERP => self.interp = Some(string(&data)),
            tag::MODULE_NAME => self.module_name = Some(string(&data)),
            tag::OPEN_HOW => self.how = OpenHow::read_from_prefix(&data).ok().map(|(how, _)| how),
            tag::TIMES => self.merge_times(&data),
            tag::SOCKADDR => {
                self.sockaddr = Some(data);
                self.sockaddr_from_user = flags & flag::FROM_USER != 0;
            }
            _ => self.take_other(tag, data),
        }
    }

    /// Sections of the calls beyond the four families.
    fn take_other(&mut self, tag: u16, data: Bytes) {
        fn value<T: FromBytes>(data: &Bytes) -> Option<T> {
            T::read_from_prefix(data).ok().map(|(value, _)| value)
        }
        match tag {
            tag::SECOND_NAME => self.second_name = Some(string(&data)),
            tag::TARGET => self
                .targets
                .extend(value(&data).map(|target| (target, None))),
            tag::TARGET_SUBJ => {
                if let Some((_, subj)) = self.targets.last_mut() {
                    *subj = Some(string(&data));
                }
            }
            tag::OLD_CAPS => self.old_caps = value(&data),
            tag::CAPS => self.caps = value(&data),
            tag::FD_PAIR => self.pair = value(&data),
            tag::BPF_PROG => self.bpf_prog = value(&data),
            tag::LOGIN => self.login = value(&data),
            tag::ANOMALY => self
                .anomalies
                .extend(value(&data).map(|kind| (kind, Bytes::new()))),
            tag::ANOMALY_OPERATION => {
                if let Some((_, operation)) = self.anomalies.last_mut() {
                    *operation = string(&data);
                }
            }
            tag::SOCKETCALL => self.socketcall = Some(data),
            tag::TAKEN_NAME => {
                if let Some(item) = self.items.last_mut() {
                    item.taken = value(&data);
                }
            }
            tag::OPERATION => {
                let items = self.items.len();
                self.operations
                    .extend(value(&data).map(|operation| (items, operation)));
            }
            tag::OPEN_FDS => self.open_fds = Some(data),
            tag::NETFILTER => {
                let changed = value(&data).map(|facts| (facts, Bytes::new()));
                self.netfilter.extend(changed);
            }
            tag::NETFILTER_TABLE => {
                if let Some((_, table)) = self.netfilter.last_mut() {
                    *table = string(&data);
                }
            }
            _ => clock::take(&mut self.clock, tag, &data),
        }
    }

    /// Times before and after travel apart.
    fn merge_times(&mut self, data: &[u8]) {
        let Ok((new, _)) = TimeFacts::read_from_prefix(data) else {
            return;
        };
        let times = &mut self.times;
        if new.valid & TimeFacts::OLD != 0 {
            (times.old_atime, times.old_mtime, times.old_ctime) =
                (new.old_atime, new.old_mtime, new.old_ctime);
        }
        if new.valid & TimeFacts::NEW != 0 {
            (times.new_atime, times.new_mtime, times.new_ctime) =
                (new.new_atime, new.new_mtime, new.new_ctime);
        }
        if new.valid & TimeFacts::ASKED != 0 {
            (times.asked_atime, times.asked_mtime) = (new.asked_atime, new.asked_mtime);
        }
        times.valid |= new.valid;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0u16..12) {
            let mut bytes = bytes;
            if bytes.len() > 8 {
                bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
                bytes[6..8].copy_from_slice(&VERSION.to_ne_bytes());
            }
            drop(decode(&Bytes::from(bytes)));
        }
    }
}
