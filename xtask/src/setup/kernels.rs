//! The kernels that guests boot: of each series the newest that Debian's suites hold.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    apt::{PrivateApt, by_numbers},
    cache,
    command::{command, quiet},
};

/// A series of kernels and where its packages are.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// Packages with the kernel, as apt-cache's regular expression.
    image: &'static str,
    /// Prefix of the package with the modules where they are apart.
    modules: Option<&'static str>,
}

/// Oldest first.
pub(crate) const SERIES: [Series; 4] = [
    Series {
        name: "5.10",
        image: "^linux-image-5\\.10\\.0-[0-9]+-cloud-amd64$",
        modules: None,
    },
    Series {
        name: "6.1",
        image: "^linux-image-6\\.1\\.0-[0-9]+-cloud-amd64$",
        modules: None,
    },
    Series {
        name: "6.12",
        image: "^linux-image-6\\.12\\.[0-9]+.*deb12-cloud-amd64$",
        modules: None,
    },
    Series {
        name: "7.x",
        image: "^linux-binary-7\\.[0-9]+\\.[0-9]+.*-cloud-amd64$",
        modules: Some("linux-modules-"),
    },
];

/// The newest series.
pub(crate) const NEWEST: &str = "7.x";

/// Modules that guests can load, with those that they depend on.
const MODULES: [&str; 2] = ["dummy", "nf_tables"];
/// The same where the kernel is built with them.
const OPTIONAL: [&str; 1] = ["iptable_filter"];
/// Beside a kept kernel: the modules that were looked for when it was fetched.
const SOUGHT: &str = "sought";

/// What SOUGHT says of a kernel that has all that this xtask wants.
fn sought() -> String {
    [MODULES.as_slice(), &OPTIONAL].concat().join(" ")
}

/// A kernel in the cache.
pub(crate) struct Kernel {
    pub(crate) series: &'static str,
    pub(crate) dir: PathBuf,
}

impl Kernel {
    /// By the name of its series; `newest` is the newest.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let name = if name == "newest" { NEWEST } else { name };
        let series = SERIES.iter().find(|series| series.name == name);
        let Some(series) = series else {
            let names: Vec<&str> = SERIES.iter().map(|series| series.name).collect();
            bail!(
                "no kernel {name:?}: there are {} and newest",
                names.join(", ")
            );
        };
        Ok(Self {
            series: series.name,
            dir: cache::dir()?.join("kernels").join(series.name),
        })
    }

    pub(crate) fn vmlinuz(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// Whether it was kept with the modules that are wanted now.
    fn is_kept(&self) -> bool {
        let found = fs::read_to_string(self.dir.join(SOUGHT)).unwrap_or_default();
        self.vmlinuz().exists() && found == sought()
    }

    /// `uname -r`.
    pub(crate) fn release(&self) -> Result<String> {
        let path = self.dir.join("release");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{}: run `cargo xtask setup`", path.display()))?;
        Ok(text.trim().to_owned())
    }
}

/// Fetches what is missing; with `refresh`, also what is newer.
pub(crate) fn setup(refresh: bool) -> Result<()> {
    let mut apt = None;
    for series in &SERIES {
        let kernel = Kernel::named(series.name)?;
        let cached = kernel.is_kept() && !refresh;
        let shown = if cached {
            kernel.release()?
        } else {
            "newest".to_owned()
        };
        cache::step(&format!("kernel {} ({shown})", series.name), cached, || {
            if apt.is_none() {
                apt = Some(PrivateApt::new()?);
            }
            let apt = apt.as_ref().context("no apt")?;
            fetch(apt, series, &kernel.dir)
        })?;
    }
    Ok(())
}

fn fetch(apt: &PrivateApt, series: &Series, target: &Path) -> Result<()> {
    let mut images = apt.search(series.image)?;
    images.retain(|name| !name.contains("unsigned") && !name.contains("dbg"));
    images.sort_by_key(|name| by_numbers(name));
    let image = images
        .last()
        .with_context(|| format!("no package matches {}", series.image))?;
    let number = image.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let release = &image[number..];
    let unpacked = cache::dir()?
        .join("kernels")
        .join(format!("{}.part", series.name));
    let _stale = fs::remove_dir_all(&unpacked).is_ok();
    fs::create_dir_all(&unpacked)?;
    apt.unpack(image, &unpacked)?;
    if let Some(prefix) = series.modules {
        apt.unpack(&format!("{prefix}{release}"), &unpacked)?;
    }
    keep(&unpacked, release, target)?;
    fs::remove_dir_all(&unpacked)?;
    println!("setup: kernel {}: {release}", series.name);
    Ok(())
}

/// Of a kernel's packages: the image and the modules that guests load. The image goes last: its
/// presence means that the rest is there.
fn keep(unpacked: &Path, release: &str, target: &Path) -> Result<()> {
    let modules = target.join("modules");
    let _stale = fs::remove_dir_all(target).is_ok();
    fs::create_dir_all(&modules)?;
    let roots = [
        unpacked.join("lib/modules"),
        unpacked.join("usr/lib/modules"),
    ];
    for name in MODULES {
        let found = keep_module(&roots, &modules, name)?;
        found.with_context(|| format!("no module {name} in {release}"))?;
    }
    for name in OPTIONAL {
        if keep_module(&roots, &modules, name)?.is_none() {
            println!("setup: {release} has no module {name}");
        }
    }
    fs::write(target.join("release"), release)?;
    fs::write(target.join(SOUGHT), sought())?;
    // Since 7.3 Debian's packages have the image beside the modules.
    let images = [
        unpacked.join("boot").join(format!("vmlinuz-{release}")),
        unpacked
            .join("usr/lib/modules")
            .join(release)
            .join("vmlinuz"),
    ];
    let image = images.iter().find(|image| image.exists());
    let image = image.with_context(|| format!("no image of {release} in its package"))?;
    fs::copy(image, target.join("vmlinuz")).with_context(|| image.display().to_string())?;
    Ok(())
}

/// Copies a module and those that it depends on, as far as they are files. `None`: there is none.
fn keep_module(roots: &[PathBuf], target: &Path, name: &str) -> Result<Option<()>> {
    let (mut waiting, mut seen) = (vec![name.to_owned()], BTreeSet::new());
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(found) = roots.iter().find_map(|root| find(root, &name)) else {
            // Built into the kernel, if another one depends on it.
            if seen.len() == 1 {
                return Ok(None);
            }
            continue;
        };
        let kept = target.join(found.file_name().context("a module without a name")?);
        fs::copy(&found, &kept)?;
        let image = if kept.extension().is_some_and(|extension| extension == "xz") {
            quiet(command(&["xz", "-d", "-f"]).arg(&kept))?;
            kept.with_extension("")
        } else {
            kept
        };
        waiting.extend(dependencies(&fs::read(&image)?));
    }
    Ok(Some(()))
}

/// `depends=` of a module's .modinfo: names with commas between them.
fn dependencies(image: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = image.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = image[at + KEY.len()..].split(|b| *b == 0).next();
    let names = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// `NAME.ko` or `NAME.ko.xz` below a directory. A file's name may have `-` where the module's has `_`.
fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let dashes = name.replace('_', "-");
    let wanted =
        [name, dashes.as_str()].map(|name| [format!("{name}.ko"), format!("{name}.ko.xz")]);
    let wanted = wanted.concat();
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name) {
                return Some(found);
            }
        } else if wanted
            .iter()
            .any(|wanted| entry.file_name() == wanted.as_str())
        {
            return Some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_tells_what_it_depends_on() {
        let image = b"\x7fELF license=GPL\0depends=nfnetlink,libcrc32c\0name=nf_tables\0";
        assert_eq!(dependencies(image), ["nfnetlink", "libcrc32c"]);
        assert_eq!(dependencies(b"a\0depends=\0b"), Vec::<String>::new());
        assert_eq!(dependencies(b"none"), Vec::<String>::new());
    }
}
