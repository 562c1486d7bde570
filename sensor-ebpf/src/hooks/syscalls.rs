//! Begin and end of every system call of the four families, for each attach plan.

use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe, raw_tracepoint},
    programs::{FEntryContext, FExitContext, ProbeContext, RawTracePointContext, RetProbeContext},
};
use sensor_ebpf::{calls::shape, wire::kind};

use crate::{arch, call, kernel::Ptr};

/// A fentry and a fexit program for one system call's function, whose only argument is the
/// `struct pt_regs` at entry: `long __x64_sys_NAME(const struct pt_regs *)`.
macro_rules! traced {
    ($($enter:ident, $exit:ident: $kind:ident, $shape:ident;)*) => { $(
        #[fentry]
        pub(crate) fn $enter(ctx: FEntryContext) -> i32 {
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

traced! {
    fentry_execve, fexit_execve: EXEC, EXECVE;
    fentry_execveat, fexit_execveat: EXEC, EXECVEAT;
    fentry_init_module, fexit_init_module: MODULE, INIT_MODULE;
    fentry_finit_module, fexit_finit_module: MODULE, FINIT_MODULE;
    fentry_open, fexit_open: OPEN, OPEN;
    fentry_openat, fexit_openat: OPEN, OPENAT;
    fentry_openat2, fexit_openat2: OPEN, OPENAT2;
    fentry_creat, fexit_creat: OPEN, CREAT;
    fentry_utimensat, fexit_utimensat: UTIME, UTIMENSAT;
    fentry_futimesat, fexit_futimesat: UTIME, FUTIMESAT;
    fentry_utimes, fexit_utimes: UTIME, UTIMES;
    fentry_utime, fexit_utime: UTIME, UTIME;
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
