//! audit's `subj=`: the name of the AppArmor label that the caller's credentials have.
//!
//! Security modules share `cred.security`; where in it AppArmor keeps its label depends on which others
//! are active (apparmor_blob_sizes.lbs_cred, security/apparmor/lsm.c), which no BTF says. So user space
//! looks which pointer of its own leads to its own label's name (`own.rs`).

use aya_ebpf::{macros::map, maps::Array};
use sensor_ebpf::{config::LABEL, fields::Field, wire::tag};

use crate::{
    kernel::{Ptr, current},
    slot::Slot,
};

/// The place: bytes into the blob, plus 1; 0 while it is not known.
#[map]
static LABEL_AT: Array<u32> = Array::with_max_entries(1, 0);

/// `aa_label.hname` of the label that the blob of the caller's credentials has at `at` bytes.
#[inline(always)]
pub(crate) fn name_at(at: usize) -> Ptr {
    let blob = current()
        .follow(Field::TaskCred)
        .follow(Field::CredSecurity);
    let label = Ptr(blob.add(at).load());
    label.follow(Field::AaLabelHname)
}

/// The SUBJ section, if the place of the label is known.
#[inline(always)]
pub(crate) fn put_subject(slot: &mut Slot) {
    let at = LABEL_AT.get(0).map_or(0, |at| *at);
    if at == 0 {
        return;
    }
    if let Some(start) = slot.begin() {
        slot.push_kernel_str::<LABEL>(name_at(at as usize - 1));
        slot.end(start, tag::SUBJ, 0);
    }
}
