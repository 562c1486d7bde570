//! Debian packages: from the machine's own suites by apt-get, and from other suites by a private
//! apt that shares nothing with the machine's but the mirror and the archive's keys.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    cache,
    command::{command, exists, is_root, loud, output, quiet},
};

pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Installs what is missing of these packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect();
    cache::step(
        &format!("packages {}", packages.join(" ")),
        missing.is_empty(),
        || {
            if !exists("apt-get") {
                bail!(
                    "no apt-get here; install with this system's package manager: {}",
                    missing.join(" ")
                );
            }
            let root = as_root()
                .with_context(|| format!("to install: apt-get install {}", missing.join(" ")))?;
            quiet(&mut command(
                &[root.as_slice(), &["apt-get", "update", "-q"]].concat(),
            ))?;
            let words = [
                root.as_slice(),
                &[
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "install",
                    "-qy",
                    "--no-install-recommends",
                ],
                &missing,
            ];
            quiet(&mut command(&words.concat()))
        },
    )
}

/// Words before a command that make it run as root.
pub(crate) fn as_root() -> Result<Vec<&'static str>> {
    if is_root() {
        return Ok(Vec::new());
    }
    if quiet(&mut command(&["sudo", "-n", "true"])).is_ok() {
        return Ok(vec!["sudo", "-n"]);
    }
    bail!("not root, and sudo wants a password: run `sudo -v` first, or as root")
}

fn installed(package: &str) -> bool {
    let query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package];
    output(&mut command(&query)).is_ok_and(|status| status == "installed")
}

/// The mirror that this machine uses for a suite: no host name is written down anywhere.
pub(crate) fn mirror(security: bool) -> Result<String> {
    let query = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
    ];
    let uris = output(&mut command(&query))?;
    uris.lines()
        .find(|uri| uri.contains("security") == security)
        .map(str::to_owned)
        .context("apt knows no Debian mirror (see `apt-get indextargets`)")
}

/// apt with its own lists, for suites that the machine does not have.
pub(crate) struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    /// With the suites that kernels and rust-src come from; reads their lists.
    pub(crate) fn new() -> Result<Self> {
        let dir = cache::dir()?.join("apt");
        for below in ["lists/partial", "cache/archives/partial", "debs"] {
            fs::create_dir_all(dir.join(below))?;
        }
        let (main, security) = (mirror(false)?, mirror(true)?);
        let suites = [
            (&main, "bookworm"),
            (&security, "bookworm-security"),
            (&main, "trixie-backports"),
            (&security, "bullseye-security"),
        ];
        let lines =
            suites.map(|(uri, suite)| format!("deb [signed-by={KEYRING}] {uri} {suite} main\n"));
        fs::write(dir.join("sources.list"), lines.concat())?;
        let apt = Self { dir };
        quiet(apt.call("apt-get").args(["update", "-q"]))?;
        Ok(apt)
    }

    fn call(&self, program: &str) -> Command {
        let mut call = command(&[program]);
        let dir = self.dir.display();
        for option in [
            format!("Dir::Etc::sourcelist={dir}/sources.list"),
            "Dir::Etc::sourceparts=-".to_owned(),
            format!("Dir::State::lists={dir}/lists"),
            format!("Dir::Cache={dir}/cache"),
            "APT::Sandbox::User=root".to_owned(),
        ] {
            call.arg("-o").arg(option);
        }
        call
    }

    /// Names of packages that match an extended regular expression.
    pub(crate) fn search(&self, pattern: &str) -> Result<Vec<String>> {
        let found = output(
            self.call("apt-cache")
                .args(["search", "--names-only", pattern]),
        )?;
        Ok(found
            .lines()
            .filter_map(|line| line.split(' ').next())
            .map(str::to_owned)
            .collect())
    }

    /// The versions of a package.
    pub(crate) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let found = output(self.call("apt-cache").args(["madison", package]))?;
        let version = |line: &str| {
            line.split('|')
                .nth(1)
                .map(|version| version.trim().to_owned())
        };
        Ok(found.lines().filter_map(version).collect())
    }

    /// Downloads a package (`name` or `name=version`; signatures are checked) and unpacks it.
    pub(crate) fn unpack(&self, package: &str, target: &std::path::Path) -> Result<()> {
        let debs = self.dir.join("debs");
        fs::remove_dir_all(&debs)?;
        fs::create_dir_all(&debs)?;
        quiet(
            self.call("apt-get")
                .args(["download", "-q", package])
                .current_dir(&debs),
        )?;
        for entry in fs::read_dir(&debs)? {
            let mut dpkg = command(&["dpkg", "-x"]);
            loud(dpkg.arg(entry?.path()).arg(target))?;
        }
        fs::remove_dir_all(&debs)?;
        fs::create_dir_all(&debs)?;
        Ok(())
    }
}

/// Orders names by the numbers in them, as `sort -V` does.
pub(crate) fn by_numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::by_numbers;

    #[test]
    fn numbers_not_letters_decide() {
        assert!(by_numbers("linux-image-6.1.0-9-cloud") < by_numbers("linux-image-6.1.0-50-cloud"));
        assert!(by_numbers("linux-binary-7.2.12+deb13") < by_numbers("linux-binary-7.3.4+deb13"));
    }
}
