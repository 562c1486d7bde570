//! The one place that knows the processor: system call registers and audit architectures.

use sensor_ebpf::fields::Field;

use crate::kernel::{Ptr, current};

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_I386` of include/uapi/linux/audit.h.
#[cfg(bpf_target_arch = "x86_64")]
pub(crate) const ARCHES: [u32; 2] = [0xc000_003e, 0x4000_0003];

/// Set in the number of a system call made through the x32 ABI.
#[cfg(bpf_target_arch = "x86_64")]
const X32_BIT: u32 = 0x4000_0000;

/// `TS_COMPAT` of arch/x86/include/asm/thread_info.h: a 32-bit system call is under way.
#[cfg(bpf_target_arch = "x86_64")]
const TS_COMPAT: u32 = 2;

/// 1 when the system call under way came through the 32-bit entry, else 0: an index of [`ARCHES`].
#[inline(always)]
pub(crate) fn abi() -> usize {
    let status: u32 = current().read(Field::TaskThreadStatus);
    usize::from(status & TS_COMPAT != 0)
}

/// Number of a system call without the ABI's mark.
#[inline(always)]
pub(crate) fn table_index(nr: u32) -> u32 {
    nr & !X32_BIT
}

/// Offsets in `struct pt_regs` (arch/x86/include/asm/ptrace.h), which is user ABI.
#[cfg(bpf_target_arch = "x86_64")]
mod regs {
    pub(super) const ORIG_AX: usize = 120;
    /// di si dx r10 r8 r9
    pub(super) const NATIVE: [usize; 6] = [112, 104, 96, 56, 72, 64];
    /// bx cx dx si di bp
    pub(super) const COMPAT: [usize; 6] = [40, 88, 96, 104, 112, 32];
}

/// System call number from the registers at entry.
#[inline(always)]
pub(crate) fn nr(pt_regs: Ptr) -> u32 {
    pt_regs.add(regs::ORIG_AX).load::<u64>() as u32
}

/// Argument `n` from the registers at entry; 32 bits of it in a 32-bit call.
#[inline(always)]
pub(crate) fn arg(pt_regs: Ptr, abi: usize, n: usize) -> u64 {
    if abi == 0 {
        pt_regs.add(regs::NATIVE[n]).load()
    } else {
        pt_regs.add(regs::COMPAT[n]).load::<u64>() & 0xffff_ffff
    }
}

/// The same of a native call, read where a hook has a pointer that the kernel knows.
///
/// # Safety
/// `pt_regs` points to the registers at entry.
#[inline(always)]
pub(crate) unsafe fn native_arg(pt_regs: *const u64, n: usize) -> u64 {
    // SAFETY: the caller's promise; volatile so that the loads stay where they are.
    unsafe { pt_regs.byte_add(regs::NATIVE[n]).read_volatile() }
}

/// [`native_arg`]'s like for the number.
///
/// # Safety
/// `pt_regs` points to the registers at entry.
#[inline(always)]
pub(crate) unsafe fn native_nr(pt_regs: *const u64) -> u32 {
    // SAFETY: as above.
    unsafe { pt_regs.byte_add(regs::ORIG_AX).read_volatile() as u32 }
}
