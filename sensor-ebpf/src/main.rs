//! The BPF programs. `hooks/` has one module per family with its thin entry points; the rest is
//! what they share.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

#[cfg(target_arch = "bpf")]
mod arch;
#[cfg(target_arch = "bpf")]
mod call;
#[cfg(target_arch = "bpf")]
mod file;
#[cfg(target_arch = "bpf")]
mod hooks;
#[cfg(target_arch = "bpf")]
mod in_use;
#[cfg(target_arch = "bpf")]
mod kernel;
#[cfg(target_arch = "bpf")]
mod output;
#[cfg(target_arch = "bpf")]
mod own;
#[cfg(target_arch = "bpf")]
mod path;
#[cfg(target_arch = "bpf")]
mod policy;
#[cfg(target_arch = "bpf")]
mod slot;
#[cfg(target_arch = "bpf")]
mod subject;
#[cfg(target_arch = "bpf")]
mod task;

/// The kernel lets programs under a GPL-compatible licence use the helpers we need.
#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // An endless loop: were it reachable, the verifier would refuse the program.
    loop {}
}

/// `cargo check` and `clippy` see the library half; the programs exist for the BPF target only.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
