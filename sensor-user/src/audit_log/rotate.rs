//! Rotation as auditd does it (src/auditd-event.c: rotate_logs, shift_logs): audit.log becomes
//! audit.log.1, the newest of the old ones, mode 0400. Another order of steps, so that at no
//! moment the sensor is without a file to write to, and no failure costs a file: auditd goes on
//! renaming over what could not be moved away.

use std::{
    ffi::OsString,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::append;

/// How many files there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// So many, the current one included; at least 2.
    Files(u16),
    All,
}

/// `audit.log.N`
pub(super) fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{n}"));
    name.into()
}

/// Moves `path` and its predecessors on; gives the new current file. On failure what was current
/// still has its name, and `current` is to be written on.
pub(super) fn rotate(path: &Path, current: &File, keep: Keep, flags: i32) -> io::Result<File> {
    let oldest = match keep {
        Keep::Files(files) => u32::from(files.max(2)) - 1,
        Keep::All => free(path),
    };
    let mut new = OsString::from(path);
    new.push(".new");
    let new = PathBuf::from(new);
    let file = create(&new, &numbered(path, oldest), flags)?;
    let renamed = shift(path, oldest).and_then(|()| exchange(path, &new));
    if let Err(error) = renamed {
        drop(fs::remove_file(&new));
        return Err(error);
    }
    if let Err(error) = current.set_permissions(Permissions::from_mode(0o400)) {
        log::warn!("mode of {}.1 stays: {error}", path.display());
    }
    Ok(file)
}

/// The next current file, beside the present one. On a full disk the oldest file, which would go
/// anyway, makes room.
fn create(new: &Path, oldest: &Path, flags: i32) -> io::Result<File> {
    match append::create(new, flags) {
        // Of a sensor that ended in between: empty, as nothing is written under this name.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(new)?;
            append::create(new, flags)
        }
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            fs::remove_file(oldest)?;
            append::create(new, flags)
        }
        made => made,
    }
}

/// Makes `.1` free. Stops at the first that can't be moved: the next would be renamed over it.
fn shift(path: &Path, oldest: u32) -> io::Result<()> {
    for n in (1..oldest).rev() {
        match fs::rename(numbered(path, n), numbered(path, n + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn exchange(path: &Path, new: &Path) -> io::Result<()> {
    let newest = numbered(path, 1);
    match fs::rename(path, &newest) {
        // Someone moved it away, and the sensor was writing there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        renamed => renamed?,
    }
    fs::rename(new, path).inspect_err(|_| drop(fs::rename(&newest, path)))
}

/// The first number without a file.
fn free(path: &Path) -> u32 {
    let taken = |n: &u32| fs::symlink_metadata(numbered(path, *n)).is_ok();
    (1..u32::MAX).find(|n| !taken(n)).unwrap_or(u32::MAX)
}

/// auditd's check_excess_logs, at the start: files beyond num_logs go, up to the first gap.
pub(super) fn remove_excess(path: &Path, files: u16) {
    for n in u32::from(files.max(2)).. {
        let excess = numbered(path, n);
        if fs::remove_file(&excess).is_err() {
            break;
        }
        log::info!("{} removed: more than num_logs", excess.display());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("metadata").permissions().mode() & 0o777
    }

    /// Writes `rounds` files and rotates after each; the contents of the current and the old ones.
    fn contents(keep: Keep, rounds: u8) -> (tempfile::TempDir, PathBuf, Vec<String>) {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("audit.log");
        let mut file = append::open(&path, 0).expect("open");
        for round in 0..rounds {
            writeln!(file, "{round}").expect("write");
            file = rotate(&path, &file, keep, 0).expect("rotate");
        }
        let old = (1..).map(|n| numbered(&path, n));
        let old = old.map_while(|old| fs::read_to_string(old).ok());
        let old = old.map(|text| text.trim().to_owned()).collect();
        (dir, path, old)
    }

    #[test]
    fn the_newest_is_1_and_as_many_as_asked_for_stay() {
        for (keep, expect) in [
            (Keep::Files(2), &["5"][..]),
            (Keep::Files(4), &["5", "4", "3"]),
            (Keep::Files(999), &["5", "4", "3", "2", "1", "0"]),
            (Keep::All, &["5", "4", "3", "2", "1", "0"]),
        ] {
            let (dir, path, old) = contents(keep, 6);
            assert_eq!(old, expect, "{keep:?}");
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(&numbered(&path, 1)), 0o400);
            let files = fs::read_dir(dir.path()).expect("directory").count();
            assert_eq!(files, expect.len() + 1, "nothing else is left");
        }
    }

    #[test]
    fn a_rename_that_fails_costs_nothing() {
        for (blocked, files) in [(1, 2), (2, 4), (3, 4)] {
            let (_dir, path, _) = contents(Keep::Files(4), 3);
            let before = |n| fs::read(numbered(&path, n)).ok();
            let at = numbered(&path, blocked);
            fs::remove_file(&at).expect("remove");
            fs::create_dir_all(at.join("full")).expect("block");
            let mut file = append::open(&path, 0).expect("open");
            writeln!(file, "now").expect("write");
            let kept: Vec<_> = (1..4).filter_map(before).collect();
            rotate(&path, &file, Keep::Files(files), 0).expect_err("blocked");
            writeln!(file, "on").expect("goes on");
            assert_eq!(fs::read(&path).expect("current"), b"now\non\n");
            let after: Vec<_> = (1..4).filter_map(before).collect();
            assert_eq!(after, kept, "blocked at {blocked}");
            assert!(!path.with_extension("log.new").exists());
        }
    }

    #[test]
    fn excess_goes_at_the_start() {
        let (_dir, path, old) = contents(Keep::All, 6);
        assert_eq!(old.len(), 6);
        remove_excess(&path, 3);
        let left: Vec<u32> = (1..9).filter(|n| numbered(&path, *n).exists()).collect();
        assert_eq!(left, [1, 2]);
    }
}
