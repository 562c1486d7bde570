//! Sets `bpf_target_arch`, the processor of the machine that will run the programs.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(aya_build::emit_bpf_target_arch_cfg()?)
}
