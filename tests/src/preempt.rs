//! Whether the running kernel preempts itself, as its scheduler says; not as the sensor thinks.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, bail};

/// Where the kernel's scheduler shows its model, below debugfs.
const FILES: [&str; 2] = ["sched/preempt", "sched_preempt"];

/// Whether a task in the kernel may be interrupted anywhere for another one: a program of fentry's that is
/// under way is then skipped for the other.
pub(crate) fn preempts_itself() -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let mounted = Mounted::debugfs(dir.path())?;
    let read = |file: &&str| fs::read_to_string(dir.path().join(file)).ok();
    let shown = FILES.iter().find_map(read);
    drop(mounted);
    match shown {
        // The one in brackets: `none voluntary (full)`.
        Some(models) => Ok(["(full)", "(lazy)"].iter().any(|m| models.contains(m))),
        // Nothing to choose: 5.10's is not preemptible, or says so.
        None => {
            let version = fs::read_to_string("/proc/sys/kernel/version")?;
            Ok(version.split(' ').any(|word| word.starts_with("PREEMPT")))
        }
    }
}

/// A file system that is unmounted when this is dropped.
pub(crate) struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    pub(crate) fn debugfs(place: &'a Path) -> Result<Self> {
        let mount = Command::new("mount")
            .args(["-t", "debugfs", "debug"])
            .arg(place)
            .status()?;
        if !mount.success() {
            bail!("mount debugfs at {}: {mount}", place.display());
        }
        Ok(Self(place))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            println!("{} stays mounted", self.0.display());
        }
    }
}
