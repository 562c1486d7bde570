//! What a log needs of a disk, and a file that gives it.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    AuditLogError,
    append::{self, Log},
    flush::Flusher,
    rotate::{self, Keep},
    settings::FlushMode,
};

/// A place for a log.
pub(super) trait Store: Log {
    /// Begins a new file. On failure the present one is written on.
    fn rotate(&mut self, keep: Keep) -> io::Result<()>;
    /// Brings to the disk what was written; later ones may tell the error.
    fn flush_data(&mut self, background: bool) -> io::Result<()>;
    /// Bytes that are left to write.
    fn free(&self) -> io::Result<u64>;
}

/// A file and its name.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: Arc<File>,
    flags: i32,
    flusher: Flusher,
}

impl Disk {
    pub(super) fn open(path: &Path, flush: FlushMode) -> Result<Self, AuditLogError> {
        let flags = flush.open_flags();
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(append::open(path, flags)?),
            flags,
            flusher: Flusher::default(),
        })
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for Disk {
    fn bytes(&self) -> io::Result<u64> {
        (&*self.file).bytes()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        (&*self.file).cut(bytes)
    }
}

impl Store for Disk {
    fn rotate(&mut self, keep: Keep) -> io::Result<()> {
        let new = rotate::rotate(&self.path, &self.file, keep, self.flags)?;
        self.file = Arc::new(new);
        Ok(())
    }

    fn flush_data(&mut self, background: bool) -> io::Result<()> {
        if background {
            self.flusher.request(&self.file)
        } else {
            self.file.sync_data()
        }
    }

    fn free(&self) -> io::Result<u64> {
        let space = rustix::fs::fstatvfs(&*self.file)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}
