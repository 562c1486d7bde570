//! init_module, finit_module: the file behind the descriptor and the module's name.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
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
pub(crate) fn entered(slot: &mut Slot, call_shape: u16) {
    if call_shape == shape::FINIT_MODULE {
        let fd = slot.prefix.call.args[0] as u32;
        put_descriptor(slot, fd);
    }
}

/// match-proto: void module_load(struct module *mod)
#[raw_tracepoint(tracepoint = "module_load")]
pub(crate) fn module_load(ctx: RawTracePointContext) -> i32 {
    let Some(slot) = slot::under_way() else {
        return 0;
    };
    if slot.prefix.header.kind == kind::MODULE
        && let Some(start) = slot.begin()
    {
        slot.push_kernel_str::<NAME>(Ptr(ctx.arg(0)).at(Field::ModuleName));
        slot.end(start, tag::MODULE_NAME, 0);
    }
    0
}
