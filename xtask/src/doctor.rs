//! `cargo xtask doctor`: versions, what is cached, what this kernel offers.

use anyhow::{Context as _, Result};

use crate::{
    build, cache,
    command::{command, loud, output},
    setup::{
        kernels::{Kernel, SERIES},
        rootfs, toolchain,
    },
};

pub(crate) fn doctor() -> Result<()> {
    let verbose = output(command(&["rustc", "-vV"]).current_dir(cache::checkout()))?;
    let line = |prefix: &str| {
        verbose
            .lines()
            .find_map(|l| l.strip_prefix(prefix))
            .unwrap_or("?")
    };
    let rustc_llvm = line("LLVM version: ");
    println!("rustc          {} (LLVM {rustc_llvm})", line("release: "));
    println!(
        "rust-src       {}",
        present(toolchain::rust_src()?.join("core").exists())
    );
    println!("bpf-linker     {}", bpf_linker(rustc_llvm)?);
    println!("qemu           {}", first_line("qemu-system-x86_64"));
    for series in &SERIES {
        let kernel = Kernel::named(series.name)?;
        println!(
            "kernel {:<7} {}",
            series.name,
            kernel.release().unwrap_or_else(|_| present(false))
        );
    }
    println!("guest          {}", present(rootfs::image()?.exists()));
    println!("cache          {}", cache::dir()?.display());
    let auklet = build::built()?.auklet;
    if auklet.exists() {
        println!("\nthis machine, by `auklet doctor`:");
        return loud(command(&[auklet.as_os_str()]).arg("doctor")).context("auklet doctor");
    }
    println!(
        "\nauklet is not built; after `cargo xtask build` this also says what this kernel offers"
    );
    Ok(())
}

fn present(there: bool) -> String {
    if there {
        "there".to_owned()
    } else {
        "missing: run `cargo xtask setup`".to_owned()
    }
}

fn first_line(program: &str) -> String {
    let version = output(command(&[program]).arg("--version")).unwrap_or_else(|_| present(false));
    version.lines().next().unwrap_or_default().to_owned()
}

/// The linker loads the compiler's own LLVM, so the two can't differ; what can is a linker that
/// does not know this LLVM. It says so at once when asked to link nothing.
fn bpf_linker(rustc_llvm: &str) -> Result<String> {
    let linker = toolchain::bpf_linker()?;
    if !linker.exists() {
        return Ok(present(false));
    }
    let version = output(command(&[linker.as_os_str()]).arg("--version"));
    Ok(match version {
        Ok(version) => format!(
            "{} (loads rustc's LLVM {rustc_llvm}: match)",
            version.trim()
        ),
        Err(error) => format!("does not start with rustc's LLVM {rustc_llvm}: {error:#}"),
    })
}
