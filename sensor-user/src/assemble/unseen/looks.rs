//! Calls that look for a file and change no name: what each does with its path before and while it looks
//! (fs/open.c, fs/stat.c, fs/xattr.c, fs/namespace.c …).

use sensor_ebpf::wire::{flag, item::op};

use super::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, Argument, Story};
use crate::assemble::lookup;

const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// AT_STATX_SYNC_TYPE, AT_NO_AUTOMOUNT and the two above.
const STAT_FLAGS: u32 = 0x7900;

/// Flags that a call looks at before its name: (call, argument, those it knows).
const FLAGS: &[(&str, usize, u32)] = &[
    ("access", 1, 7),
    ("faccessat", 2, 7),
    ("faccessat2", 2, 7),
    ("faccessat2", 3, 0x1300),
    ("fchmodat2", 3, 0x1100),
    ("fchownat", 4, 0x1100),
    ("newfstatat", 3, STAT_FLAGS),
    ("fstatat64", 3, STAT_FLAGS),
    ("statx", 2, STAT_FLAGS),
    ("statx", 3, 0x7fff_ffff),
    ("name_to_handle_at", 4, 0x1603),
    ("umount2", 1, 0xf),
    ("swapon", 1, 0x7_ffff),
];

/// Calls whose caller must have a capability before the kernel looks at the name.
const PRIVILEGED: [&str; 5] = ["acct", "swapon", "swapoff", "pivot_root", "quotactl"];

/// The name is a link itself.
const NOFOLLOW: [&str; 10] = [
    "lchown",
    "lchown32",
    "lsetxattr",
    "lgetxattr",
    "llistxattr",
    "lremovexattr",
    "lstat",
    "lstat64",
    "oldlstat",
    "readlink",
];

impl Story<'_> {
    pub(super) fn looked_at(&mut self, name: &str) -> Option<()> {
        if self.refused(name) {
            return None;
        }
        let path = self.first_or_empty()?;
        if path.text.is_empty() {
            return self.looked_at_nothing(name, &path);
        }
        let directory = match name {
            "chdir" | "chroot" | "pivot_root" => true,
            "inotify_add_watch" => self.arg(2) & 0x0100_0000 != 0,
            "fanotify_mark" => self.arg(1) & 8 != 0,
            _ => false,
        };
        // The name may start elsewhere by now.
        let moved = match name {
            "chroot" => Some("root"),
            "chdir" if self.is_nowhere() => Some("cwd"),
            _ => None,
        };
        if let Some(link) = moved.filter(|_| self.errno == 0) {
            let led = lookup::link(self.facts, link).map(|file| (file, None));
            let led = self.or_unknown(led);
            self.push(op::LOOKED_UP, Some(path.text), led, 0);
            return Some(());
        }
        self.look(&path, self.follows(name), directory)?;
        if matches!(name, "pivot_root" | "move_mount") {
            let second = self.second()?;
            let links = name == "pivot_root" || self.arg(4) & 0x10 != 0;
            self.look(&second, links, name == "pivot_root")?;
        }
        Some(())
    }

    /// Whether the working directory has no path below the caller's root.
    fn is_nowhere(&self) -> bool {
        let cwd = self.facts.cwd.as_ref();
        cwd.is_none_or(|cwd| cwd.flags & (flag::DELETED | flag::DETACHED) != 0)
    }

    /// Whether the call ended before it took the name.
    fn refused(&self, name: &str) -> bool {
        let known =
            |(call, n, flags): &(&str, usize, u32)| *call != name || self.arg(*n) & !flags == 0;
        let synced = name == "statx" && self.arg(2) & 0x6000 == 0x6000;
        // The attribute's name and value first: of all since 6.13.
        let getxattr = name.contains("getxattr") || name.contains("listxattr");
        let since = if getxattr { 13 } else { 12 };
        let copied_first = name.contains("xattr") && self.kernel >= (6, since);
        match self.errno {
            libc::EINVAL | libc::EBADF if name == "inotify_add_watch" => true,
            libc::EFAULT if name == "mount" => true,
            libc::EINVAL if matches!(name, "readlink" | "readlinkat") => {
                let room = if name == "readlink" { 2 } else { 3 };
                self.arg(room).cast_signed() <= 0
            }
            libc::EINVAL if matches!(name, "setxattr" | "lsetxattr") => {
                copied_first && self.arg(4) & !3 != 0
            }
            libc::EINVAL if matches!(name, "truncate" | "truncate64") => {
                self.facts.call.args[1].cast_signed() < 0
            }
            libc::EINVAL => synced || !FLAGS.iter().all(known),
            libc::EPERM => PRIVILEGED.contains(&name) && name != "quotactl",
            libc::EFAULT | libc::ERANGE | libc::E2BIG => copied_first,
            _ => false,
        }
    }

    fn follows(&self, name: &str) -> bool {
        let without = |n: usize, flag: u32| self.arg(n) & flag == 0;
        match name {
            "fchmodat2" | "newfstatat" | "fstatat64" | "faccessat2" => {
                without(3, AT_SYMLINK_NOFOLLOW)
            }
            "fchownat" | "file_getattr" | "file_setattr" => without(4, AT_SYMLINK_NOFOLLOW),
            "statx" | "open_tree" | "mount_setattr" | "setxattrat" | "getxattrat"
            | "listxattrat" | "removexattrat" => without(2, AT_SYMLINK_NOFOLLOW),
            "name_to_handle_at" => !without(4, AT_SYMLINK_FOLLOW),
            "inotify_add_watch" => without(2, 0x0200_0000),
            "umount2" => without(1, 8),
            "fanotify_mark" => without(1, 4),
            "fspick" => without(2, 2),
            "move_mount" => !without(4, 1),
            "readlinkat" => false,
            _ => !NOFOLLOW.contains(&name),
        }
    }

    /// An empty name: the descriptor's file, for the calls that take that; then, since 6.11, without a
    /// name, or not by a look-up at all.
    fn looked_at_nothing(&mut self, name: &str, path: &Argument<'_>) -> Option<()> {
        let flags = match name {
            "fchownat" | "name_to_handle_at" => self.arg(4),
            "fchmodat2" | "newfstatat" | "fstatat64" | "faccessat2" => self.arg(3),
            "statx" => self.arg(2),
            "readlink" | "readlinkat" => AT_EMPTY_PATH,
            _ => 0,
        };
        if flags & AT_EMPTY_PATH == 0 {
            return None;
        }
        let stat = matches!(name, "newfstatat" | "fstatat64" | "statx") && self.kernel >= (6, 11);
        if stat && path.start.fd.is_some() {
            return None;
        }
        let found = lookup::find(self.facts, path.start, b"", false);
        let err = if found.is_some() { 0 } else { -self.errno };
        self.push(op::LOOKED_UP, Some(path.text.clone()), found, err);
        Some(())
    }
}
