//! init_module, finit_module.

use std::{
    fs::{self, File},
    os::fd::AsRawFd as _,
    path::Path,
};

use anyhow::Result;
use libc::c_long;

use crate::cases::dummy;

fn finit_module(fd: i32, flags: u32) -> c_long {
    // SAFETY: the parameters are a NUL-terminated literal.
    unsafe { libc::syscall(libc::SYS_finit_module, fd, c"".as_ptr(), flags) }
}

fn init_module(image: &[u8]) -> c_long {
    // SAFETY: the image and its length belong together; the parameters are a literal.
    unsafe {
        libc::syscall(
            libc::SYS_init_module,
            image.as_ptr(),
            image.len(),
            c"".as_ptr(),
        )
    }
}

fn unload() {
    // SAFETY: the name is a NUL-terminated literal.
    unsafe { libc::syscall(libc::SYS_delete_module, c"dummy".as_ptr(), 0) };
}

pub(super) fn modules(dir: &Path) -> Result<()> {
    let path = dummy()?;
    let image = fs::read(&path)?;
    let module = File::open(&path)?;
    finit_module(module.as_raw_fd(), 0);
    // A second time: it exists.
    finit_module(module.as_raw_fd(), 0);
    unload();
    init_module(&image);
    init_module(&image);
    unload();
    let mut garbage = b"\x7fELF".to_vec();
    garbage.resize(4096, 0xaa);
    fs::write(dir.join("garbage.ko"), &garbage)?;
    finit_module(File::open("garbage.ko")?.as_raw_fd(), 1);
    init_module(&garbage);
    init_module(b"short");
    finit_module(9999, 0);
    finit_module(module.as_raw_fd(), 0x100);
    super::as_nobody(|| finit_module(module.as_raw_fd(), 0));
    Ok(())
}
