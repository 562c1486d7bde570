//! init_module, finit_module: the file behind the descriptor and the module's name.

use aya_ebpf::{
    macros::{kprobe, raw_tracepoint},
    programs::{ProbeContext, RawTracePointContext},
};
use sensor_ebpf::{
    calls::shape,
    fields::Field,
    wire::{kind, tag},
};

use crate::{
    file::put_descriptor,
    kernel::Ptr,
    slot::{self, Slot},
};

/// Longest module name with its NUL: MODULE_NAME_LEN.
const NAME: usize = 64;

/// The call begins: the descriptor's file, before anybody can close it.
#[inline(always)]
pub(crate) fn entered(slot: &mut Slot, call_shape: u32) {
    if call_shape == shape::FINIT_MODULE {
        let fd = slot.prefix.call.args[0] as u32;
        put_descriptor(slot, fd);
    }
}

/// `Slot::marks`: the name is known.
const NAMED: u64 = 1;

/// The slot of a module call under way whose module has no name yet.
#[inline(always)]
fn unnamed() -> Option<&'static mut Slot> {
    let slot = slot::under_way()?;
    (slot.prefix.header.kind == kind::MODULE && slot.marks & NAMED == 0).then_some(slot)
}

#[inline(always)]
fn put_name(name: Ptr) {
    if let Some(slot) = unnamed()
        && let Some(start) = slot.begin()
    {
        slot.push_kernel_str::<NAME>(name);
        slot.end(start, tag::MODULE_NAME, 0);
        slot.marks |= NAMED;
    }
}

/// match-proto: void module_load(struct module *mod)
#[raw_tracepoint(tracepoint = "module_load")]
pub(crate) fn module_load(ctx: RawTracePointContext) -> i32 {
    put_name(Ptr(ctx.arg(0)).at(Field::ModuleName));
    0
}

/// The image was read and will be looked at: an empty name, until there is one.
/// match-proto: int load_module(struct load_info *info, const char __user *uargs, int flags)
#[kprobe]
pub(crate) fn kprobe_load_module(_: ProbeContext) -> u32 {
    if let Some(slot) = unnamed()
        && let Some(start) = slot.begin()
    {
        slot.end(start, tag::MODULE_NAME, 0);
    }
    0
}

/// Whether a module of that name is there already: the first that says the name of one refused later.
/// match-proto: struct module *find_module_all(const char *name, size_t len, bool even_unformed)
#[kprobe]
pub(crate) fn kprobe_find_module_all(ctx: ProbeContext) -> u32 {
    put_name(Ptr(ctx.arg(0).unwrap_or(0)));
    0
}
