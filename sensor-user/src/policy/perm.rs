//! Sets of calls: the mask of `-S`, and the classes that `perm=` stands for.
//! Sources: `audit_match_perm` in kernel/auditsc.c, include/asm-generic/audit_{read,write,dir_write,
//! change_attr}.h, arch/x86/kernel/audit_64.c.

use crate::syscalls::{self, Abi};

/// Numbers that a rule's mask has bits for: `AUDIT_BITMASK_SIZE * 32`, less the last 16, which
/// `audit_to_entry_common` takes for classes. Calls beyond match no rule.
pub const MASK_BITS: u32 = 64 * 32 - 16;

/// A set of call numbers, as in `struct audit_rule_data`.
#[derive(Clone, PartialEq, Eq)]
pub struct CallMask([u32; 64]);

impl CallMask {
    /// No call.
    pub const NONE: Self = Self([0; 64]);

    /// Every call: `-S all`.
    #[must_use]
    pub fn all() -> Self {
        let mut mask = Self([u32::MAX; 64]);
        mask.0[63] = u32::MAX >> 16;
        mask
    }

    /// Whether a number is in it; numbers without a bit never are.
    #[must_use]
    pub fn contains(&self, nr: u32) -> bool {
        nr < MASK_BITS && self.0[nr as usize / 32] & 1 << (nr % 32) != 0
    }

    /// Adds a number; `false` if there is no bit for it.
    pub fn insert(&mut self, nr: u32) -> bool {
        let fits = nr < MASK_BITS;
        if fits {
            self.0[nr as usize / 32] |= 1 << (nr % 32);
        }
        fits
    }

    /// The numbers in it.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..MASK_BITS).filter(|nr| self.contains(*nr))
    }

    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::all()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = Self::NONE;
        for (at, word) in both.0.iter_mut().enumerate() {
            *word = self.0[at] & other.0[at];
        }
        both
    }

    /// The words as the kernel has them: bit `nr % 32` of word `nr / 32`.
    #[must_use]
    pub fn words(&self) -> &[u32; 64] {
        &self.0
    }
}

impl std::fmt::Debug for CallMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_all() {
            return f.write_str("all");
        }
        f.debug_set().entries(self.iter()).finish()
    }
}

/// `AUDIT_PERM_*`, include/uapi/linux/audit.h.
pub(super) const EXEC: u32 = 1;
pub(super) const WRITE: u32 = 2;
pub(super) const READ: u32 = 4;
pub(super) const ATTR: u32 = 8;

/// Letters in the order in which auditctl lists them.
pub(super) const LETTERS: [(char, u32); 4] = [('r', READ), ('w', WRITE), ('x', EXEC), ('a', ATTR)];

const WRITES: &[&str] = &[
    // audit_dir_write.h
    "rename",
    "mkdir",
    "rmdir",
    "creat",
    "link",
    "unlink",
    "symlink",
    "mknod",
    "mkdirat",
    "mknodat",
    "unlinkat",
    "renameat",
    "linkat",
    "symlinkat",
    "renameat2",
    // audit_write.h
    "acct",
    "swapon",
    "quotactl",
    "truncate",
    "truncate64",
    "ftruncate",
    "ftruncate64",
    "bind",
    "fallocate",
];
const WRITES_7: &[&str] = &["quotactl_fd"];
const READS: &[&str] = &[
    "readlink",
    "quotactl",
    "listxattr",
    "llistxattr",
    "flistxattr",
    "getxattr",
    "lgetxattr",
    "fgetxattr",
    "readlinkat",
];
const READS_7: &[&str] = &[
    "quotactl_fd",
    "file_getattr",
    "stat",
    "lstat",
    "fstat",
    "newfstatat",
    "statx",
    "stat64",
    "lstat64",
    "fstat64",
    "fstatat64",
    "oldstat",
    "oldlstat",
    "oldfstat",
];
const ATTRS: &[&str] = &[
    "chmod",
    "fchmod",
    "chown",
    "lchown",
    "fchown",
    "chown32",
    "lchown32",
    "fchown32",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "fchownat",
    "fchmodat",
    "fchmodat2",
    "link",
    "linkat",
];
const ATTRS_7: &[&str] = &["setxattrat", "removexattrat", "file_setattr"];

/// How the kernel tells what a call does to a file: `audit_classify_syscall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The open flags say: in this argument.
    Open(usize),
    /// They are in the `struct open_how`.
    Openat2,
    Socketcall,
    Exec,
    Other,
}

fn classify(name: Option<&str>) -> Class {
    match name {
        Some("open") => Class::Open(1),
        Some("openat") => Class::Open(2),
        Some("openat2") => Class::Openat2,
        Some("socketcall") => Class::Socketcall,
        Some("execve" | "execveat") => Class::Exec,
        _ => Class::Other,
    }
}

/// `ACC_MODE`, fs/internal.h: O_RDONLY reads, O_WRONLY writes, O_RDWR (and 3) both; O_CREAT and
/// O_TRUNC say nothing.
fn opened_for(flags: u64) -> u32 {
    match flags & 3 {
        0 => READ,
        1 => WRITE,
        _ => READ | WRITE,
    }
}

/// The classes of the running kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// 7.0 put more calls into them.
    wide: bool,
}

impl Classes {
    /// Those of a kernel version (major, minor).
    #[must_use]
    pub fn of(version: (u32, u32)) -> Self {
        Self {
            wide: version >= (7, 0),
        }
    }

    fn in_class(self, perm: u32, name: &str) -> bool {
        let within = |bit: u32, old: &[&str], new: &[&str]| {
            perm & bit != 0 && (old.contains(&name) || self.wide && new.contains(&name))
        };
        within(WRITE, WRITES, WRITES_7)
            || within(READ, READS, READS_7)
            || within(ATTR, ATTRS, ATTRS_7)
    }

    /// Whether a call touches a file in one of the ways of `perm`. `how`: the flags of openat2, whose
    /// registers do not have them; without, what it does is not known.
    #[must_use]
    pub fn matches(
        self,
        perm: u32,
        arch: u32,
        nr: u32,
        args: [u64; 4],
        how: Option<u64>,
    ) -> Option<bool> {
        let name = syscalls::name(arch, nr);
        Some(match classify(name) {
            Class::Open(at) => perm & opened_for(args[at]) != 0,
            Class::Openat2 => perm & opened_for(how?) != 0,
            // SYS_BIND of include/uapi/linux/net.h
            Class::Socketcall => perm & WRITE != 0 && args[0] == 2,
            Class::Exec => perm & EXEC != 0,
            Class::Other => name.is_some_and(|name| self.in_class(perm, name)),
        })
    }

    /// Every call that could match, whatever its arguments.
    #[must_use]
    pub fn calls(self, perm: u32, abi: Abi) -> CallMask {
        let mut mask = CallMask::NONE;
        for (nr, name) in syscalls::all(abi) {
            let wanted = match classify(Some(name)) {
                Class::Open(_) | Class::Openat2 => perm & (READ | WRITE),
                Class::Socketcall => perm & WRITE,
                Class::Exec => perm & EXEC,
                Class::Other => u32::from(self.in_class(perm, name)),
            };
            if wanted != 0 {
                mask.insert(nr);
            }
        }
        mask
    }
}
