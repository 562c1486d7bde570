//! utimensat, utimes, futimesat, utime.

use std::{fs::File, os::fd::AsRawFd as _, ptr};

use anyhow::Result;
use libc::{AT_FDCWD, AT_SYMLINK_NOFOLLOW, c_long, timespec};

use super::{as_nobody, c};

const fn at(tv_sec: i64, tv_nsec: i64) -> timespec {
    timespec { tv_sec, tv_nsec }
}

const OLD: [timespec; 2] = [at(978_307_200, 1), at(946_684_800, 2)];
const BAD: [timespec; 2] = [at(1, 2_000_000_000), at(1, 0)];
const OMIT: [timespec; 2] = [at(0, libc::UTIME_OMIT), at(0, libc::UTIME_OMIT)];

fn utimensat(dirfd: i32, path: &str, times: Option<&[timespec; 2]>, flags: i32) -> c_long {
    let path = c(path);
    let times = times.map_or(ptr::null(), |times| times.as_ptr());
    // SAFETY: the path is NUL-terminated, `times` is null or two timespecs; both outlive the call.
    unsafe { libc::syscall(libc::SYS_utimensat, dirfd, path.as_ptr(), times, flags) }
}

pub(super) fn times() -> Result<()> {
    utimensat(AT_FDCWD, "file", Some(&OLD), 0);
    utimensat(AT_FDCWD, "file", None, 0);
    utimensat(AT_FDCWD, "file", Some(&OMIT), 0);
    utimensat(AT_FDCWD, "file", Some(&BAD), 0);
    utimensat(AT_FDCWD, "missing", Some(&OLD), 0);
    utimensat(AT_FDCWD, "file/below", Some(&OLD), 0);
    utimensat(AT_FDCWD, "link", Some(&OLD), 0);
    utimensat(AT_FDCWD, "dangling", Some(&OLD), 0);
    utimensat(AT_FDCWD, "dangling", Some(&OLD), AT_SYMLINK_NOFOLLOW);
    utimensat(AT_FDCWD, "file", Some(&OLD), 0x40_0000);
    utimensat(AT_FDCWD, "", Some(&OLD), 0);
    let sub = File::open("sub")?;
    utimensat(sub.as_raw_fd(), "file", Some(&OLD), 0);
    utimensat(sub.as_raw_fd(), "", Some(&OLD), libc::AT_EMPTY_PATH);
    utimensat(9999, "file", Some(&OLD), 0);
    as_nobody(|| utimensat(AT_FDCWD, "file", Some(&OLD), 0));
    as_nobody(|| utimensat(AT_FDCWD, "file", None, 0));
    by_descriptor(sub.as_raw_fd());
    old_calls();
    Ok(())
}

fn by_descriptor(fd: i32) {
    // SAFETY: `OLD` is two timespecs; a null path means the descriptor's file.
    unsafe {
        libc::syscall(libc::SYS_utimensat, fd, ptr::null::<i8>(), OLD.as_ptr(), 0);
        libc::syscall(
            libc::SYS_utimensat,
            9999,
            ptr::null::<i8>(),
            OLD.as_ptr(),
            0,
        );
    }
}

fn old_calls() {
    let (file, missing) = (c("file"), c("missing"));
    let values = [[978_307_200_i64, 5], [946_684_800, 6]];
    let seconds = [978_307_200_i64, 946_684_800];
    for path in [&file, &missing] {
        // SAFETY: the path is NUL-terminated; `values` is two timevals, `seconds` a utimbuf.
        unsafe {
            libc::syscall(libc::SYS_utimes, path.as_ptr(), values.as_ptr());
            libc::syscall(
                libc::SYS_futimesat,
                AT_FDCWD,
                path.as_ptr(),
                values.as_ptr(),
            );
            libc::syscall(libc::SYS_utime, path.as_ptr(), seconds.as_ptr());
        }
    }
}
