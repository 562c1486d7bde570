//! Begin and end of every system call of the four families, for each attach plan.

use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe, raw_tracepoint},
    programs::{FEntryContext, FExitContext, ProbeContext, RawTracePointContext, RetProbeContext},
};
use sensor_ebpf::{calls::shape, wire::kind};

use crate::{arch, call, hooks::open::WRITES, kernel::Ptr};

/// A fentry and a fexit program for one system call's function, whose only argument is the
/// `struct pt_regs` at entry: `long __x64_sys_NAME(const struct pt_regs *)`.
macro_rules! traced {
    ($($enter:ident, $exit:ident: $kind:ident, $shape:ident $(, $first:expr)?;)*) => { $(
        #[fentry]
        pub(crate) fn $enter(ctx: FEntryContext) -> i32 {
            $( if !$first(&ctx) { return 0; } )?
            call::enter(kind::$kind, shape::$shape, Ptr(ctx.arg(0)));
            0
        }

        #[fexit]
        pub(crate) fn $exit(ctx: FExitContext) -> i32 {
            // The value returned stands behind the arguments; the helper for it needs 5.17.
            call::exit_known::<{ kind::$kind }>(ctx.arg(1));
            0
        }
    )* };
}

/// First look, from the registers alone, which fentry may read without a helper. `FLAGS`: the argument that
/// has them.
#[inline(always)]
fn open<const FLAGS: usize>(ctx: &FEntryContext) -> bool {
    let pt_regs: *const u64 = ctx.arg(0);
    // SAFETY: the kernel checks what fentry reads of a `struct pt_regs`: its registers are inside.
    let (nr, flags) = unsafe { (arch::native_nr(pt_regs), arch::native_arg(pt_regs, FLAGS)) };
    call::may_want_open(flags, nr)
}

#[inline(always)]
fn creat(ctx: &FEntryContext) -> bool {
    // SAFETY: as in `open`.
    call::may_want_open(WRITES, unsafe { arch::native_nr(ctx.arg(0)) })
}

#[inline(always)]
fn times(ctx: &FEntryContext) -> bool {
    // SAFETY: as in `open`.
    call::may_want_times(unsafe { arch::native_nr(ctx.arg(0)) })
}

traced! {
    fentry_execve, fexit_execve: EXEC, EXECVE;
    fentry_execveat, fexit_execveat: EXEC, EXECVEAT;
    fentry_init_module, fexit_init_module: MODULE, INIT_MODULE;
    fentry_finit_module, fexit_finit_module: MODULE, FINIT_MODULE;
    fentry_open, fexit_open: OPEN, OPEN, open::<1>;
    fentry_openat, fexit_openat: OPEN, OPENAT, open::<2>;
    fentry_openat2, fexit_openat2: OPEN, OPENAT2;
    fentry_creat, fexit_creat: OPEN, CREAT, creat;
    fentry_utimensat, fexit_utimensat: UTIME, UTIMENSAT, times;
    fentry_futimesat, fexit_futimesat: UTIME, FUTIMESAT, times;
    fentry_utimes, fexit_utimes: UTIME, UTIMES, times;
    fentry_utime, fexit_utime: UTIME, UTIME, times;
}

/// Attached to the functions of all wanted system calls, native and 32-bit.
#[kprobe]
pub(crate) fn kprobe_enter(ctx: ProbeContext) -> u32 {
    let pt_regs = Ptr(ctx.arg(0).unwrap_or(0));
    call::enter_by_table(pt_regs, arch::nr(pt_regs));
    0
}

#[kretprobe]
pub(crate) fn kretprobe_exit(ctx: RetProbeContext) -> u32 {
    call::exit_any(ctx.ret());
    0
}

/// match-proto: void sys_enter(struct pt_regs *regs, long id)
#[raw_tracepoint(tracepoint = "sys_enter")]
pub(crate) fn tracepoint_enter(ctx: RawTracePointContext) -> i32 {
    call::enter_by_table(Ptr(ctx.arg(0)), ctx.arg(1));
    0
}

/// match-proto: void sys_exit(struct pt_regs *regs, long ret)
#[raw_tracepoint(tracepoint = "sys_exit")]
pub(crate) fn tracepoint_exit(ctx: RawTracePointContext) -> i32 {
    call::exit_any(ctx.arg(1));
    0
}
