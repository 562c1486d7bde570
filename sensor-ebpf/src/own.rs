//! What the programs learn of the sensor itself: one run, in its own context, before they attach.

use aya_ebpf::{
    helpers::generated::bpf_probe_read_kernel_str,
    macros::{map, raw_tracepoint},
    maps::Array,
    programs::RawTracePointContext,
};
use sensor_ebpf::{
    config::{LABEL, LABEL_CANDIDATES},
    fields::Field,
};

use crate::{kernel::current, subject};

/// What each place where a label could be says it is.
#[map]
static LABELS_FOUND: Array<[u8; LABEL]> = Array::with_max_entries(LABEL_CANDIDATES, 0);

/// Addresses of the sensor's root: its dentry and its mount.
#[map]
static OWN_ROOT: Array<[u64; 2]> = Array::with_max_entries(1, 0);

/// Never attached: run by user space.
#[raw_tracepoint]
pub(crate) fn look_at_self(_: RawTracePointContext) -> i32 {
    if let Some(own) = OWN_ROOT.get_ptr_mut(0) {
        // SAFETY: a map value, not null; nothing else writes it.
        unsafe { *own = root() };
    }
    for n in 0..LABEL_CANDIDATES {
        let Some(found) = LABELS_FOUND.get_ptr_mut(n) else {
            return 0;
        };
        let name = subject::name_at(n as usize * size_of::<u64>());
        // SAFETY: a map value of LABEL bytes; the helper checks the source.
        unsafe { bpf_probe_read_kernel_str(found.cast(), LABEL as u32, name.0 as *const _) };
    }
    0
}

#[inline(always)]
fn root() -> [u64; 2] {
    let root = current().follow(Field::TaskFs).at(Field::FsRoot);
    [
        root.follow(Field::PathDentry).0,
        root.follow(Field::PathMnt).0,
    ]
}

/// Whether the caller's paths start at the sensor's root: not in a chroot or another mount namespace.
#[inline(always)]
pub(crate) fn has_our_root() -> bool {
    OWN_ROOT.get(0).is_some_and(|own| *own == root())
}
