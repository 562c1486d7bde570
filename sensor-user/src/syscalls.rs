//! Numbers and names of system calls, for the native ABI and the 32-bit one that the same kernel serves.

use std::str::FromStr as _;

use syscalls::{Errno, x86, x86_64};

/// Which entry a system call came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    Native,
    /// i386 on x86-64, arm on arm64.
    Compat,
}

impl Abi {
    pub const BOTH: [Self; 2] = [Self::Native, Self::Compat];

    /// The ABI that an `AUDIT_ARCH_*` stands for.
    #[must_use]
    pub fn of(arch: u32) -> Option<Self> {
        match arch {
            AUDIT_ARCH_X86_64 => Some(Self::Native),
            AUDIT_ARCH_I386 => Some(Self::Compat),
            _ => None,
        }
    }

    /// `AUDIT_ARCH_*` of include/uapi/linux/audit.h.
    #[must_use]
    pub fn arch(self) -> u32 {
        match self {
            Self::Native => AUDIT_ARCH_X86_64,
            Self::Compat => AUDIT_ARCH_I386,
        }
    }
}

/// `AUDIT_ARCH_X86_64`, include/uapi/linux/audit.h.
pub const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub const AUDIT_ARCH_I386: u32 = 0x4000_0003;

/// Calls of the 32-bit table with 64-bit times, and the call whose layout each has.
const TIME64: &[(&str, &str)] = &[("utimensat_time64", "utimensat")];

/// Number of a system call.
#[must_use]
pub fn number(abi: Abi, name: &str) -> Option<u32> {
    let number = match abi {
        Abi::Native => x86_64::Sysno::from_str(name).ok()?.id(),
        Abi::Compat => x86::Sysno::from_str(name).ok()?.id(),
    };
    u32::try_from(number).ok()
}

/// Its numbers, with that of the same call with 64-bit times.
pub fn numbers(abi: Abi, name: &str) -> impl Iterator<Item = u32> {
    let wide = TIME64.iter().find(|(_, narrow)| *narrow == name);
    let wide = wide.and_then(|(wide, _)| number(abi, wide));
    number(abi, name).into_iter().chain(wide)
}

/// Name of a system call by `AUDIT_ARCH_*` and number, as its own table has it.
#[must_use]
pub fn name(arch: u32, nr: u32) -> Option<&'static str> {
    let nr = usize::try_from(nr).ok()?;
    match Abi::of(arch)? {
        Abi::Native => x86_64::Sysno::new(nr).map(|call| call.name()),
        Abi::Compat => x86::Sysno::new(nr).map(|call| call.name()),
    }
}

/// Name of the call whose argument layout it has: utimensat for utimensat_time64.
#[must_use]
pub fn layout(arch: u32, nr: u32) -> Option<&'static str> {
    let name = name(arch, nr)?;
    let wide = TIME64.iter().find(|(wide, _)| *wide == name);
    Some(wide.map_or(name, |(_, narrow)| narrow))
}

/// Every call of an ABI: number and name.
pub fn all(abi: Abi) -> impl Iterator<Item = (u32, &'static str)> {
    (0..1024).filter_map(move |nr| Some((nr, name(abi.arch(), nr)?)))
}

/// The number of an error by its name (`EACCES`).
#[must_use]
pub fn errno(name: &str) -> Option<i32> {
    (1..4096).find(|number| Errno::new(*number).name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_numbers_are_the_platforms() {
        for (name, expect) in [
            ("execve", libc::SYS_execve),
            ("openat2", libc::SYS_openat2),
            ("utimensat", libc::SYS_utimensat),
            ("finit_module", libc::SYS_finit_module),
            ("utime", libc::SYS_utime),
        ] {
            assert_eq!(number(Abi::Native, name), u32::try_from(expect).ok());
        }
        assert!(all(Abi::Native).count() > 350);
        assert_eq!(errno("EACCES"), Some(libc::EACCES));
        assert_eq!(errno("ENOPE"), None);
    }

    #[test]
    fn every_known_call_has_a_number() {
        for call in sensor_ebpf::calls::CALLS {
            let nr = number(Abi::Native, call.name).expect(call.name);
            assert_eq!(name(AUDIT_ARCH_X86_64, nr), Some(call.name));
        }
        assert_eq!(name(AUDIT_ARCH_I386, 412), Some("utimensat_time64"));
        assert_eq!(layout(AUDIT_ARCH_I386, 412), Some("utimensat"));
        let both: Vec<u32> = numbers(Abi::Compat, "utimensat").collect();
        assert_eq!(both, [320, 412]);
    }
}
