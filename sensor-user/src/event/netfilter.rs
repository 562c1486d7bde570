//! Packet filters that a call changed, as audit tells of them (kernel/auditsc.c: __audit_log_nfcfg).

use bytes::Bytes;

/// NETFILTER_CFG: a table changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetfilterChange {
    /// Its name; nf_tables adds `:` and the generation.
    pub table: Bytes,
    /// `NFPROTO_*` of include/uapi/linux/netfilter.h.
    pub family: u8,
    /// How many entries the table has, or were changed.
    pub entries: u32,
    /// `enum audit_nfcfgop` of include/linux/audit.h.
    pub op: u32,
}

impl NetfilterChange {
    /// What was done, in audit's word for it. `None`: a newer kernel's.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        OPERATIONS.get(usize::try_from(self.op).ok()?).copied()
    }
}

/// audit_nfcfgs of kernel/auditsc.c. Kernels that know fewer know the first.
const OPERATIONS: [&str; 21] = [
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
