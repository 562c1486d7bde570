//! The socket of a running sensor: `auklet status` asks, the sensor answers with its counts.
//! A request is a line, so is the answer, a JSON object.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, ErrorKind},
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::{UnixListener as StdListener, UnixStream as StdStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rustix::fs::FlockOperation;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time,
};

/// Where it is unless `--socket` says otherwise.
pub const DEFAULT: &str = "/run/auklet/auklet.sock";
/// The only request.
pub const STATUS: &[u8] = b"status\n";

/// A client that asks nothing, or takes nothing, is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clients that are answered at a time.
const CLIENTS: usize = 8;

/// `--socket`
#[derive(Args, Clone, Debug)]
pub struct SocketArgs {
    /// Socket on which a running sensor answers `auklet status`; none: no socket.
    /// [default: /run/auklet/auklet.sock]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// A socket that has its name; the name goes with it.
#[derive(Debug)]
pub(super) struct Bound {
    listener: Option<StdListener>,
    path: PathBuf,
    inode: u64,
}

impl Drop for Bound {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Binds while the sensor may still do everything. A socket that was not asked for by name and can't
/// be had is a warning.
///
/// # Errors
/// Another sensor listens there, or the socket that was asked for can't be had.
pub(super) fn bind(args: &SocketArgs) -> Result<Option<Bound>> {
    let explicit = args.socket.as_deref();
    let path = explicit.unwrap_or(Path::new(DEFAULT));
    if path == Path::new("none") {
        return Ok(None);
    }
    match bind_to(path) {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if explicit.is_none() && !is_taken(&error) => {
            log::warn!("no status socket: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|io| io.kind() == ErrorKind::AddrInUse)
}

fn bind_to(path: &Path) -> Result<Bound> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("make {}", directory.display()));
        }
        _ => {}
    }
    // Two that start at the same time must not both find the old socket stale.
    let lock = File::open(directory).with_context(|| format!("open {}", directory.display()))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)
        .with_context(|| format!("lock {}", directory.display()))?;
    clear(path)?;
    let context = || format!("listen on {}", path.display());
    let listener = StdListener::bind(path).with_context(context)?;
    // Until here only its owner may connect already: the usual umask leaves no one else write access.
    fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(context)?;
    listener.set_nonblocking(true).with_context(context)?;
    let inode = fs::symlink_metadata(path).with_context(context)?.ino();
    Ok(Bound {
        listener: Some(listener),
        path: path.to_owned(),
        inode,
    })
}

/// Removes a socket on which nobody listens.
fn clear(path: &Path) -> Result<()> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("look at {shown}")),
        Ok(file) if !file.file_type().is_socket() => {
            bail!("{shown} exists and is not a socket")
        }
        Ok(_) => {}
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).with_context(|| format!("remove the old {shown}"))
        }
        Err(error) => Err(error).with_context(|| format!("is anyone listening on {shown}")),
        Ok(_) => Err(io::Error::from(ErrorKind::AddrInUse)).with_context(|| {
            format!("another sensor listens on {shown}; give this one another --socket, or none")
        }),
    }
}

/// A bound socket in the runtime; without one it waits for ever.
#[derive(Debug)]
pub(super) struct Listener {
    listener: Option<UnixListener>,
    clients: Arc<Semaphore>,
    _bound: Option<Bound>,
}

impl Listener {
    pub(super) fn new(mut bound: Option<Bound>) -> Result<Self> {
        let listener = bound.as_mut().and_then(|bound| bound.listener.take());
        let listener = listener.map(UnixListener::from_std).transpose();
        Ok(Self {
            listener: listener.context("listen on the status socket")?,
            clients: Arc::new(Semaphore::new(CLIENTS)),
            _bound: bound,
        })
    }

    /// The next client that may ask: root, or who runs the sensor.
    pub(super) async fn accept(&self) -> UnixStream {
        let Some(listener) = &self.listener else {
            return std::future::pending().await;
        };
        loop {
            match listener.accept().await {
                Ok((stream, _)) if may_ask(&stream) => return stream,
                Ok(_) => log::warn!("status socket: a client of another user was refused"),
                Err(error) => {
                    log::warn!("status socket: {error}");
                    time::sleep(PATIENCE).await;
                }
            }
        }
    }

    /// Answers beside the loop: no client can hold it up.
    pub(super) fn answer(&self, stream: UnixStream, report: String) {
        // With too many at a time the client sees its connection closed.
        if let Ok(turn) = Arc::clone(&self.clients).try_acquire_owned() {
            tokio::spawn(async move {
                let answered = time::timeout(PATIENCE, converse(stream, &report)).await;
                if !matches!(answered, Ok(Ok(()))) {
                    log::debug!("status socket: a client went away");
                }
                drop(turn);
            });
        }
    }
}

fn may_ask(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let peer = stream.peer_cred().map(|peer| peer.uid());
    peer.is_ok_and(|uid| uid == 0 || uid == own)
}

async fn converse(mut stream: UnixStream, report: &str) -> io::Result<()> {
    let mut request = [0; STATUS.len()];
    stream.read_exact(&mut request).await?;
    let answer = if request == STATUS {
        report
    } else {
        r#"{"error":"unknown request"}"#
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_command::ask;

    fn args(path: &Path) -> SocketArgs {
        SocketArgs {
            socket: Some(path.to_owned()),
        }
    }

    #[test]
    fn a_client_asks_and_is_answered() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("made/auklet.sock");
        let bound = bind(&args(&path)).expect("bind");
        let mode = path.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let listener = Listener::new(bound).expect("listen");
            // One that never asks holds nobody up.
            let silent = StdStream::connect(&path).expect("connect");
            let at = path.clone();
            let client = tokio::task::spawn_blocking(move || ask(&at));
            for _ in 0..2 {
                let stream = listener.accept().await;
                listener.answer(stream, r#"{"type":"status"}"#.to_owned());
            }
            let answer = client.await.expect("client").expect("answer");
            assert_eq!(answer["type"], "status");
            drop(silent);
        });
        assert!(!path.exists(), "the name goes with the socket");
        let error = ask(&path).expect_err("nobody").to_string();
        assert!(error.contains("no sensor listens"), "{error}");
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("auklet.sock");
        drop(StdListener::bind(&path).expect("an old one"));
        assert!(path.exists());
        let first = bind(&args(&path)).expect("stale");
        let error = format!("{:#}", bind(&args(&path)).expect_err("live"));
        assert!(error.contains("another sensor listens"), "{error}");
        drop(first);
        fs::write(&path, "precious").expect("write");
        let error = format!("{:#}", bind(&args(&path)).expect_err("a file"));
        assert!(error.contains("not a socket"), "{error}");
        assert_eq!(fs::read(&path).expect("read"), b"precious");
        let missing = dir.path().join("a/b/auklet.sock");
        let error = format!("{:#}", bind(&args(&missing)).expect_err("no directory"));
        assert!(error.contains("make "), "{error}");
    }

    #[test]
    fn none_is_no_socket() {
        assert!(bind(&args(Path::new("none"))).expect("none").is_none());
    }
}
