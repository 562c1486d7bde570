//! The ring buffer, and the counters of what did not go through it.

use core::arch::asm;

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_ns},
    macros::map,
    maps::{PerCpuArray, RingBuf},
};
use sensor_ebpf::{
    loss::{self, cause},
    wire::{Header, VERSION},
};

/// Sized by user space.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// Counters, see [`loss::counter`].
#[map]
static LOSS: PerCpuArray<u64> = PerCpuArray::with_max_entries(loss::COUNTERS, 0);

/// Records that this CPU tried to send.
#[map]
static SEQUENCE: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn bump(counter: *mut u64) {
    // In assembly because core has no atomic add for a target without compare-and-swap (which
    // BPF lacked before 5.12); atomic because another program of this CPU may come between.
    // SAFETY: a pointer to an aligned u64 in a map value, checked for null by the caller.
    unsafe { asm!("lock *(u64 *)({at} + 0) += {one}", at = in(reg) counter, one = in(reg) 1u64) };
}

/// Counts something that could not be told.
#[inline(always)]
pub(crate) fn count(kind: u16, cause: u32) {
    if let Some(counter) = LOSS.get_ptr_mut(loss::counter(kind, cause)) {
        bump(counter);
    }
}

/// A filled header; takes a sequence number.
#[inline(always)]
pub(crate) fn header(kind: u16, len: u32, flags: u32, ktime_ns: u64) -> Header {
    let mut seq = 0;
    if let Some(next) = SEQUENCE.get_ptr_mut(0) {
        // SAFETY: a map value, not null; a torn read is impossible for an aligned u64.
        seq = unsafe { *next };
        bump(next);
    }
    count(kind, cause::TRIED);
    // SAFETY: the helper has no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() } as u32;
    Header {
        len,
        kind,
        version: VERSION,
        cpu,
        flags,
        seq,
        ktime_ns,
    }
}

#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_ktime_get_ns() }
}

/// Copies `len` bytes at `data` into the ring, or counts the loss.
///
/// # Safety
/// `data` must point to at least `len` readable bytes, and the verifier must see so.
#[inline(always)]
pub(crate) unsafe fn send(kind: u16, data: *const u8, len: u64) {
    // SAFETY: the map is a ring buffer; the rest is the caller's promise.
    let sent = unsafe {
        aya_ebpf::helpers::generated::bpf_ringbuf_output(
            (&raw const EVENTS).cast_mut().cast(),
            data.cast_mut().cast(),
            len,
            0,
        )
    };
    if sent != 0 {
        count(kind, cause::RING_FULL);
    }
}

/// Room for `len` bytes (a constant) in the ring; null when it is full.
#[inline(always)]
pub(crate) fn reserve(len: u64) -> *mut u8 {
    // SAFETY: the map is a ring buffer; the caller checks for null and submits.
    unsafe {
        aya_ebpf::helpers::generated::bpf_ringbuf_reserve(
            (&raw const EVENTS).cast_mut().cast(),
            len,
            0,
        )
        .cast()
    }
}

/// Gives a reservation to the reader.
///
/// # Safety
/// `data` must come from [`reserve`] and not be used again.
#[inline(always)]
pub(crate) unsafe fn submit(data: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { aya_ebpf::helpers::generated::bpf_ringbuf_submit(data.cast(), 0) }
}
