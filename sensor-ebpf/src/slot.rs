//! A slot holds what is known of one system call while it runs. Programs of several tasks may
//! interleave on a CPU, so scratch memory belongs to the task, not to the CPU: a call that is
//! wanted takes a slot from a stack of free ones and gives it back when it ends.

use core::arch::asm;

use aya_ebpf::{
    bindings::BPF_ANY,
    helpers::generated::{
        bpf_probe_read_kernel, bpf_probe_read_kernel_str, bpf_probe_read_user,
        bpf_probe_read_user_str,
    },
    macros::map,
    maps::{Array, HashMap, Stack},
};
use sensor_ebpf::{
    calls::other,
    config::{SLOT_DATA, setting},
    filter::REGISTERS,
    loss::cause,
    wire::{CapFacts, Prefix, Section, flag, kind},
};

use crate::{
    in_use,
    kernel::{Ptr, config, current},
    output::count,
    path::Walk,
};

/// What one string may add beyond the cursor.
const SLACK: usize = 4096 + 256;

/// How far the arguments of an exec were sent; user addresses.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Progress {
    pub(crate) next: u64,
    pub(crate) end: u64,
    pub(crate) start: u64,
}

/// How far the arguments of a failed exec were read.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct FailedArgv {
    /// User address of the next pointer; 0 once the null pointer at the end was seen.
    pub(crate) next: u64,
    /// Not 0 when an argument was cut.
    pub(crate) cut: u64,
    /// Where the section began.
    pub(crate) section: u64,
}

#[repr(C)]
pub(crate) struct Slot {
    /// Bytes of `data` in use; a multiple of 8 between sections.
    used: u64,
    /// Its own number, by which global functions find it again.
    pub(crate) index: u32,
    /// Row of `CALL_FILTERS` that is asked.
    pub(crate) filter: u32,
    /// Address of the `struct path` that is to be walked.
    pub(crate) path: u64,
    pub(crate) walk: Walk,
    /// Pointers that an entry probe leaves for the return probe.
    pub(crate) saved: [u64; 4],
    /// Bits for the family's own use while the call runs.
    pub(crate) marks: u64,
    /// User address of a name that could not be read yet; 0: none.
    pub(crate) late_name: u64,
    /// One more than the number of the io_uring operation under way; 0: none.
    pub(crate) operation: u32,
    pub(crate) progress: Progress,
    pub(crate) failed: FailedArgv,
    /// What the policy's rules compare.
    pub(crate) registers: [u32; REGISTERS],
    /// The caller's capabilities when an exec began.
    pub(crate) old_caps: CapFacts,
    pub(crate) prefix: Prefix,
    data: [u8; SLOT_DATA + SLACK],
}

/// What names and paths of items leave free for what every event must say: the executable, the
/// working directory, the arguments, the command line.
const RESERVED: usize = 3 * SLACK + 1024;

/// Sized by user space, like the stacks and `CALLS`.
#[map]
static SLOTS: Array<Slot> = Array::with_max_entries(512, 0);

/// Indices of slots that are not in use, for execs, module loads and time changes: from
/// `setting::OPEN_SLOTS` on. Filled by user space.
#[map]
static FREE_SLOTS: Stack<u32> = Stack::with_max_entries(512, 0);

/// The same for opens and all other calls, which may block: below `setting::OPEN_SLOTS`.
#[map]
static FREE_OPEN_SLOTS: Stack<u32> = Stack::with_max_entries(512, 0);

/// `task_struct` address → slot of the call under way. Not the tid: that changes when a thread
/// that does not lead its group calls execve.
#[map]
static CALLS: HashMap<u64, u32> = HashMap::with_max_entries(512, 0);

/// Keeps an index inside `data` for the verifier: in assembly, because LLVM removes a mask whose
/// effect it can prove and the verifier of 5.10 can't.
#[inline(always)]
fn clamp(mut n: u64) -> usize {
    // SAFETY: pure arithmetic on one register.
    unsafe { asm!("{n} &= {mask}", n = inout(reg) n, mask = const SLOT_DATA - 1) };
    n as usize
}

/// The slot of the caller's call under way.
#[inline(always)]
pub(crate) fn under_way() -> Option<&'static mut Slot> {
    if !in_use::any() {
        return None;
    }
    let index = CALLS.get_ptr(current().0)?;
    // SAFETY: not null; map values stay readable.
    let slot = SLOTS.get_ptr_mut(unsafe { *index })?;
    // SAFETY: not null, and only the task that owns the index touches this slot.
    Some(unsafe { &mut *slot })
}

/// The slot of this number, for a global function: to those the verifier lets pass numbers alone.
#[inline(always)]
pub(crate) fn numbered(index: u32) -> Option<&'static mut Slot> {
    let slot = SLOTS.get_ptr_mut(index)?;
    // SAFETY: not null; the caller's own slot, which it does not touch meanwhile.
    Some(unsafe { &mut *slot })
}

/// Lets a global function work on a slot that the caller has a reference to.
#[inline(always)]
pub(crate) fn lend(slot: &mut Slot, work: impl FnOnce(u32) -> u32) -> u32 {
    let index = slot.index;
    let at: *mut Slot = slot;
    // The function finds the slot by its number, of which the compiler knows nothing: it would keep fields in
    // registers meanwhile. To it, both of these read and write what is at `at`.
    // A move to itself: two lines of source for no instruction are more than the kernel takes.
    // SAFETY: changes nothing; `at` is this function's only reference, and is not used between the two.
    unsafe { asm!("{at} = {at}", at = in(reg) at) };
    let result = work(index);
    // SAFETY: as above.
    unsafe { asm!("{at} = {at}", at = in(reg) at) };
    result
}

/// Takes a slot for a call that begins. A slot the task still holds means that the end of its
/// last call was not seen: it is counted and used again.
#[inline(always)]
pub(crate) fn take(kind: u16) -> Option<&'static mut Slot> {
    let task = current().0;
    let index = match CALLS.get_ptr(task) {
        Some(held) => {
            count(kind, cause::NO_EXIT);
            // SAFETY: not null; map values stay readable.
            unsafe { *held }
        }
        None => {
            let free = if matches!(kind, kind::OPEN | kind::OTHER | kind::URING) {
                FREE_OPEN_SLOTS.pop()
            } else {
                FREE_SLOTS.pop()
            };
            let Ok(Some(index)) = free else {
                count(kind, cause::NO_SLOT);
                return None;
            };
            in_use::add(1);
            if CALLS.insert(task, index, u64::from(BPF_ANY)).is_err() {
                in_use::add(-1);
                free_again(index);
                count(kind, cause::NO_SLOT);
                return None;
            }
            index
        }
    };
    // SAFETY: not null, and the index was free or already this task's.
    let slot = unsafe { &mut *SLOTS.get_ptr_mut(index)? };
    slot.used = 0;
    slot.index = index;
    slot.saved = [0; 4];
    slot.marks = 0;
    slot.late_name = 0;
    slot.operation = 0;
    slot.prefix.header.flags = 0;
    Some(slot)
}

/// Gives the caller's slot back. True if there was one.
#[inline(always)]
pub(crate) fn give_back() -> bool {
    if !in_use::any() {
        return false;
    }
    let task = current().0;
    let Some(index) = CALLS.get_ptr(task) else {
        return false;
    };
    // SAFETY: not null; map values stay readable.
    let index = unsafe { *index };
    let _gone = CALLS.remove(task);
    in_use::add(-1);
    free_again(index);
    true
}

#[inline(always)]
fn free_again(index: u32) {
    // Neither stack can be full: each has room for all its indices.
    let _never_full = if index < config(setting::OPEN_SLOTS) {
        FREE_OPEN_SLOTS.push(index, 0)
    } else {
        FREE_SLOTS.push(index, 0)
    };
}

impl Slot {
    /// Whether audit's list of names is made of what the hooks tell: any other call, an operation of io_uring.
    #[inline(always)]
    pub(crate) fn is_other(&self) -> bool {
        matches!(self.prefix.header.kind, kind::OTHER | kind::URING)
    }

    /// Whether names may belong to an operation of io_uring.
    #[inline(always)]
    pub(crate) fn is_uring(&self) -> bool {
        let kind = self.prefix.header.kind;
        kind == kind::URING || (kind == kind::OTHER && self.marks & u64::from(other::URING) != 0)
    }

    #[inline(always)]
    pub(crate) fn mark(&mut self, flags: u16) {
        self.prefix.header.flags |= u32::from(flags);
    }

    /// A value that rules compare.
    #[inline(always)]
    pub(crate) fn register(&self, n: u32) -> u32 {
        let mut n = u64::from(n);
        // SAFETY: pure arithmetic on one register; in assembly as in `clamp`.
        unsafe { asm!("{n} &= {mask}", n = inout(reg) n, mask = const REGISTERS - 1) };
        // SAFETY: below REGISTERS by the mask.
        unsafe { *(&raw const self.registers).cast::<u32>().add(n as usize) }
    }

    /// Bytes to send: the fixed part and the sections.
    #[inline(always)]
    pub(crate) fn sendable(&mut self) -> (*const u8, u64) {
        let used = clamp(self.used) as u64;
        (
            (&raw const self.prefix).cast(),
            size_of::<Prefix>() as u64 + used,
        )
    }

    /// Whether the section that began at `start` may grow by one more string.
    #[inline(always)]
    pub(crate) fn room(&self, start: u64, string: u64) -> bool {
        self.used - start + string <= SLACK as u64
    }

    #[inline(always)]
    fn at(&mut self, position: u64) -> *mut u8 {
        let position = clamp(position);
        // SAFETY: `clamp` gives at most SLOT_DATA - 1, and `data` is larger.
        unsafe { (&raw mut self.data).cast::<u8>().add(position) }
    }

    /// Starts a section; `None` when what is left could not hold the largest one.
    #[inline(always)]
    pub(crate) fn begin(&mut self) -> Option<u64> {
        self.begin_below(SLOT_DATA - SLACK - 256)
    }

    /// The same for names and paths of items, which may be many and long.
    #[inline(always)]
    pub(crate) fn begin_early(&mut self) -> Option<u64> {
        self.begin_below(SLOT_DATA - SLACK - 256 - RESERVED)
    }

    #[inline(always)]
    fn begin_below(&mut self, limit: usize) -> Option<u64> {
        if self.used > limit as u64 {
            self.mark(flag::TRUNCATED);
            return None;
        }
        let start = self.used;
        self.used = start + size_of::<Section>() as u64;
        Some(start)
    }

    /// Forgets the section that began at `start`.
    #[inline(always)]
    pub(crate) fn cancel(&mut self, start: u64) {
        self.used = start;
    }

    /// Ends the section that began at `start`.
    #[inline(always)]
    pub(crate) fn end(&mut self, start: u64, tag: u16, flags: u16) {
        let len = (self.used - start - size_of::<Section>() as u64) as u32;
        let header = self.at(start & !7).cast::<Section>();
        // SAFETY: `at` is in bounds, `SLACK` leaves room for a section header, `start` is a
        // multiple of 8 as is the offset of `data`.
        unsafe { header.write(Section { tag, flags, len }) };
        self.used = (self.used + 7) & !7;
    }

    /// A whole section from a value without pointers.
    #[inline(always)]
    pub(crate) fn put<T: Copy>(&mut self, tag: u16, flags: u16, value: &T) {
        let Some(start) = self.begin() else { return };
        let at = self.at(self.used & !7).cast::<T>();
        // SAFETY: in bounds by `SLACK`; aligned because `used` is a multiple of 8 here and no
        // wire type needs more.
        unsafe { at.write(*value) };
        self.used += size_of::<T>() as u64;
        self.end(start, tag, flags);
    }

    /// Appends a string of kernel memory, at most `CAP` bytes with its NUL. Bytes appended.
    #[inline(always)]
    pub(crate) fn push_kernel_str<const CAP: usize>(&mut self, source: Ptr) -> u64 {
        let at = self.at(self.used);
        // SAFETY: `CAP` ≤ `SLACK` bytes from `at` lie inside `data`.
        let n = unsafe { bpf_probe_read_kernel_str(at.cast(), CAP as u32, source.0 as *const _) };
        self.grow(n, CAP as u64)
    }

    /// Appends a string of user memory, at most `CAP` bytes with its NUL. Bytes appended, 0 when it
    /// can't be read.
    #[inline(always)]
    pub(crate) fn push_user_str<const CAP: usize>(&mut self, source: u64) -> u64 {
        let at = self.at(self.used);
        // SAFETY: `CAP` ≤ `SLACK` bytes from `at` lie inside `data`.
        let n = unsafe {
            at.write(0);
            bpf_probe_read_user_str(at.cast(), CAP as u32, source as *const _)
        };
        // For an empty string kernels give 0, or 1 with its NUL: make it 1. Arithmetic, because callers
        // loop (see `send_part`).
        let empty = (n - 1) >> 63 & !(n >> 63) & 1;
        self.grow(n + empty, CAP as u64)
    }

    /// Appends `len` bytes of user memory, at most `CAP` (a power of two). Bytes appended.
    #[inline(always)]
    pub(crate) fn push_user_bytes<const CAP: usize>(&mut self, source: u64, len: u64) -> u64 {
        let at = self.at(self.used);
        let len = bound::<CAP>(len.min(CAP as u64));
        // SAFETY: `len` ≤ `CAP` ≤ `SLACK` bytes from `at` lie inside `data`.
        let n = unsafe { bpf_probe_read_user(at.cast(), len as u32, source as *const _) };
        if n != 0 {
            return 0;
        }
        self.grow(len as i64, CAP as u64)
    }

    /// Appends `len` bytes of kernel memory, at most `CAP` (a power of two). Bytes appended.
    #[inline(always)]
    pub(crate) fn push_kernel_bytes<const CAP: usize>(&mut self, source: Ptr, len: u64) -> u64 {
        let at = self.at(self.used);
        let len = bound::<CAP>(len.min(CAP as u64));
        // SAFETY: `len` ≤ `CAP` ≤ `SLACK` bytes from `at` lie inside `data`.
        let n = unsafe { bpf_probe_read_kernel(at.cast(), len as u32, source.0 as *const _) };
        if n != 0 {
            return 0;
        }
        self.grow(len as i64, CAP as u64)
    }

    #[inline(always)]
    fn grow(&mut self, n: i64, cap: u64) -> u64 {
        if n <= 0 || n as u64 > cap {
            return 0;
        }
        self.used += n as u64;
        n as u64
    }
}

/// Shows the verifier that `n`, which is at most the power of two `CAP`, is.
#[inline(always)]
pub(crate) fn bound<const CAP: usize>(mut n: u64) -> u64 {
    // SAFETY: pure arithmetic on one register.
    unsafe { asm!("{n} &= {mask}", n = inout(reg) n, mask = const CAP * 2 - 1) };
    if n > CAP as u64 { CAP as u64 } else { n }
}
