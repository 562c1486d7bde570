//! The operations that are measured.

use std::{
    ffi::CString,
    fs::{self, File},
    io::Read as _,
    net::{TcpListener, TcpStream},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Files that watches watch: this and a number.
pub(super) const WATCHED: &str = "/etc/bench-watched-";
/// What nobody watches.
const DIR: &str = "/tmp/bench";

type Act = Box<dyn Fn(u32) -> Result<()>>;

/// An operation and how often it is done.
pub(super) struct Op {
    pub(super) name: &'static str,
    pub(super) count: u32,
    act: Act,
}

impl Op {
    pub(super) fn some(&self, count: u32) -> Result<()> {
        (0..count)
            .try_for_each(|n| (self.act)(n))
            .context(self.name)
    }

    /// What a new measurement must not find there.
    pub(super) fn tidy(&self) -> Result<()> {
        let made = Path::new(DIR).join("made");
        if made.exists() {
            fs::remove_dir_all(&made)?;
        }
        fs::create_dir_all(&made)?;
        Ok(())
    }
}

fn op(name: &'static str, count: u32, act: impl Fn(u32) -> Result<()> + 'static) -> Op {
    let act = Box::new(act);
    Op { name, count, act }
}

/// Opened as C programs do, without what std adds.
fn open(path: &str, flags: i32, mode: u32) -> Result<OwnedFd> {
    let path = CString::new(path)?;
    // SAFETY: the path is NUL-terminated and outlives the call.
    let fd = unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), flags, mode) };
    if fd < 0 {
        bail!("open {path:?}: {}", std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made, is open, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn ops() -> Result<Vec<Op>> {
    fs::create_dir_all(Path::new(DIR).join("made"))?;
    let plain = format!("{DIR}/plain");
    fs::write(&plain, [7; 4096])?;
    fs::write(format!("{WATCHED}0"), "watched\n")?;
    fs::write("/tmp/bench/a", "")?;
    let zero = File::open("/dev/zero")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (to_write, to_stat) = (plain.clone(), CString::new(plain.clone())?);
    Ok(vec![
        op("getppid", 20_000, |_| {
            // SAFETY: getppid has no arguments and no effects.
            unsafe { libc::syscall(libc::SYS_getppid) };
            Ok(())
        }),
        op("read", 5_000, move |_| {
            Ok((&zero).read_exact(&mut [0; 4096])?)
        }),
        op("open", 3_000, move |_| {
            open(&plain, libc::O_RDONLY, 0).map(drop)
        }),
        op("open-to-write", 3_000, move |_| {
            open(&to_write, libc::O_WRONLY, 0).map(drop)
        }),
        op("open-watched", 1_000, |_| {
            open(&format!("{WATCHED}0"), libc::O_WRONLY, 0).map(drop)
        }),
        op("create-utimensat", 2_000, create),
        op("stat", 5_000, move |_| {
            // SAFETY: all zeroes is a stat; the path is NUL-terminated, the buffer is writable for the call.
            let result = unsafe {
                let mut buffer: libc::stat = std::mem::zeroed();
                libc::stat(to_stat.as_ptr(), &raw mut buffer)
            };
            if result != 0 {
                bail!("stat: {}", std::io::Error::last_os_error());
            }
            Ok(())
        }),
        op("rename", 2_000, |_| {
            fs::rename("/tmp/bench/a", "/tmp/bench/b")?;
            Ok(fs::rename("/tmp/bench/b", "/tmp/bench/a")?)
        }),
        op("connect", 300, move |_| {
            let _to = TcpStream::connect(address)?;
            let (_from, _) = listener.accept()?;
            Ok(())
        }),
        op("vfork-exec", 60, |_| program("/bin/true", &[])),
        op("find", 2, |_| program("find", &["/usr", "-name", "*.so"])),
        op("tar", 2, |n| {
            let to = format!("{DIR}/made/{n}");
            fs::create_dir(&to)?;
            let (archive, to) = (format!("{to}/a.tar"), to.as_str());
            program("tar", &["cf", &archive, "-C", "/usr", "share"])?;
            program("tar", &["xf", &archive, "-C", to])
        }),
    ])
}

fn create(n: u32) -> Result<()> {
    let path = format!("{DIR}/made/{n}");
    let file = open(&path, libc::O_CREAT | libc::O_WRONLY, 0o644)?;
    let times = [libc::timespec {
        tv_sec: 1_000_000_000,
        tv_nsec: 0,
    }; 2];
    // SAFETY: the descriptor is open; the two times outlive the call.
    let result = unsafe { libc::futimens(file.as_raw_fd(), times.as_ptr()) };
    if result != 0 {
        bail!("futimens: {}", std::io::Error::last_os_error());
    }
    Ok(())
}

/// std starts programs without an own hook by posix_spawn: vfork and exec.
fn program(name: &str, args: &[&str]) -> Result<()> {
    let mut command = Command::new(name);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().with_context(|| name.to_owned())?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}
