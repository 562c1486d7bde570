//! Embeds the eBPF object named by `AUKLET_EBPF_OBJECT`; without it an empty stub, so that
//! `cargo check`, clippy and unit tests need neither rust-src nor bpf-linker. `cargo xtask build`
//! sets it. A daemon with a stub inside refuses to start.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=AUKLET_EBPF_OBJECT");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = out.join("auklet-ebpf");
    match env::var_os("AUKLET_EBPF_OBJECT") {
        Some(object) => {
            let object = PathBuf::from(object);
            println!("cargo::rerun-if-changed={}", object.display());
            fs::copy(&object, &target).map_err(|e| format!("{}: {e}", object.display()))?;
        }
        None => fs::write(&target, b"")?,
    }
    Ok(())
}
