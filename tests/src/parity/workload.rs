//! What both daemons watch: the calls of each family, in success and in each common failure.
//! Nothing is checked here; the logs are compared.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result};
use libc::{AT_FDCWD, c_long};

use call::call;
pub(crate) use pace::paced;
pub(super) use pace::{EVERY, LOG};
pub(crate) use uring::open_by_ring;

mod attributes;
pub(super) mod call;
mod clock;
mod compat;
mod execs;
mod filters;
mod logins;
mod lookups;
mod memory;
mod modules;
mod names;
mod network;
mod opens;
mod pace;
mod processes;
mod sockets;
mod times;
mod uring;

/// Somebody without privileges.
const NOBODY: u32 = 1234;

/// The saved group of what is not watched, as in the rules.
pub(super) const UNSEEN: u32 = 4242;

/// Calls that belong together, by the key of their rules in tests/data/parity.rules.
struct Family {
    name: &'static str,
    run: fn(&Path) -> Result<()>,
}

const fn family(name: &'static str, run: fn(&Path) -> Result<()>) -> Family {
    Family { name, run }
}

/// All, in the order in which they run.
const FAMILIES: &[Family] = &[
    family("opens", opens::opens),
    family("times", |_| times::times()),
    family("execs", execs::execs),
    family("modules", modules::modules),
    family("names", names::names),
    family("attributes", attributes::attributes),
    family("lookups", lookups::lookups),
    family("network", network::network),
    family("memory", memory::memory),
    family("processes", processes::processes),
    family("logins", |_| {
        logins::logins();
        Ok(())
    }),
    family(BY_RING, uring::uring),
];

/// What no tracepoint tells of.
pub(super) const BY_RING: &str = "uring";

/// What a family may be called.
pub(super) fn names() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name).collect()
}

/// The families named, or all if none is.
pub(super) fn chosen(named: &[String]) -> Vec<String> {
    match named {
        [] => names().into_iter().map(str::to_owned).collect(),
        named => named.to_vec(),
    }
}

/// A message to the kernel's audit over netlink. True if it says that it is done.
pub(crate) fn tell_audit(kind: u16, body: &[u8]) -> bool {
    const NETLINK_AUDIT: i32 = 9;
    const REQUEST_AND_ACK: u16 = 5;
    // nlmsghdr: length, type, flags, sequence, sender.
    let length = u32::try_from(16 + body.len()).unwrap_or(0);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend([kind, REQUEST_AND_ACK].map(u16::to_ne_bytes).concat());
    message.extend([0; 8]);
    message.extend(body);
    let message = message.as_slice();
    let socket = call!(SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, NETLINK_AUDIT);
    call!(SYS_sendto, socket, message, message.len(), 0, 0, 0);
    // nlmsghdr, then nlmsgerr: the error comes first.
    let mut answer = [1_u32; 16];
    let received = call!(SYS_recvfrom, socket, &mut answer[..], 64, 0, 0, 0);
    closed(socket);
    received >= 20 && answer[4] == 0
}

/// Runs families in a directory, each in its own below it, which becomes the working directory.
pub(crate) fn run(dir: &Path, families: &[String]) -> ExitCode {
    let wanted = |family: &&Family| {
        let mut names = families.iter().map(String::as_str);
        names.any(|n| n == family.name)
    };
    // Others may come in: a temporary directory is its maker's alone.
    let mut done = [dir.parent().unwrap_or(dir), dir]
        .iter()
        .try_for_each(|dir| fs::set_permissions(dir, fs::Permissions::from_mode(0o755)))
        .map_err(anyhow::Error::from);
    for family in FAMILIES.iter().filter(wanted) {
        let own = dir.join(family.name);
        done = done
            .and_then(|()| fs::create_dir(&own).map_err(Into::into))
            .and_then(|()| std::env::set_current_dir(&own).map_err(Into::into))
            .and_then(|()| unseen(|| prepare(&own)))
            .and_then(|()| (family.run)(&own))
            .context(family.name);
    }
    end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The mode, which says nothing here, tells it from any other open.
pub(super) fn end() {
    open(super::END, 0, super::END_MODE);
}

pub(super) fn c(path: impl AsRef<Path>) -> CString {
    CString::new(path.as_ref().as_os_str().as_bytes()).unwrap_or_default()
}

/// openat(2) from the working directory; closes what it opened.
fn open(path: impl AsRef<Path>, flags: i32, mode: u32) -> c_long {
    openat(AT_FDCWD, path, flags, mode)
}

fn openat(dirfd: i32, path: impl AsRef<Path>, flags: i32, mode: u32) -> c_long {
    let path = c(path);
    // SAFETY: the path is NUL-terminated and outlives the call.
    closed(unsafe { libc::syscall(libc::SYS_openat, dirfd, path.as_ptr(), flags, mode) })
}

pub(super) fn closed(fd: c_long) -> c_long {
    if let Ok(fd @ 0..) = i32::try_from(fd) {
        // SAFETY: a descriptor that a call just gave, and nobody else has.
        unsafe { libc::close(fd) };
    }
    fd
}

/// Files with known contents, made before anything is compared... and compared, too.
fn prepare(dir: &Path) -> Result<()> {
    fs::create_dir_all("sub/deeper")?;
    fs::write("file", "content")?;
    fs::write("sub/file", "content")?;
    fs::write("secret", "content")?;
    fs::set_permissions("secret", fs::Permissions::from_mode(0o600))?;
    symlink("file", "link")?;
    symlink("nowhere", "dangling")?;
    symlink(dir.join("sub"), "dirlink")?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// What only makes ready for acts, and is no act: the families' rules leave out calls under this saved
/// group, which changes nothing else.
fn unseen(prepare: impl FnOnce() -> Result<()>) -> Result<()> {
    let saved = |group: u32| {
        // SAFETY: it has no memory effects. That of a thread: this process has one.
        unsafe { libc::syscall(libc::SYS_setresgid, -1, -1, group) }
    };
    saved(UNSEEN);
    let done = prepare();
    // The family `processes` records this one.
    pace::if_recorded(|| saved(0));
    done
}

/// A directory as `prepare` left it, after an act that changed it.
fn renew(dir: &Path) -> Result<()> {
    unseen(|| emptied(dir).and_then(|()| prepare(dir)))
}

fn emptied(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// An act, and everything as it was if the act succeeded.
fn act(dir: &Path, result: c_long) -> Result<()> {
    if result >= 0 { renew(dir) } else { Ok(()) }
}

/// Names as they may be spelled: of what is there, of what is not, of what can't be.
fn spellings(dir: &Path) -> Vec<CString> {
    let plain = [
        "file",
        "new",
        "missing",
        "sub",
        "sub/file",
        "sub/new",
        "sub/deeper",
        "./sub/../new",
        "sub//new",
        "link",
        "dangling",
        "dirlink",
        "dirlink/file",
        "dirlink/new",
        "file/below",
        "missing/new",
        "missing/new/er",
        "",
        ".",
        "..",
        "sub/.",
        "sub/..",
        "new/",
        "new//",
        "sub/",
        "sub//",
        "file/",
        "link/",
        "dangling/",
        "dirlink/",
        "missing/new/",
        "with\nnewline",
        "with space",
        "with\"quote",
        "caf\u{e9}",
        "/proc/self/new",
        "/proc/self/status",
    ];
    let mut all: Vec<CString> = plain.map(c).into();
    all.push(c(OsStr::from_bytes(b"\xff\xfe")));
    all.extend([dir.join("file"), dir.join("new"), dir.join("sub/new")].map(c));
    all.extend(["n".repeat(255), "n".repeat(256), "p/".repeat(2100)].map(c));
    all
}

/// In a child, which is awaited.
fn in_child(act: impl FnOnce()) {
    // SAFETY: this process has one thread; the child acts and ends.
    unsafe {
        match libc::fork() {
            0 => {
                act();
                libc::_exit(0);
            }
            pid => libc::waitpid(pid, std::ptr::null_mut(), 0),
        };
    }
}

/// In a child that gave up its privileges.
fn as_nobody(act: impl FnOnce() -> c_long) {
    in_child(|| {
        // SAFETY: the calls have no memory effects.
        unsafe {
            libc::setresgid(NOBODY, NOBODY, NOBODY);
            libc::setresuid(NOBODY, NOBODY, NOBODY);
        }
        act();
    });
}

/// Runs a program to its end; that it can't be started is what some want.
fn start(command: &mut Command) {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    drop(quiet.status());
}
