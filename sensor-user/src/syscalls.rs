//! Numbers and names of the system calls of the four families, for the native ABI and the
//! 32-bit one that the same kernel serves.

/// Which entry a system call came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    Native,
    /// i386 on x86-64, arm on arm64.
    Compat,
}

/// `AUDIT_ARCH_X86_64`, include/uapi/linux/audit.h.
pub const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub const AUDIT_ARCH_I386: u32 = 0x4000_0003;

/// (name, x86-64, i386); arch/x86/entry/syscalls/syscall_{64,32}.tbl.
const X86: &[(&str, u32, u32)] = &[
    ("execve", 59, 11),
    ("execveat", 322, 358),
    ("init_module", 175, 128),
    ("finit_module", 313, 350),
    ("open", 2, 5),
    ("openat", 257, 295),
    ("openat2", 437, 437),
    ("creat", 85, 8),
    ("utimensat", 280, 320),
    ("futimesat", 261, 299),
    ("utimes", 235, 271),
    ("utime", 132, 30),
];

/// A second number of the 32-bit table for the same call: utimensat_time64.
const COMPAT_TOO: &[(&str, u32)] = &[("utimensat", 412)];

/// Number of a system call.
#[must_use]
pub fn number(abi: Abi, name: &str) -> Option<u32> {
    let (_, native, compat) = X86.iter().find(|(known, ..)| *known == name)?;
    Some(if abi == Abi::Native { *native } else { *compat })
}

/// All its numbers.
pub fn numbers(abi: Abi, name: &str) -> impl Iterator<Item = u32> {
    let more = COMPAT_TOO.iter().filter(move |_| abi == Abi::Compat);
    let more = more.filter(move |(known, _)| *known == name);
    number(abi, name).into_iter().chain(more.map(|(_, nr)| *nr))
}

/// Name of a system call by `AUDIT_ARCH_*` and number.
#[must_use]
pub fn name(arch: u32, nr: u32) -> Option<&'static str> {
    let native = arch == AUDIT_ARCH_X86_64;
    let compat = arch == AUDIT_ARCH_I386;
    let first = X86
        .iter()
        .find(|(_, n, c)| (native && *n == nr) || (compat && *c == nr));
    let too = || COMPAT_TOO.iter().find(|(_, c)| compat && *c == nr);
    first
        .map(|(name, ..)| *name)
        .or_else(|| too().map(|(name, _)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_numbers_are_the_platforms() {
        assert_eq!(
            number(Abi::Native, "execve"),
            u32::try_from(libc::SYS_execve).ok()
        );
        assert_eq!(
            number(Abi::Native, "openat2"),
            u32::try_from(libc::SYS_openat2).ok()
        );
        assert_eq!(
            number(Abi::Native, "utimensat"),
            u32::try_from(libc::SYS_utimensat).ok()
        );
        assert_eq!(
            number(Abi::Native, "finit_module"),
            u32::try_from(libc::SYS_finit_module).ok()
        );
        assert_eq!(
            number(Abi::Native, "utime"),
            u32::try_from(libc::SYS_utime).ok()
        );
    }

    #[test]
    fn every_known_call_has_a_number() {
        for call in sensor_ebpf::calls::CALLS {
            let nr = number(Abi::Native, call.name).expect(call.name);
            assert_eq!(name(AUDIT_ARCH_X86_64, nr), Some(call.name));
            assert!(number(Abi::Compat, call.name).is_some());
        }
    }
}
