//! execve, execveat.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use anyhow::Result;

use super::{NOBODY, c, start};
use crate::{parity::driver, tiny};

fn script(path: &str, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

pub(super) fn execs(dir: &Path) -> Result<()> {
    let tiny = tiny::program(dir)?;
    script("script", "#!/bin/sh -e\nexit 0\n")?;
    script("outer", &format!("#!{} x\n", dir.join("script").display()))?;
    script("garbage", "\x01\x02\x03 not a program\n")?;
    script("no-interpreter", "#!/no/such/interpreter\n")?;
    fs::write("plain", "not executable")?;
    start(&mut Command::new(&tiny));
    start(Command::new("./tiny").args(["a", "b c", "q\"", "", "new\nline"]));
    start(Command::new("sub/../tiny").arg(OsStr::from_bytes(b"\xff\xfe")));
    start(Command::new("/bin/true").arg("caf\u{e9}"));
    start(Command::new("true").env("PATH", "/nowhere:/usr/bin"));
    start(Command::new("./script").args(["a1", "a2"]));
    start(Command::new("./outer").arg("a1"));
    for missing in [
        "./missing",
        "./plain",
        "./garbage",
        "./no-interpreter",
        "./sub",
        "./file/x",
    ] {
        start(Command::new(missing).arg("x"));
    }
    start(Command::new("./tiny").arg("x".repeat(200_000)));
    super::compat::told(dir, &dir.join("made32"), tiny::ON_A_FILE)?;
    long_arguments();
    other_users();
    start(Command::new(driver()).args(["act", "memfd"]));
    start(Command::new(driver()).args(["act", "thread-exec", "./tiny", "after"]));
    by_descriptor(dir);
    Ok(())
}

/// Around the bounds at which auditd splits an argument, a record, a list.
fn long_arguments() {
    for length in [7_300, 7_401, 7_499, 7_500, 7_501, 15_000, 50_000] {
        start(Command::new("./tiny").args(["first", &"x".repeat(length), "last"]));
        start(Command::new("./tiny").args(["first", &"y ".repeat(length / 2), "last"]));
    }
    start(Command::new("./tiny").args((0..3_000).map(|n| n.to_string())));
    start(Command::new("./tiny").args((0..4).map(|_| "z".repeat(50_000))));
}

/// Other ids; and ids that the exec itself changes.
fn other_users() {
    start(Command::new("./tiny").uid(NOBODY).gid(NOBODY));
    let setuid = fs::copy("tiny", "setuid")
        .and_then(|_| fs::set_permissions("setuid", fs::Permissions::from_mode(0o4755)));
    if setuid.is_ok() {
        start(Command::new("./setuid").uid(NOBODY).gid(NOBODY));
    }
}

/// execveat from a directory, from the file itself, with bad flags.
fn by_descriptor(dir: &Path) {
    let (here, tiny, empty) = (c(dir), c("tiny"), c(""));
    let words = ["tiny", "by descriptor"].map(|word| CString::new(word).unwrap_or_default());
    let argv = [words[0].as_ptr(), words[1].as_ptr(), std::ptr::null()];
    let none = [std::ptr::null::<i8>()];
    let acts = [
        (&here, &tiny, 0),
        (&tiny, &empty, libc::AT_EMPTY_PATH),
        (&here, &tiny, 0x1),
    ];
    for (open, name, flags) in acts {
        // SAFETY: all strings are NUL-terminated, both arrays end in a null pointer, and all outlive
        // the calls; the child, of a process with one thread, only makes system calls and ends.
        unsafe {
            match libc::fork() {
                0 => {
                    let fd = libc::open(open.as_ptr(), libc::O_PATH);
                    let (argv, none) = (argv.as_ptr(), none.as_ptr());
                    libc::syscall(libc::SYS_execveat, fd, name.as_ptr(), argv, none, flags);
                    libc::_exit(1);
                }
                pid => libc::waitpid(pid, std::ptr::null_mut(), 0),
            };
        }
    }
}
