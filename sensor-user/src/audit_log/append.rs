//! Whole events or nothing: opening the file that they go to, and taking back half of one. The
//! sensor is the file's only writer; something else may still cut it from the front while it runs
//! (logrotate's copytruncate).

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::AuditLogError;

/// Opens to append, creates with mode 0600. A torn last line (a crash while writing) is left as it
/// is and ended, so that no record is glued to it. `flags` are added to open(2)'s.
pub(super) fn open(path: &Path, flags: i32) -> Result<File, AuditLogError> {
    let shown = || path.display().to_string();
    let source = |source| AuditLogError::Open {
        path: shown(),
        source,
    };
    let file =
        options(flags)
            .create(true)
            .open(path)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ELOOP) if path.is_symlink() => AuditLogError::Link { path: shown() },
                _ => source(error),
            })?;
    if !file.metadata().map_err(source)?.is_file() {
        return Err(AuditLogError::NotAFile { path: shown() });
    }
    let end = (&file).seek(SeekFrom::End(0)).map_err(source)?;
    if end > 0 && !ends_line(&file).map_err(source)? {
        (&file).write_all(b"\n").map_err(source)?;
    }
    Ok(file)
}

/// A file that was not there, as [`open`] would make it.
pub(super) fn create(path: &Path, flags: i32) -> io::Result<File> {
    options(flags).create_new(true).open(path)
}

fn options(flags: i32) -> OpenOptions {
    let mut options = File::options();
    options
        .read(true)
        .append(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | flags);
    options
}

/// What taking back half an event needs.
pub(super) trait Log: Write {
    fn bytes(&self) -> io::Result<u64>;
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Log for &File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// Appends all of `records` or nothing.
pub(super) fn append(log: &mut impl Log, records: &[u8]) -> io::Result<()> {
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

pub(super) fn ends_line(mut file: &File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let file = open(&path, 0).expect("open");
        let mut log = &file;
        append(&mut log, b"type=A\n").expect("write");
        File::options()
            .write(true)
            .truncate(true)
            .open(&path)
            .expect("copytruncate");
        append(&mut log, b"type=B\n").expect("write");
        log.write_all(b"type=C tor").expect("write");
        let lost = take_back(&mut log, 10, io::ErrorKind::StorageFull.into());
        assert_eq!(lost.expect_err("lost").kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).expect("read"), b"type=B\n");
    }
}
