//! The host's files as analysers look at them: bounded, regular files only, no link followed at the end.

use std::{
    ffi::OsStr,
    fs::{File, Metadata},
    io::Read as _,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

use auklet_rules::analysis::{FileId, FileLook, Files, Look, READ_LIMIT};
use rustix::{
    fs::{Mode, OFlags, open, readlinkat},
    io::Errno,
};

/// The running host, from the sensor's own root.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostFiles;

impl Files for HostFiles {
    fn look(&mut self, path: &[u8]) -> Look {
        at(path, true)
    }

    fn glance(&mut self, path: &[u8]) -> Look {
        at(path, false)
    }

    fn list(&mut self, path: &[u8], limit: usize) -> Vec<Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(Path::new(OsStr::from_bytes(path))) else {
            return Vec::new();
        };
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().as_bytes().to_vec());
        names.take(limit).collect()
    }
}

/// By a descriptor that opens nothing (O_PATH), so that no device or pipe is woken; only what then turns out to
/// be a regular file is opened, by that descriptor.
fn at(path: &[u8], content: bool) -> Look {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Look::Absent,
        Err(error) => return Look::Unreadable(error.to_string()),
    };
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Look::Unreadable(error.to_string()),
    };
    let kind = metadata.file_type();
    if kind.is_symlink() {
        return match readlinkat(&file, c"", Vec::new()) {
            Ok(target) => Look::Link {
                id: id(&metadata),
                target: target.into_bytes(),
            },
            Err(error) => Look::Unreadable(error.to_string()),
        };
    }
    if kind.is_dir() {
        return Look::Directory(id(&metadata));
    }
    if !kind.is_file() {
        return Look::Other(id(&metadata));
    }
    let read = if content { read(&file) } else { Ok(Vec::new()) };
    match read {
        Ok(content) => Look::File(look(&metadata, content)),
        Err(error) => Look::Unreadable(error.to_string()),
    }
}

fn read(by_path: &File) -> std::io::Result<Vec<u8>> {
    use std::os::fd::AsRawFd as _;
    let opened = File::open(format!("/proc/self/fd/{}", by_path.as_raw_fd()))?;
    let mut content = Vec::new();
    opened.take(READ_LIMIT as u64).read_to_end(&mut content)?;
    Ok(content)
}

fn look(metadata: &Metadata, content: Vec<u8>) -> FileLook {
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    FileLook {
        id: id(metadata),
        owner: metadata.uid(),
        mode: metadata.mode(),
        links: metadata.nlink(),
        size: metadata.size(),
        times_ns: (
            ns(metadata.mtime(), metadata.mtime_nsec()),
            ns(metadata.ctime(), metadata.ctime_nsec()),
        ),
        content,
    }
}

/// With the device as the kernel numbers it.
fn id(metadata: &Metadata) -> FileId {
    let (major, minor) = (
        rustix::fs::major(metadata.dev()),
        rustix::fs::minor(metadata.dev()),
    );
    (major << 20 | minor, metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_told_and_only_files_are_read() {
        let dir = tempfile::tempdir().expect("directory");
        let path = |name: &str| dir.path().join(name).as_os_str().as_bytes().to_vec();
        std::fs::write(dir.path().join("f"), vec![7; READ_LIMIT + 9]).expect("write");
        std::os::unix::fs::symlink("/nowhere/at all", dir.path().join("l")).expect("link");
        let (here, fifo) = (rustix::fs::CWD, rustix::fs::FileType::Fifo);
        let pipe = dir.path().join("p");
        rustix::fs::mknodat(here, pipe, fifo, Mode::RUSR, 0).expect("pipe");
        let Look::File(file) = HostFiles.look(&path("f")) else {
            panic!("not a file");
        };
        assert_eq!(file.content.len(), READ_LIMIT);
        assert!(file.is_cut());
        assert_eq!(file.size, READ_LIMIT as u64 + 9);
        let Look::File(glanced) = HostFiles.glance(&path("f")) else {
            panic!("not a file");
        };
        assert_eq!((glanced.id, glanced.content.len()), (file.id, 0));
        assert!(
            matches!(HostFiles.look(&path("l")), Look::Link { target, .. } if target == b"/nowhere/at all")
        );
        // A reader of the pipe would wait for ever.
        assert!(matches!(HostFiles.look(&path("p")), Look::Other(_)));
        assert!(matches!(HostFiles.look(&path("")), Look::Directory(_)));
        assert_eq!(HostFiles.look(&path("none")), Look::Absent);
        assert_eq!(HostFiles.look(&path("f/none")), Look::Absent);
        let mut names = HostFiles.list(&path(""), 9);
        names.sort();
        assert_eq!(names, [b"f", b"l", b"p"]);
        assert_eq!(HostFiles.list(&path(""), 2).len(), 2);
        assert!(HostFiles.list(&path("none"), 2).is_empty());
        let nul = HostFiles.look(b"/a\0b");
        assert!(matches!(nul, Look::Unreadable(_)), "{nul:?}");
    }
}
