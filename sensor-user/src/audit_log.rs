//! `--audit-log`: records in a file, whole events only. The sensor is the file's only writer;
//! something else may still cut it from the front while it runs (logrotate's copytruncate).

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Why the log can't be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditLogError {
    #[error("open audit log {path}: {source}")]
    Open { path: String, source: io::Error },
    #[error("open audit log {path}: not a regular file")]
    NotAFile { path: String },
    #[error("open audit log {path}: a symbolic link, name the file itself")]
    Link { path: String },
    #[error(
        "write audit log {path}: {source}; the {kept} events before stay whole, this one is lost"
    )]
    Write {
        path: String,
        source: io::Error,
        kept: u64,
    },
}

/// An open log; it always ends with a whole event.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    events: u64,
}

impl AuditLog {
    /// Opens to append, creates with mode 0600. A torn last line (a crash while writing) is left
    /// as it is and ended, so that no record is glued to it.
    ///
    /// # Errors
    /// It can't be opened, or it is a link, a device, a pipe.
    pub fn open(path: &Path) -> Result<Self, AuditLogError> {
        let shown = || path.display().to_string();
        let source = |source| AuditLogError::Open {
            path: shown(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ELOOP) if path.is_symlink() => AuditLogError::Link { path: shown() },
                _ => source(error),
            })?;
        if !file.metadata().map_err(source)?.is_file() {
            return Err(AuditLogError::NotAFile { path: shown() });
        }
        let end = file.seek(SeekFrom::End(0)).map_err(source)?;
        if end > 0 && !ends_line(&mut file).map_err(source)? {
            file.write_all(b"\n").map_err(source)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            events: 0,
        })
    }

    /// Appends the records of one event. On failure what was there stays whole.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn write_event(&mut self, records: &[u8]) -> Result<(), AuditLogError> {
        if let Err(source) = append(&mut self.file, records) {
            let path = self.path.display().to_string();
            return Err(AuditLogError::Write {
                path,
                source,
                kept: self.events,
            });
        }
        self.events += 1;
        Ok(())
    }
}

/// What taking back half an event needs.
trait Log: Write {
    fn bytes(&self) -> io::Result<u64>;
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Log for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// Appends all of `records` or nothing.
fn append(log: &mut impl Log, records: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < records.len() {
        match log.write(&records[written..]) {
            Ok(0) => return take_back(log, written, io::ErrorKind::WriteZero.into()),
            Ok(bytes) => written += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return take_back(log, written, error),
        }
    }
    Ok(())
}

/// Counts back from where the file ends now: a length remembered from before would fill a file
/// that was cut meanwhile with zeros. If this fails the torn line stays, and the next start ends it.
fn take_back(log: &mut impl Log, written: usize, error: io::Error) -> io::Result<()> {
    if written > 0 {
        let whole = log.bytes().map(|now| now.saturating_sub(written as u64));
        drop(whole.and_then(|whole| log.cut(whole)));
    }
    Err(error)
}

fn ends_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn appends_with_mode_0600_and_ends_a_torn_line() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("audit.log");
        AuditLog::open(&path)
            .expect("open")
            .write_event(b"type=A\n")
            .expect("write");
        assert_eq!(path.metadata().expect("metadata").mode() & 0o777, 0o600);
        std::fs::write(&path, b"type=A\ntype=B tor").expect("write");
        AuditLog::open(&path)
            .expect("open")
            .write_event(b"type=C\n")
            .expect("write");
        assert_eq!(
            std::fs::read(&path).expect("read"),
            b"type=A\ntype=B tor\ntype=C\n"
        );
    }

    #[test]
    fn links_devices_and_directories_are_refused() {
        let dir = tempfile::tempdir().expect("directory");
        let link = dir.path().join("link");
        symlink("/tmp/elsewhere", &link).expect("link");
        let refused = |path: &Path| AuditLog::open(path).expect_err("refused").to_string();
        for path in [&link, Path::new("/dev/null"), dir.path()] {
            let error = refused(path);
            assert!(error.starts_with("open audit log "), "{error}");
        }
        assert!(refused(&link).contains("symbolic link"));
        assert!(refused(Path::new("/dev/null")).contains("not a regular file"));
    }

    /// Takes `room` bytes, 5 at a time, then fails with `errno`.
    struct Disk {
        content: Vec<u8>,
        room: usize,
        errno: i32,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.content.len()).min(5);
            if taken == 0 && self.errno != 0 {
                return Err(io::Error::from_raw_os_error(self.errno));
            }
            self.content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Log for Disk {
        fn bytes(&self) -> io::Result<u64> {
            Ok(self.content.len() as u64)
        }

        fn cut(&mut self, bytes: u64) -> io::Result<()> {
            self.content
                .truncate(usize::try_from(bytes).expect("small"));
            Ok(())
        }
    }

    #[test]
    fn what_was_written_of_a_lost_event_is_taken_back() {
        for errno in [libc::ENOSPC, libc::EIO, 0] {
            for room in 8..16 {
                let content = Vec::new();
                let mut disk = Disk {
                    content,
                    room,
                    errno,
                };
                append(&mut disk, b"type=A..").expect("room");
                let error = append(&mut disk, b"type=B..\n").expect_err("no room");
                assert_eq!(error.raw_os_error().unwrap_or(0), errno);
                assert_eq!(disk.content, b"type=A..", "room for {room}");
            }
        }
    }

    #[test]
    fn a_log_cut_from_outside_goes_on_at_its_new_end() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("audit.log");
        let mut log = AuditLog::open(&path).expect("open");
        log.write_event(b"type=A\n").expect("write");
        File::options()
            .write(true)
            .truncate(true)
            .open(&path)
            .expect("copytruncate");
        log.write_event(b"type=B\n").expect("write");
        log.file.write_all(b"type=C tor").expect("write");
        let lost = take_back(&mut log.file, 10, io::ErrorKind::StorageFull.into());
        assert_eq!(lost.expect_err("lost").kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).expect("read"), b"type=B\n");
    }
}
