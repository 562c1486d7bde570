//! `cargo xtask setup`: everything that building, running and testing need.

pub(crate) mod kernels;
pub(crate) mod rootfs;
pub(crate) mod toolchain;

use anyhow::Result;

use self::rootfs::Root;
use crate::{apt, cache};

/// For the eBPF object and the static binaries.
const BUILD_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];
/// For the guests.
const GUEST_PACKAGES: [&str; 6] = [
    "qemu-system-x86",
    "qemu-utils",
    "debootstrap",
    "cpio",
    "zstd",
    "xz-utils",
];

/// Everything.
pub(crate) fn setup(refresh: bool) -> Result<()> {
    let _lock = cache::lock()?;
    apt::install(&[BUILD_PACKAGES.as_slice(), &GUEST_PACKAGES].concat())?;
    toolchain::setup()?;
    toolchain::lints()?;
    kernels::setup(refresh)?;
    rootfs::setup(Root::Base)
}

/// What scenarios need besides.
pub(crate) fn for_scenarios() -> Result<()> {
    setup(false)?;
    let _lock = cache::lock()?;
    rootfs::setup(Root::Tools)
}

/// What `build` needs, without guests.
pub(crate) fn for_build() -> Result<()> {
    let _lock = cache::lock()?;
    apt::install(&BUILD_PACKAGES)?;
    toolchain::setup()
}
