//! `cargo xtask build`: the eBPF object, then the static binaries that embed it.

use std::{env, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    cache,
    command::{command, loud, output},
    setup::toolchain,
};

/// What a build made.
pub(crate) struct Built {
    pub(crate) auklet: PathBuf,
    /// The end-to-end driver that runs in guests.
    pub(crate) guest: PathBuf,
}

/// Where a build puts its binaries.
pub(crate) fn built() -> Result<Built> {
    let dir = target().join(host()?).join("release");
    Ok(Built {
        auklet: dir.join("auklet"),
        guest: dir.join("auklet-guest"),
    })
}

/// cargo's directory: `$CARGO_TARGET_DIR`, else `target`; both are below the checkout unless absolute.
fn target() -> PathBuf {
    let set = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    cache::checkout().join(set.unwrap_or_else(|| "target".into()))
}

pub(crate) fn build() -> Result<Built> {
    let object = object()?;
    let mut cargo = command(&[
        "cargo",
        "build",
        "--release",
        "-p",
        "sensor-user",
        "-p",
        "auklet-tests",
    ]);
    cargo
        .args(["--target", &host()?])
        .current_dir(cache::checkout());
    // One static binary for every distribution, and for the guests.
    cargo
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("AUKLET_EBPF_OBJECT", object);
    loud(&mut cargo)?;
    built()
}

/// The programs: for the BPF target, with `core` built from source.
fn object() -> Result<PathBuf> {
    let checkout = cache::checkout();
    let target = target().join("ebpf");
    let mut cargo = command(&["cargo", "build", "--release", "-p", "sensor-ebpf", "--bins"]);
    cargo
        .args([
            "-Z",
            "build-std=core",
            "--target",
            "bpfel-unknown-none",
            "--target-dir",
        ])
        .arg(&target);
    // The pinned stable compiler takes -Z flags with this: no nightly is needed.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env(
        "CARGO_ENCODED_RUSTFLAGS",
        "-Cdebuginfo=2\u{1f}-Clink-arg=--btf",
    );
    cargo
        .env("PATH", path_with_linker()?)
        .current_dir(&checkout);
    loud(&mut cargo)?;
    Ok(target.join("bpfel-unknown-none/release/auklet-ebpf"))
}

fn path_with_linker() -> Result<std::ffi::OsString> {
    let linker = toolchain::bpf_linker()?;
    let dir = linker
        .parent()
        .context("bpf-linker has no directory")?
        .to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(
        std::iter::once(dir).chain(env::split_paths(&path)),
    )?)
}

/// The host's target triple.
fn host() -> Result<String> {
    let verbose = output(command(&["rustc", "-vV"]).current_dir(cache::checkout()))?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}
