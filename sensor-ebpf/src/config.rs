//! Settings that user space puts into the programs before they load; frozen afterwards.

/// Index into the `CONFIG` global, an array of `u32`.
pub mod setting {
    /// Thread group id of the sensor, which ignores itself.
    pub const SELF_TGID: usize = 0;
    /// [`super::opens`] bits: which opens are wanted.
    pub const OPENS: usize = 1;
    /// Most bytes of arguments to send for one exec.
    pub const ARGV_MAX: usize = 2;
    /// The attach plan in force, a [`super::plan`].
    pub const PLAN: usize = 3;
    /// How many of the slots are for opens; the others are for all other calls, so that no number of
    /// opens that block keeps an exec from being seen.
    pub const OPEN_SLOTS: usize = 4;
    /// Not 0: the kernel has the helper `bpf_task_pt_regs` (5.15).
    pub const TASK_PT_REGS: usize = 5;
    /// Upper half of the set of all capabilities that the kernel knows; the lower half is full.
    pub const CAPS_HIGH: usize = 6;
    /// Which calls [`crate::filter`] decides about, a [`super::policy`].
    pub const POLICY: usize = 7;
    pub const COUNT: usize = 8;
}

/// `setting::POLICY`.
pub mod policy {
    /// None.
    pub const NONE: u32 = 0;
    /// Calls beyond the four families: alert rules want some of them.
    pub const OTHERS: u32 = 1;
    /// Opens, too: there is a policy of what is recorded.
    pub const ALL: u32 = 2;
    /// And time changes, which no alert rule asks for.
    pub const TIMES: u32 = 3;
}

/// `setting::OPENS`.
pub mod opens {
    /// Every open.
    pub const ALL: u32 = 1;
    /// Opens for writing, creating or truncating.
    pub const WRITES: u32 = 2;
    /// Read-only opens whose name is in the `WATCHED_NAMES` map.
    pub const WATCHED: u32 = 4;
}

/// `setting::PLAN`.
pub mod plan {
    pub const FENTRY: u32 = 1;
    pub const KPROBE: u32 = 2;
    pub const TRACEPOINT: u32 = 3;
}

/// Entries of the `WANTED_CALLS` map: [native, compat] tables of system call numbers.
pub const CALL_TABLE: u32 = 512;

/// Bytes of a key of `WATCHED_NAMES`: a path component, cut to 31 bytes and NUL-padded.
pub const NAME_KEY: usize = 32;

/// `WATCHED_NAMES` value: the component names the file itself.
pub const AS_FILE: u32 = 1;
/// The same: the policy watches a file of that name.
pub const AS_POLICY: u32 = 2;

/// Where in the security blob of credentials a label is looked for: each pointer of it.
pub const LABEL_CANDIDATES: u32 = 16;
/// Longest security context that an event carries, with its NUL.
pub const LABEL: usize = 256;

/// Longest text of a user-space message that is sent: more than AUDIT_MESSAGE_TEXT_MAX, a power of two.
pub const MESSAGE: usize = 16 * 1024;
/// Rows of `CALL_FILTERS` behind both tables: by `IORING_OP_*`.
pub const OPERATIONS: u32 = 128;
/// Bytes of the table of open descriptors that an event carries: 1024 descriptors.
pub const OPEN_FDS: usize = 128;
/// `struct sockaddr_storage`
pub const SOCKADDR: usize = 128;

/// Bytes of section data that one event can carry, a power of two.
pub const SLOT_DATA: usize = 32 * 1024;
/// Bytes of arguments in one ARGV record.
pub const ARGV_PART: usize = 16 * 1024;
/// Most ARGV records for one exec.
pub const ARGV_PARTS: usize = 64;
/// Bytes of arguments that travel in the EXEC record itself.
pub const ARGV_INLINE: usize = 4096;
/// Most path components that one walk sends.
pub const PATH_COMPONENTS: usize = 64;
