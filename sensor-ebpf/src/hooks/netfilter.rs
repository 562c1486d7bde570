//! Packet filters, where the kernel logs that a call changes them. It does so while its own audit is enabled:
//! nothing else in the kernel tells of all changes at one point.

use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use sensor_ebpf::wire::{NetfilterFacts, tag};

use crate::{
    hooks::other,
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
    other::force(slot);
    let arg = |n| ctx.arg::<u64>(n).unwrap_or(0) as u32;
    let facts = NetfilterFacts {
        family: arg(1) & 0xff,
        entries: arg(2),
        op: arg(3),
        reserved: 0,
    };
    slot.put(tag::NETFILTER, 0, &facts);
    put_table(slot, Ptr(ctx.arg(0).unwrap_or(0)));
    0
}

#[inline(always)]
fn put_table(slot: &mut Slot, name: Ptr) {
    if let Some(start) = slot.begin_early() {
        slot.push_kernel_str::<TABLE>(name);
        slot.end(start, tag::NETFILTER_TABLE, 0);
    }
}
