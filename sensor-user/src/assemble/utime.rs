//! utimensat, utimes, futimesat, utime: the target and its times.

use sensor_ebpf::{
    config::plan,
    wire::{Stamp, TimeFacts},
};

use super::{Assembler, items, lookup};
use crate::{
    decode::CallFacts,
    event::{Caveats, Times, Utime},
};

/// UTIME_NOW and UTIME_OMIT of include/linux/stat.h.
const UTIME_NOW: u32 = (1 << 30) - 1;
pub(super) const UTIME_OMIT: u32 = (1 << 30) - 2;

impl Assembler {
    pub(super) fn utime(&self, facts: &CallFacts, caveats: &mut Caveats) -> Utime {
        let times = &facts.times;
        let asked = times.valid & TimeFacts::ASKED != 0;
        let explicit = |stamp: &Stamp| asked && stamp.nsec != UTIME_NOW && stamp.nsec != UTIME_OMIT;
        let mut utime = Utime {
            target: facts.items.first().map(items::normal),
            old: (times.valid & TimeFacts::OLD != 0)
                .then(|| inode_times(&times.old_atime, &times.old_mtime, &times.old_ctime)),
            new: (times.valid & TimeFacts::NEW != 0)
                .then(|| inode_times(&times.new_atime, &times.new_mtime, &times.new_ctime)),
            set_atime: explicit(&times.asked_atime),
            set_mtime: explicit(&times.asked_mtime),
        };
        let unseen = utime.target.is_none() && self.plan == plan::TRACEPOINT;
        if unseen
            && facts.call.ret >= 0
            && let Some((target, now)) = lookup::after_utime(facts)
        {
            utime.target = Some(target);
            utime.new = Some(now);
            caveats.looked_up = true;
        }
        utime
    }
}

fn inode_times(atime: &Stamp, mtime: &Stamp, ctime: &Stamp) -> Times {
    let pair = |stamp: &Stamp| (stamp.sec, stamp.nsec);
    Times {
        atime: pair(atime),
        mtime: pair(mtime),
        ctime: pair(ctime),
    }
}
