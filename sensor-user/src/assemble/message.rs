//! Messages that programs send over NETLINK_AUDIT.

use bytes::Bytes;

use super::{Assembler, who};
use crate::{
    decode::UserMessage,
    event::{Caveats, Event, Message, Process, What},
};

/// AUDIT_USER_TTY of include/uapi/linux/audit.h: its text is data with its length.
const USER_TTY: u16 = 1124;

impl Assembler {
    /// The event; `None` for one that the kernel refuses: less than two bytes of text.
    pub(super) fn message(&mut self, message: &UserMessage, clock_offset_ns: u64) -> Option<Event> {
        let text = text(message)?;
        let (entry, from_proc) = self.processes.caller(&message.task, None);
        let who = Process {
            subj: message.subj.clone(),
            ..who(&message.task, entry.exe.clone())
        };
        Some(Event {
            time_ns: message.header.ktime_ns.wrapping_add(clock_offset_ns),
            serial: self.serial(),
            call: None,
            who,
            cwd: None,
            paths: Vec::new(),
            proctitle: Bytes::new(),
            key: None,
            what: What::Message(Message {
                kind: message.kind,
                text,
            }),
            aux: Vec::new(),
            caveats: Caveats {
                from_proc,
                ..Caveats::default()
            },
        })
    }
}

/// audit_receive_msg: the last byte is taken for a NUL, and the text ends at the first.
fn text(message: &UserMessage) -> Option<Bytes> {
    let all = &message.text;
    if all.len() < 2 {
        return None;
    }
    if message.kind == USER_TTY {
        let data = all.strip_suffix(&[0]).unwrap_or(all);
        return Some(all.slice_ref(data));
    }
    let end = all.iter().position(|b| *b == 0).unwrap_or(all.len() - 1);
    Some(all.slice(..end.min(all.len() - 1)))
}
