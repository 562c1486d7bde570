//! The running kernel: its release, its security modules, its clocks.

use std::fs;

/// What auditd's records depend on.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Major and minor.
    pub version: (u32, u32),
    /// Active security modules, as securityfs lists them; empty when it is not mounted.
    pub lsms: Vec<String>,
}

impl Kernel {
    /// The running one.
    #[must_use]
    pub fn running() -> Self {
        let lsms = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
        Self {
            version: version(&release()),
            lsms: lsms.trim().split(',').map(str::to_owned).collect(),
        }
    }

    /// Whether a security module is active.
    #[must_use]
    pub fn has_lsm(&self, name: &str) -> bool {
        self.lsms.iter().any(|lsm| lsm == name)
    }
}

/// The set of all capabilities that the kernel knows: CAP_FULL_SET.
#[must_use]
pub fn all_capabilities() -> u64 {
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap_or_default();
    // CAP_CHECKPOINT_RESTORE, the last one since 5.9.
    let last: u32 = last.trim().parse().unwrap_or(40);
    u64::MAX >> 63u32.saturating_sub(last)
}

/// `uname -r`.
#[must_use]
pub fn release() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    text.trim().to_owned()
}

/// Major and minor of a release.
#[must_use]
pub fn version(release: &str) -> (u32, u32) {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// What to add to CLOCK_MONOTONIC for the time of day, nanoseconds. Asked anew for each batch of
/// events, because the time of day may be set.
#[must_use]
pub fn clock_offset_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME).wrapping_sub(clock_ns(libc::CLOCK_MONOTONIC))
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to; the clocks above exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let part = |n: i64| u64::try_from(n).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("6.12.117+deb12-cloud-amd64"), (6, 12));
        assert_eq!(version("7.3"), (7, 3));
        assert_eq!(version("odd"), (0, 0));
    }
}
