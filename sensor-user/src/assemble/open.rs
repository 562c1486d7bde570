//! open, openat, openat2, creat: how the file was opened.

use crate::{decode::CallFacts, event::Open};

/// `FMODE_CREATED` of include/linux/fs.h.
const FMODE_CREATED: u32 = 1 << 20;

/// Flags and mode from the registers, or from `struct open_how`.
pub(super) fn open(facts: &CallFacts, records_how: bool) -> Open {
    const CREAT: u64 = 0o100 | 0o1 | 0o1000; // creat(2) is open with O_CREAT|O_WRONLY|O_TRUNC
    let args = &facts.call.args;
    let (flags, mode, resolve) = match facts.name() {
        Some("open") => (args[1], args[2], 0),
        Some("creat") => (CREAT, args[1], 0),
        Some("openat2") => facts
            .how
            .map_or((0, 0, 0), |how| (how.flags, how.mode, how.resolve)),
        _ => (args[2], args[3], 0),
    };
    let created = facts
        .items
        .last()
        .is_some_and(|i| i.facts.f_mode & FMODE_CREATED != 0);
    // Registers above the int that the kernel takes are noise.
    Open {
        flags: flags & 0xffff_ffff,
        mode: mode & 0o7777,
        resolve,
        created,
        how_recorded: records_how && facts.is("openat2"),
    }
}
