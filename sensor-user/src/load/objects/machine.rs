//! For packet filters and the clock that a call changes: where the kernel tells audit of it.

use super::{Hook, entry};

/// Under every plan, on kernels that have kprobes.
pub(super) const HOOKS: &[Hook] = &[
    entry(
        &["__audit_log_nfcfg"],
        "kprobe_audit_log_nfcfg",
        "NETFILTER_CFG",
    ),
    entry(
        &["__audit_tk_injoffset"],
        "kprobe_audit_tk_injoffset",
        "TIME_INJOFFSET",
    ),
    entry(
        &["__audit_ntp_log"],
        "kprobe_audit_ntp_log",
        "TIME_ADJNTPVAL",
    ),
];
