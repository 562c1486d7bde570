//! The clock, where the kernel tells audit that a call sets it or changes how it runs. It does so while its own
//! audit has rules: nothing else in the kernel holds the old values and the new ones together.

use aya_ebpf::{macros::kprobe, programs::ProbeContext};
use sensor_ebpf::{
    fields::Field,
    wire::{ClockOffset, NtpValues, tag},
};

use crate::{
    hooks::other,
    kernel::{self, Ptr},
    slot::{self, Slot},
};

/// The structure is small enough to be in two registers.
/// match-proto: void __audit_tk_injoffset(struct timespec64 offset)
#[kprobe]
pub(crate) fn kprobe_audit_tk_injoffset(ctx: ProbeContext) -> u32 {
    if let Some(slot) = slot::under_way() {
        let arg = |n| ctx.arg::<u64>(n).unwrap_or(0) as i64;
        let offset = ClockOffset {
            sec: arg(0),
            nsec: arg(1),
        };
        if is_kept() {
            slot.put(tag::CLOCK_OFFSET_AT_END, 0, &offset);
        } else {
            other::force(slot);
            slot.put(tag::CLOCK_OFFSET, 0, &offset);
        }
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
        slot.push_kernel_bytes::<128>(values, size_of::<NtpValues>() as u64);
        slot.end(start, tag::NTP_VALUES, 0);
        if is_kept() {
            put_kept(slot);
        } else {
            // If no value changed the kernel logs nothing; user space sees that.
            other::force(slot);
        }
    }
    0
}

/// Since 5.18, and in later ones of 5.10 and 5.15, the kernel keeps all this in the thread's audit context and
/// writes it when the call ends. Before, it logs it at once.
#[inline(always)]
fn is_kept() -> bool {
    kernel::has(Field::TaskAuditContext) && kernel::has(Field::AuditClockOffset)
}

/// The offset stays there when the call that set it has ended, and the kernel writes it with each change of
/// these values: audit_log_time.
#[inline(always)]
fn put_kept(slot: &mut Slot) {
    let context = kernel::current().follow(Field::TaskAuditContext);
    if let Some(start) = slot.begin() {
        let offset = context.at(Field::AuditClockOffset);
        slot.push_kernel_bytes::<128>(offset, size_of::<ClockOffset>() as u64);
        slot.end(start, tag::KEPT_CLOCK_OFFSET, 0);
    }
}
