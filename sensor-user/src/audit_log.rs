//! `--audit-log`: records in a file, whole events only.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
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
    /// Bytes up to the end of the last whole event.
    end: u64,
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
            .map_err(source)?;
        if !file.metadata().map_err(source)?.is_file() {
            return Err(AuditLogError::NotAFile { path: shown() });
        }
        let mut end = file.seek(SeekFrom::End(0)).map_err(source)?;
        if end > 0 && !ends_line(&mut file).map_err(source)? {
            file.write_all(b"\n").map_err(source)?;
            end += 1;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            end,
            events: 0,
        })
    }

    /// Appends the records of one event. On failure what was there stays whole.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn write_event(&mut self, records: &[u8]) -> Result<(), AuditLogError> {
        if let Err(source) = self.file.write_all(records) {
            // What was written of this event goes; if even that fails the torn line stays, and
            // the next start ends it.
            let _ = self.file.set_len(self.end).is_ok();
            let path = self.path.display().to_string();
            return Err(AuditLogError::Write {
                path,
                source,
                kept: self.events,
            });
        }
        self.end += records.len() as u64;
        self.events += 1;
        Ok(())
    }
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
        for path in [link.as_path(), Path::new("/dev/null"), dir.path()] {
            let error = AuditLog::open(path).expect_err("refused").to_string();
            assert!(error.starts_with("open audit log "), "{error}");
        }
    }
}
