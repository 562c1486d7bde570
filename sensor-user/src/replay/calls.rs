//! Which call a SYSCALL record is of, and what its registers say: by this machine's tables, by those
//! of other architectures for the families that rules ask for, or by the name that auditd added.

use super::fields::fields;
use crate::{
    event::{Open, Syscall},
    syscalls,
};

/// AUDIT_ARCH_AARCH64, _RISCV64 and _LOONGARCH64, which share a table.
const GENERIC: [u32; 3] = [0xc000_00b7, 0xc000_00f3, 0xc000_0102];
/// include/uapi/asm-generic/unistd.h
const GENERIC_CALLS: [(u32, &str); 14] = [
    (33, "mknodat"),
    (34, "mkdirat"),
    (35, "unlinkat"),
    (37, "linkat"),
    (38, "renameat"),
    (53, "fchmodat"),
    (54, "fchownat"),
    (56, "openat"),
    (88, "utimensat"),
    (105, "init_module"),
    (221, "execve"),
    (273, "finit_module"),
    (281, "execveat"),
    (437, "openat2"),
];
/// Calls that take names from a directory's descriptor, and the registers that hold those.
const FROM_DESCRIPTORS: [(&str, &[usize]); 25] = [
    ("execveat", &[0]),
    ("faccessat", &[0]),
    ("faccessat2", &[0]),
    ("fchmodat", &[0]),
    ("fchmodat2", &[0]),
    ("fchownat", &[0]),
    ("fstatat64", &[0]),
    ("futimesat", &[0]),
    ("linkat", &[0, 2]),
    ("mkdirat", &[0]),
    ("mknodat", &[0]),
    ("name_to_handle_at", &[0]),
    ("newfstatat", &[0]),
    ("open_tree", &[0]),
    ("openat", &[0]),
    ("openat2", &[0]),
    ("readlinkat", &[0]),
    ("renameat", &[0, 2]),
    ("renameat2", &[0, 2]),
    ("setxattrat", &[0]),
    ("statx", &[0]),
    ("symlinkat", &[1]),
    ("unlinkat", &[0]),
    ("utimensat", &[0]),
    ("utimensat_time64", &[0]),
];

/// The call's name; `enriched` is what auditd added to its record.
pub(super) fn name<'a>(call: &Syscall, enriched: &'a [u8]) -> Option<&'a str> {
    if syscalls::Abi::of(call.arch).is_some() {
        return syscalls::layout(call.arch, call.nr);
    }
    let generic = GENERIC_CALLS.iter().find(|(nr, _)| *nr == call.nr);
    if GENERIC.contains(&call.arch)
        && let Some((_, name)) = generic
    {
        return Some(name);
    }
    let added = fields(enriched).find(|(name, _)| *name == b"SYSCALL");
    added.and_then(|(_, value)| std::str::from_utf8(value.text()).ok())
}

/// Whether relative names may start elsewhere than at the working directory.
pub(crate) fn from_descriptor(name: Option<&str>, args: &[u64; 4]) -> bool {
    let registers = FROM_DESCRIPTORS
        .iter()
        .find(|(call, _)| Some(*call) == name)
        .map_or(&[][..], |(_, registers)| registers);
    registers.iter().any(|at| {
        args.get(*at)
            .is_some_and(|arg| low32(*arg).cast_signed() != libc::AT_FDCWD)
    })
}

/// How a file was opened, from the registers; openat2's are in a record of their own.
pub(super) fn open(name: &str, args: &[u64; 4]) -> Open {
    let creat = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC).unsigned_abs();
    let (flags, mode) = match name {
        "creat" => (u64::from(creat), args[1]),
        "open" => (args[1], args[2]),
        _ => (args[2], args[3]),
    };
    Open {
        flags: u64::from(low32(flags)),
        mode: mode & 0o7777,
        ..Open::default()
    }
}

/// Whether the call was given times: all that its registers tell. Of utimensat it is known whether
/// the pointer was null, not whether what it led to was UTIME_NOW.
pub(super) fn times_given(name: &str, args: &[u64; 4]) -> bool {
    let pointer = match name {
        "utime" | "utimes" => args[1],
        _ => args[2],
    };
    pointer != 0
}

/// The int in a register.
pub(super) fn low32(register: u64) -> u32 {
    (register & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_best_source() {
        let call = |arch, nr| Syscall {
            arch,
            nr,
            args: [0; 4],
            exit: 0,
            personality: 0,
        };
        let added = b"ARCH=s390x SYSCALL=execve AUID=\"x\"";
        for (arch, nr, enriched, expect) in [
            (0xc000_003e, 257, &b""[..], Some("openat")),
            (0x4000_0003, 412, b"", Some("utimensat")),
            (0xc000_003e, 9999, added, None),
            (0xc000_00b7, 221, b"", Some("execve")),
            (0x8000_0016, 11, added, Some("execve")),
            (0x8000_0016, 11, b"", None),
        ] {
            assert_eq!(name(&call(arch, nr), enriched), expect);
        }
    }

    #[test]
    fn descriptors_are_seen() {
        let cwd = [0xffff_ffff_ffff_ff9c, 0xffff_ff9c];
        for (name, args, expect) in [
            ("openat", [cwd[0], 5, 0, 0], false),
            ("openat", [cwd[1], 5, 0, 0], false),
            ("openat", [3, 5, 0, 0], true),
            ("open", [3, 5, 0, 0], false),
            ("renameat2", [cwd[0], 5, 4, 6], true),
            ("symlinkat", [9, 4, 0, 0], true),
        ] {
            assert_eq!(
                from_descriptor(Some(name), &args),
                expect,
                "{name} {args:?}"
            );
        }
    }
}
