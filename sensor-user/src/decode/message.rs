//! What programs send over NETLINK_AUDIT, from the ring's bytes.

use bytes::Bytes;
use sensor_ebpf::{
    config::LABEL,
    wire::{Header, MessageFacts, Task},
};
use zerocopy::FromBytes as _;

use super::{Message, string};

/// A user-space message and who sent it.
#[derive(Debug)]
pub struct UserMessage {
    pub header: Header,
    pub task: Task,
    /// `AUDIT_USER_*`
    pub kind: u16,
    pub subj: Option<Bytes>,
    pub text: Bytes,
}

/// Reads a record of kind MESSAGE.
pub(super) fn message(bytes: &Bytes) -> Option<Message> {
    let (facts, _) = MessageFacts::read_from_prefix(bytes).ok()?;
    let label = size_of::<MessageFacts>();
    let text = label + LABEL;
    let len = usize::try_from(facts.len).ok()?;
    if text + len > bytes.len() {
        return None;
    }
    let subj = string(&bytes.slice(label..text));
    Some(Message::User(UserMessage {
        header: facts.header,
        task: facts.task,
        kind: u16::try_from(facts.kind).ok()?,
        subj: (!subj.is_empty()).then_some(subj),
        text: bytes.slice(text..text + len),
    }))
}
