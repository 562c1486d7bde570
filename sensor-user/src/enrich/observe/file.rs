//! Opens, and what is known of a file.

use auklet_rules::{Category, Observation, Value, id};

use super::{bytes, int, int64};
use crate::event::{Event, Open, PathItem};

/// O_ACCMODE's two bits, O_CREAT and O_TRUNC of include/uapi/asm-generic/fcntl.h.
const WRITES: u64 = 0o3 | 0o100 | 0o1000;

/// Opens that succeeded: for writing a `file_event`, else a `file_access`.
pub(super) fn open(event: &Event, open: &Open) -> Option<Observation> {
    if !event.success() {
        return None;
    }
    opened(event.paths.last()?, open)
}

/// What an open is to rules.
pub(super) fn category(open: &Open) -> Category {
    if open.flags & WRITES != 0 {
        Category::FileEvent
    } else {
        Category::FileAccess
    }
}

/// A file that was opened, by a call or by an operation of io_uring.
pub(super) fn opened(item: &PathItem, open: &Open) -> Option<Observation> {
    let category = category(open);
    let mut fields = Observation::new(category);
    fields.set(id!("TargetFilename"), bytes(item.resolved.as_ref()?));
    describe(item, &mut fields);
    fields.set(id!("Created"), Value::Bool(open.created));
    fields.set(id!("OpenFlags"), int64(open.flags));
    if category == Category::FileEvent {
        fields.set(id!("Operation"), bytes(b"open"));
    }
    Some(fields)
}

/// What an item says of its file, but for the path.
pub(super) fn describe(item: &PathItem, fields: &mut Observation) {
    if let Some(name) = &item.name {
        fields.set(id!("TargetName"), bytes(name));
    }
    if let Some(file) = &item.file {
        fields.set(id!("FileOwner"), int(file.uid));
        fields.set(id!("FileMode"), int(file.mode));
        let device = format!("{:02x}:{:02x}", file.dev >> 20, file.dev & 0xf_ffff);
        fields.set(id!("FileDevice"), Value::Bytes(device.into_bytes()));
        fields.set(id!("FileInode"), int64(file.ino));
    }
}
