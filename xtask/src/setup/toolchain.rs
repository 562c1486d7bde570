//! rust-src and bpf-linker for the pinned toolchain (docs/adr/0003).

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{
    apt::PrivateApt,
    cache,
    command::{command, exists, output, quiet},
};

/// The bpf-linker whose LLVM is the toolchain's: it loads rustc's own libLLVM.
pub(crate) const BPF_LINKER: &str = "0.10.4";

/// Seconds that rustup may take to fetch rust-src before Debian's package is taken.
const RUSTUP_SECONDS: &str = "120";

/// What the tests need beside what a build needs.
pub(crate) fn lints() -> Result<()> {
    let runs = |tool: &str| {
        let mut cargo = command(&["cargo", tool, "--version"]);
        quiet(cargo.current_dir(cache::checkout())).is_ok()
    };
    cache::step("rustfmt, clippy", runs("fmt") && runs("clippy"), || {
        let add = ["rustup", "component", "add", "rustfmt", "clippy"];
        quiet(command(&add).current_dir(cache::checkout()))
    })
}

pub(crate) fn setup() -> Result<()> {
    let source = rust_src()?;
    cache::step("rust-src", source.join("core/Cargo.toml").exists(), || {
        fetch_rust_src(&source)
    })?;
    let linker = bpf_linker()?;
    cache::step(
        &format!("bpf-linker {BPF_LINKER}"),
        linker.exists(),
        install_bpf_linker,
    )
}

/// Where cargo's build-std looks.
pub(crate) fn rust_src() -> Result<PathBuf> {
    let sysroot = output(command(&["rustc", "--print", "sysroot"]).current_dir(cache::checkout()))?;
    Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library"))
}

pub(crate) fn bpf_linker() -> Result<PathBuf> {
    Ok(cache::dir()?.join(format!("tools/bpf-linker-{BPF_LINKER}/bin/bpf-linker")))
}

/// rustc's version, e.g. 1.95.0.
pub(crate) fn rustc_version() -> Result<String> {
    let version = output(command(&["rustc", "--version"]).current_dir(cache::checkout()))?;
    version
        .split(' ')
        .nth(1)
        .map(str::to_owned)
        .context("rustc --version prints no version")
}

/// From rustup; where that can't reach its server, Debian's package of exactly this version.
fn fetch_rust_src(source: &std::path::Path) -> Result<()> {
    let rustup = [
        "timeout",
        RUSTUP_SECONDS,
        "rustup",
        "component",
        "add",
        "rust-src",
    ];
    let by_rustup = quiet(command(&rustup).current_dir(cache::checkout()));
    if by_rustup.is_ok() && source.join("core/Cargo.toml").exists() {
        return Ok(());
    }
    if !exists("apt-get") {
        bail!("rustup could not fetch it; run `rustup component add rust-src`");
    }
    let version = rustc_version()?;
    let apt = PrivateApt::new()?;
    let versions = apt.versions("rust-src")?;
    let wanted = versions
        .iter()
        .find(|v| v.starts_with(&format!("{version}+")));
    let wanted = wanted.with_context(|| {
        format!("no rust-src {version} among {versions:?}; run `rustup component add rust-src`")
    })?;
    let target = cache::dir()?.join(format!("rust-src-{version}"));
    apt.unpack(&format!("rust-src={wanted}"), &target)?;
    let unpacked = target.join(format!("usr/src/rustc-{version}"));
    let link = source
        .parent()
        .context("rust-src has no parent directory")?;
    fs::create_dir_all(link.parent().context("rust-src has no parent directory")?)?;
    let _stale = fs::remove_file(link)
        .or_else(|_| fs::remove_dir_all(link))
        .is_ok();
    symlink(&unpacked, link).with_context(|| format!("link {}", link.display()))
}

fn install_bpf_linker() -> Result<()> {
    let root = cache::dir()?.join(format!("tools/bpf-linker-{BPF_LINKER}"));
    let mut install = command(&[
        "cargo",
        "install",
        "bpf-linker",
        "--locked",
        "--version",
        BPF_LINKER,
    ]);
    // Outside of the checkout's target directory and configuration.
    install
        .arg("--root")
        .arg(&root)
        .current_dir(cache::checkout())
        .env_remove("RUSTFLAGS");
    install.env("CARGO_TARGET_DIR", cache::dir()?.join("build/bpf-linker"));
    quiet(&mut install)?;
    let built = cache::dir()?.join("build");
    fs::remove_dir_all(&built).with_context(|| format!("remove {}", built.display()))
}
