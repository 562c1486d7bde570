//! Reads of kernel and user memory, and the globals that user space sets before loading.

use core::{mem::MaybeUninit, ptr};

use aya_ebpf::helpers::generated::{
    bpf_get_current_task, bpf_get_current_task_btf, bpf_probe_read_kernel, bpf_probe_read_user,
    bpf_task_pt_regs,
};
use sensor_ebpf::{
    config::setting,
    fields::{self, Field},
};

/// Offsets of [`Field`]s, set by user space from BTF. In frozen read-only data, so the verifier
/// sees constants.
#[unsafe(no_mangle)]
static OFFSETS: [u32; fields::COUNT] = [0; fields::COUNT];

/// Settings, see [`setting`].
#[unsafe(no_mangle)]
static CONFIG: [u32; setting::COUNT] = [0; setting::COUNT];

#[inline(always)]
pub(crate) fn offset(field: Field) -> usize {
    // SAFETY: the index is in bounds (one entry per `Field`), the pointer comes from a reference;
    // volatile because the loader changes the value after compilation.
    unsafe { ptr::read_volatile(&raw const OFFSETS[field as usize]) as usize }
}

/// Whether the kernel has an optional field; a constant to the verifier.
#[inline(always)]
pub(crate) fn has(field: Field) -> bool {
    offset(field) != fields::MISSING as usize
}

#[inline(always)]
pub(crate) fn config(index: usize) -> u32 {
    // SAFETY: as in `offset`.
    unsafe { ptr::read_volatile(&raw const CONFIG[index]) }
}

/// An address in kernel memory. Reads of a bad one give zeroes (the helper clears its
/// destination), never a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ptr(pub(crate) u64);

/// Types for which any bytes are a value.
pub(crate) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for i32 {}
impl Plain for i64 {}
impl<const N: usize> Plain for [u32; N] {}

impl Ptr {
    #[inline(always)]
    pub(crate) fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The kernel's `IS_ERR`: a negated errno in place of a pointer.
    #[inline(always)]
    pub(crate) fn is_err(self) -> bool {
        self.0 >= -4095i64 as u64
    }

    #[inline(always)]
    pub(crate) fn add(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes as u64))
    }

    /// Address of an embedded field.
    #[inline(always)]
    pub(crate) fn at(self, field: Field) -> Self {
        self.add(offset(field))
    }

    /// What is at this address.
    #[inline(always)]
    pub(crate) fn load<T: Plain>(self) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the destination is `size_of::<T>()` writable bytes; the helper checks the
        // source and fills the destination in every case, and any bytes are a `T`.
        unsafe {
            bpf_probe_read_kernel(
                value.as_mut_ptr().cast(),
                size_of::<T>() as u32,
                self.0 as *const _,
            );
            value.assume_init()
        }
    }

    /// Value of a field.
    #[inline(always)]
    pub(crate) fn read<T: Plain>(self, field: Field) -> T {
        self.at(field).load()
    }

    /// Value of a field that is a pointer.
    #[inline(always)]
    pub(crate) fn follow(self, field: Field) -> Self {
        Self(self.read(field))
    }
}

/// `struct task_struct` of the caller.
#[inline(always)]
pub(crate) fn current() -> Ptr {
    // SAFETY: the helper has no preconditions.
    Ptr(unsafe { bpf_get_current_task() })
}

/// Bytes of a kernel stack: THREAD_SIZE of x86-64 without KASAN.
#[cfg(bpf_target_arch = "x86_64")]
const STACK: usize = 16 * 1024;
/// `sizeof(struct pt_regs)`
#[cfg(bpf_target_arch = "x86_64")]
const PT_REGS: usize = 168;

/// The registers with which the caller entered the kernel: task_pt_regs.
#[inline(always)]
pub(crate) fn entry_registers() -> Ptr {
    if config(setting::TASK_PT_REGS) != 0 {
        // SAFETY: the first helper gives a task that lives, which is what the second wants.
        return Ptr(unsafe { bpf_task_pt_regs(bpf_get_current_task_btf().cast()) } as u64);
    }
    current().follow(Field::TaskStack).add(STACK - PT_REGS)
}

/// What is at an address of the caller's memory; zero where it can't be read.
#[inline(always)]
pub(crate) fn load_user<T: Plain>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as in `Ptr::load`.
    unsafe {
        bpf_probe_read_user(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            address as *const _,
        );
        value.assume_init()
    }
}
