//! What this process may do: checked at the start, given up once the programs are attached.

use std::{io, path::Path};

use anyhow::{Context as _, Result, bail};
use caps::{CapSet, Capability, CapsHashSet};

use crate::load::btf::SYS_BTF;

/// What a running sensor needs: its loss counters (CAP_BPF, since 5.8), and other processes'
/// executables, arguments, roots and working directories in /proc.
const NEEDED: [Capability; 3] = [
    Capability::CAP_BPF,
    Capability::CAP_SYS_PTRACE,
    Capability::CAP_DAC_READ_SEARCH,
];

/// PROC_PID_INIT_INO of include/linux/proc_ns.h.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Clear words before the kernel's own.
///
/// # Errors
/// Not root, a kernel without BTF, a pid namespace of our own.
pub fn check() -> Result<()> {
    if !Path::new(SYS_BTF).exists() {
        bail!("{SYS_BTF} is missing: the kernel needs CONFIG_DEBUG_INFO_BTF (Linux 5.8 or newer)");
    }
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        bail!(
            "must run as root: loading eBPF programs needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
        );
    }
    // What the programs say of processes is in the numbers of the first namespace.
    let namespace =
        std::fs::read_link("/proc/self/ns/pid").context("which pid namespace is this")?;
    if namespace.as_os_str() != FIRST_PID_NAMESPACE {
        bail!("must run in the host's pid namespace (in a container: --pid=host)");
    }
    Ok(())
}

/// Keeps [`NEEDED`] of the capabilities that there are, for this thread and what it starts, and
/// lets no exec regain any. Called before any other thread is started.
///
/// # Errors
/// The kernel refuses.
pub fn drop_all_but_needed() -> Result<()> {
    no_new_privileges().context("set no_new_privs")?;
    let permitted = caps::read(None, CapSet::Permitted).context("read capabilities")?;
    let keep: CapsHashSet = permitted.intersection(&NEEDED.into()).copied().collect();
    for capability in caps::read(None, CapSet::Bounding)?.difference(&keep) {
        // A container may run root without CAP_SETPCAP; no_new_privs holds all the same.
        if let Err(error) = caps::drop(None, CapSet::Bounding, *capability) {
            log::debug!("bounding set: {capability}: {error}");
            break;
        }
    }
    caps::clear(None, CapSet::Ambient).context("clear ambient capabilities")?;
    caps::clear(None, CapSet::Inheritable).context("clear inheritable capabilities")?;
    caps::set(None, CapSet::Effective, &keep).context("drop capabilities")?;
    caps::set(None, CapSet::Permitted, &keep).context("drop capabilities")?;
    Ok(())
}

fn no_new_privileges() -> io::Result<()> {
    // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers only; the kernel wants the unused ones to be 0.
    let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
