//! Why something could not be told: counters per hook and cause.

/// Causes, an index into the `LOSS` counters.
pub mod cause {
    /// Records that were tried (not a loss): what the others are a part of.
    pub const TRIED: u32 = 0;
    /// The ring buffer was full.
    pub const RING_FULL: u32 = 1;
    /// All slots for calls under way were taken.
    pub const NO_SLOT: u32 = 2;
    /// The end of a call was not seen (a kretprobe that the kernel skipped).
    pub const NO_EXIT: u32 = 3;
    /// Kernel memory could not be read: facts are missing in an event that was sent.
    pub const READ_FAILED: u32 = 4;
    /// Sections, path components or arguments beyond the bounds: an event was sent, cut short.
    pub const TRUNCATED: u32 = 5;
    pub const COUNT: u32 = 6;
    /// As `auklet` prints them.
    pub const NAMES: [&str; COUNT as usize] = [
        "tried",
        "ring_full",
        "no_slot",
        "no_exit",
        "read_failed",
        "truncated",
    ];
}

/// Slots of the per-CPU `LOSS` array: one row of causes per kind.
pub const COUNTERS: u32 = crate::wire::kind::COUNT as u32 * cause::COUNT;

/// The counter of a kind and a cause.
#[must_use]
pub const fn counter(kind: u16, cause: u32) -> u32 {
    kind as u32 * cause::COUNT + cause
}
