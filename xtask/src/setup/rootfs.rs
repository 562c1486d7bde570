//! The guest's root file system: a small Debian with the real auditd, as an initramfs.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    apt::{KEYRING, as_root, mirror},
    cache,
    command::{command, quiet},
};

const SUITE: &str = "bookworm";

/// Beside debootstrap's minimal set.
const PACKAGES: [&str; 12] = [
    "auditd",
    "cron",
    "iproute2",
    "isc-dhcp-client",
    "kmod",
    "netcat-openbsd",
    "openssh-client",
    "openssh-server",
    "procps",
    "socat",
    "strace",
    "sudo",
];

/// And for scenarios: what attackers use, and administrators.
const TOOLS: [&str; 17] = [
    "anacron",
    "at",
    "busybox-static",
    "cpio",
    "git",
    "iptables",
    "logrotate",
    "make",
    "nano",
    "ncat",
    "nftables",
    "python3-minimal",
    "rinetd",
    "rsync",
    "unzip",
    "vim-tiny",
    "zip",
];

/// A guest's root file system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// What tests need: each boot unpacks it.
    Base,
    /// With what scenarios need.
    Tools,
}

impl Root {
    fn packages(self) -> Vec<&'static str> {
        let more: &[&str] = if self == Self::Tools { &TOOLS } else { &[] };
        [PACKAGES.as_slice(), more].concat()
    }
}

/// What a guest never reads: less to unpack at each boot.
const REMOVED: [&str; 9] = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/i18n",
    "usr/share/perl",
    "usr/lib/x86_64-linux-gnu/gconv",
    "var/lib/apt/lists",
    "var/cache",
];

/// What tests read of what is removed, and where they find it.
const KEPT: [(&str, &str); 1] = [(
    "usr/share/doc/auditd/examples/rules",
    "usr/share/auklet-test/rules",
)];

/// The initramfs; its name changes with what goes into it.
pub(crate) fn image(which: Root) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    (SUITE, which.packages(), REMOVED, KEPT).hash(&mut hasher);
    Ok(cache::dir()?.join(format!("guest/rootfs-{:016x}.cpio.zst", hasher.finish())))
}

pub(crate) fn setup(which: Root) -> Result<()> {
    let image = image(which)?;
    let packages = which.packages();
    let what = format!("guest root file system ({})", packages.join(" "));
    cache::step(&what, image.exists(), || {
        let parent = image.parent().context("the image has no directory")?;
        fs::create_dir_all(parent)?;
        let root = parent.join("root.part");
        bootstrap(&root, &packages)?;
        cache::atomically(&image, |part| pack(&root, part))?;
        remove(&root)
    })
}

/// Not without the archive's signatures: debootstrap would go on without a keyring.
fn bootstrap(root: &Path, packages: &[&str]) -> Result<()> {
    remove(root)?;
    let include = format!("--include={}", packages.join(","));
    let keyring = format!("--keyring={KEYRING}");
    let words = [
        as_root()?.as_slice(),
        &[
            "debootstrap",
            "--variant=minbase",
            "--force-check-gpg",
            &keyring,
            &include,
            SUITE,
        ],
    ]
    .concat();
    quiet(command(&words).arg(root).arg(mirror(false)?))?;
    for (from, to) in KEPT {
        keep(&root.join(from), &root.join(to))?;
    }
    for below in REMOVED {
        remove(&root.join(below))?;
    }
    Ok(())
}

fn keep(from: &Path, to: &Path) -> Result<()> {
    let copy = "mkdir -p \"$(dirname \"$2\")\" && cp -a \"$1\" \"$2\"";
    let words = [as_root()?.as_slice(), &["sh", "-ec", copy, "sh"]].concat();
    quiet(command(&words).arg(from).arg(to))
}

fn remove(path: &Path) -> Result<()> {
    let words = [as_root()?.as_slice(), &["rm", "-rf", "--one-file-system"]].concat();
    quiet(command(&words).arg(path))
}

fn pack(root: &Path, image: &Path) -> Result<()> {
    let pipe =
        "cd \"$1\" && find . -print0 | cpio -0 -o -H newc --quiet | zstd -q -T0 -10 -f -o \"$2\"";
    let words = [as_root()?.as_slice(), &["sh", "-ec", pipe, "sh"]].concat();
    quiet(command(&words).arg(root).arg(image))
}
