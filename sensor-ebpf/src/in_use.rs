//! Whether any system call that is wanted is under way.

use core::arch::asm;

use aya_ebpf::{macros::map, maps::Array};

/// How many slots are in use. While none is, no task has a call under way: one load for what is a look-up
/// in `CALLS` otherwise. A task that holds a slot counted it itself, so it never reads 0.
#[map]
static IN_USE: Array<u64> = Array::with_max_entries(1, 0);

/// Whether any is.
#[inline(always)]
pub(crate) fn any() -> bool {
    // SAFETY: a map value, not null; a torn read is impossible for an aligned u64, and the load is volatile
    // since other programs change it.
    IN_USE
        .get_ptr(0)
        .is_none_or(|used| unsafe { used.read_volatile() } != 0)
}

/// So many more are.
#[inline(always)]
pub(crate) fn add(more: i64) {
    if let Some(used) = IN_USE.get_ptr_mut(0) {
        // SAFETY: a map value, not null: aligned, and ours to add to. In assembly as in `output::bump`.
        unsafe {
            asm!("lock *(u64 *)({at} + 0) += {more}", at = in(reg) used, more = in(reg) more)
        };
    }
}
