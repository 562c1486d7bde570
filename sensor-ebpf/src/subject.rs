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
    name_of(current().follow(Field::TaskCred), at)
}

#[inline(always)]
fn name_of(cred: Ptr, at: usize) -> Ptr {
    let blob = cred.follow(Field::CredSecurity);
    let label = Ptr(blob.add(at).load());
    label.follow(Field::AaLabelHname)
}

/// The label's name in some credentials; null while its place is not known.
#[inline(always)]
pub(crate) fn name_in(cred: Ptr) -> Ptr {
    let at = LABEL_AT.get(0).map_or(0, |at| *at);
    if at == 0 {
        return Ptr(0);
    }
    name_of(cred, at as usize - 1)
}

/// The SUBJ section, if the place of the label is known.
#[inline(always)]
pub(crate) fn put_subject(slot: &mut Slot) {
    let name = name_in(current().follow(Field::TaskCred));
    if name.is_null() {
        return;
    }
    if let Some(start) = slot.begin() {
        slot.push_kernel_str::<LABEL>(name);
        slot.end(start, tag::SUBJ, 0);
    }
}
