//! Capabilities of files as they change: the extended attribute security.capability. No program can read
//! it, so user space keeps what it learns here beside what it looks up.

use aya_ebpf::{
    bindings::BPF_ANY,
    macros::{kprobe, kretprobe, map},
    maps::LruHashMap,
    programs::{ProbeContext, RetProbeContext},
};
use sensor_ebpf::{
    fields::Field,
    wire::{FileCapFacts, kind},
};

use crate::{
    kernel::{Ptr, current},
    output,
    slot::bound,
};

/// "security.capability" and its NUL, in words of the machine.
const NAME: [u64; 3] = [
    u64::from_ne_bytes(*b"security"),
    u64::from_ne_bytes(*b".capabil"),
    u32::from_ne_bytes(*b"ity\0") as u64,
];

/// `task_struct` address → dentry, value and its size of the change under way.
#[map]
static CAP_CHANGES: LruHashMap<u64, [u64; 3]> = LruHashMap::with_max_entries(256, 0);

#[inline(always)]
fn begins(dentry: u64, name: Ptr, value: u64, size: u64) -> u32 {
    let found: [u64; 3] = [
        name.load(),
        name.add(8).load(),
        u64::from(name.add(16).load::<u32>()),
    ];
    if found == NAME {
        let change = [dentry, value, size];
        let _dropped_when_lost = CAP_CHANGES.insert(current().0, change, u64::from(BPF_ANY));
    }
    0
}

/// The change was made, or refused.
#[inline(always)]
fn ends(ret: u64) -> u32 {
    let task = current().0;
    let Some(change) = CAP_CHANGES.get_ptr(task) else {
        return 0;
    };
    // SAFETY: not null; map values stay readable.
    let [dentry, value, size] = unsafe { *change };
    let _gone = CAP_CHANGES.remove(task);
    if ret as i32 != 0 {
        return 0;
    }
    let inode = Ptr(dentry).follow(Field::DentryInode);
    let len = size_of::<FileCapFacts>();
    let mut facts = FileCapFacts {
        header: output::header(kind::FILE_CAPS, len as u32, 0, output::now()),
        ino: inode.read(Field::InodeIno),
        dev: inode.follow(Field::InodeSb).read(Field::SbDev),
        len: bound::<32>(size.min(24)) as u32,
        value: [0; 3],
    };
    if size != 0 {
        let value = Ptr(value);
        facts.value = [value.load(), value.add(8).load(), value.add(16).load()];
    }
    // SAFETY: `facts` is `len` initialised bytes of stack.
    unsafe { output::send(kind::FILE_CAPS, (&raw const facts).cast(), len as u64) };
    0
}

/// The file is the argument of that number; the attribute's name, value and size follow.
macro_rules! changes {
    ($($set:ident, $remove:ident: $arg:literal;)*) => { $(
        #[kprobe]
        pub(crate) fn $set(ctx: ProbeContext) -> u32 {
            let arg = |n| ctx.arg(n).unwrap_or(0);
            begins(arg($arg), Ptr(arg($arg + 1)), arg($arg + 2), arg($arg + 3))
        }

        #[kprobe]
        pub(crate) fn $remove(ctx: ProbeContext) -> u32 {
            let arg = |n| ctx.arg(n).unwrap_or(0);
            begins(arg($arg), Ptr(arg($arg + 1)), 0, 0)
        }
    )* };
}

changes! {
    kprobe_setxattr_0, kprobe_removexattr_0: 0;
    kprobe_setxattr_1, kprobe_removexattr_1: 1;
}

/// match-proto: int __vfs_setxattr_noperm(struct mnt_idmap *idmap, struct dentry *dentry, const char *name, const void *value, size_t size, int flags)
#[kretprobe]
pub(crate) fn kretprobe_setxattr(ctx: RetProbeContext) -> u32 {
    ends(ctx.ret())
}

/// match-proto: int __vfs_removexattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name)
#[kretprobe]
pub(crate) fn kretprobe_removexattr(ctx: RetProbeContext) -> u32 {
    ends(ctx.ret())
}
