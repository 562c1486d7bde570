//! Settings of the machine, at the points where the kernel tells audit that a call changes them. It does so
//! for packet filters while its own audit is enabled, for the clock while that has rules: nothing else in
//! the kernel holds the old values and the new ones together.

use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use sensor_ebpf::wire::{ClockFacts, FilterFacts, NtpFacts, kind, tag};

use crate::{
    hooks::other::FORCED,
    kernel::Ptr,
    slot::{self, Slot},
};

/// The names of nf_tables' tables have 255 bytes (NFT_NAME_MAXLEN), and a number behind.
const TABLE: usize = 512;

/// match-proto: void __audit_log_nfcfg(const char *name, u8 af, unsigned int nentries, enum audit_nfcfgop op, gfp_t gfp)
#[kprobe]
pub(crate) fn kprobe_audit_log_nfcfg(ctx: ProbeContext) -> u32 {
    let Some(slot) = slot::under_way() else {
        return 0;
    };
    // It is logged at once, and the call with it.
    if slot.prefix.header.kind == kind::OTHER {
        slot.marks |= FORCED;
    }
    let arg = |n| ctx.arg::<u64>(n).unwrap_or(0) as u32;
    let facts = FilterFacts {
        family: arg(1) & 0xff,
        entries: arg(2),
        op: arg(3),
        reserved: 0,
    };
    slot.put(tag::FILTER, 0, &facts);
    put_table(slot, Ptr(ctx.arg(0).unwrap_or(0)));
    0
}

#[inline(always)]
fn put_table(slot: &mut Slot, name: Ptr) {
    if let Some(start) = slot.begin_early() {
        slot.push_kernel_str::<TABLE>(name);
        slot.end(start, tag::FILTER_TABLE, 0);
    }
}

/// The structure is small enough to be in two registers.
/// match-proto: void __audit_tk_injoffset(struct timespec64 offset)
#[kprobe]
pub(crate) fn kprobe_audit_tk_injoffset(ctx: ProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        let arg = |n| ctx.arg::<u64>(n).unwrap_or(0) as i64;
        let facts = ClockFacts {
            sec: arg(0),
            nsec: arg(1),
        };
        slot.put(tag::CLOCK, 0, &facts);
    }
    0
}

/// match-proto: void __audit_ntp_log(const struct audit_ntp_data *ad)
#[kprobe]
pub(crate) fn kprobe_audit_ntp_log(ctx: ProbeContext) -> u32 {
    if let Some(slot) = slot::under_way()
        && let Some(start) = slot.begin()
    {
        let values = Ptr(ctx.arg(0).unwrap_or(0));
        slot.push_kernel_bytes::<128>(values, size_of::<NtpFacts>() as u64);
        slot.end(start, tag::NTP, 0);
    }
    0
}
