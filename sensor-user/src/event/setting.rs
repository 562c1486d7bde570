//! Settings of the machine that a call changed, as audit tells of them (kernel/auditsc.c: __audit_log_nfcfg,
//! audit_log_time).

use bytes::Bytes;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// NETFILTER_CFG: a table of a packet filter.
    Netfilter {
        /// Its name; nf_tables adds `:` and the generation.
        table: Bytes,
        /// `NFPROTO_*` of include/uapi/linux/netfilter.h.
        family: u8,
        entries: u32,
        /// `enum audit_nfcfgop` of include/linux/audit.h.
        op: u32,
    },
    /// TIME_INJOFFSET: how far the clock was set.
    ClockOffset { sec: i64, nsec: i64 },
    /// TIME_ADJNTPVAL: a value of the clock's discipline.
    Ntp {
        /// `enum audit_ntp_type` of include/linux/audit.h.
        value: u8,
        old: i64,
        new: i64,
    },
}

impl Setting {
    /// The type of its record.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Netfilter { .. } => "NETFILTER_CFG",
            Self::ClockOffset { .. } => "TIME_INJOFFSET",
            Self::Ntp { .. } => "TIME_ADJNTPVAL",
        }
    }

    /// What was done, in audit's word for it.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Netfilter { op, .. } => NETFILTER.get(usize::try_from(*op).ok()?).copied(),
            Self::Ntp { value, .. } => NTP.get(usize::from(*value)).copied(),
            Self::ClockOffset { .. } => None,
        }
    }
}

/// audit_nfcfgs of kernel/auditsc.c. Kernels that know fewer know the first.
const NETFILTER: [&str; 21] = [
    "xt_register",
    "xt_replace",
    "xt_unregister",
    "nft_register_table",
    "nft_unregister_table",
    "nft_register_chain",
    "nft_unregister_chain",
    "nft_register_rule",
    "nft_unregister_rule",
    "nft_register_set",
    "nft_unregister_set",
    "nft_register_setelem",
    "nft_unregister_setelem",
    "nft_register_gen",
    "nft_register_obj",
    "nft_unregister_obj",
    "nft_reset_obj",
    "nft_register_flowtable",
    "nft_unregister_flowtable",
    "nft_reset_setelem",
    "nft_reset_rule",
];

/// ntp_name of audit_log_time.
const NTP: [&str; 6] = ["offset", "freq", "status", "tai", "tick", "adjust"];
