//! `cargo xtask doctor`: versions, what is cached, what this kernel offers.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::{
    build, cache,
    command::{command, loud, output, quiet},
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
    println!(
        "guest          {}",
        present(rootfs::image(rootfs::Root::Base)?.exists())
    );
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

/// Links what rustc makes of an empty crate: whether the linker's LLVM reads the bitcode of the
/// compiler's. (It loads the compiler's own library, but must know its version.)
fn bpf_linker(rustc_llvm: &str) -> Result<String> {
    let linker = toolchain::bpf_linker()?;
    if !linker.exists() {
        return Ok(present(false));
    }
    let version = output(command(&[linker.as_os_str()]).arg("--version"))?;
    let version = version.trim();
    Ok(match link_nothing(&linker) {
        Ok(()) => format!("{version}, links bitcode of LLVM {rustc_llvm}: match"),
        Err(error) => format!("{version}, does NOT link bitcode of LLVM {rustc_llvm}: {error:#}"),
    })
}

fn link_nothing(linker: &Path) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (source, bitcode) = (dir.path().join("empty.rs"), dir.path().join("empty.bc"));
    fs::write(&source, "#![feature(no_core)]\n#![no_core]\n")?;
    let mut rustc = command(&["rustc", "--crate-type=lib", "--emit=llvm-bc", "-o"]);
    rustc.arg(&bitcode).arg(&source);
    quiet(
        rustc
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(cache::checkout()),
    )?;
    let mut link = command(&[linker.as_os_str()]);
    link.args(["--emit=obj", "-o"])
        .arg(dir.path().join("empty.o"));
    quiet(link.arg(&bitcode))
}
