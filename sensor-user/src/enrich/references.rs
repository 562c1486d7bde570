//! Times of system files, to name the one that a timestamp was copied from.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

/// Directories whose files lend their times.
const DIRECTORIES: [&str; 7] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/etc",
    "/usr/local/bin",
];
/// Files looked at in one directory.
const PER_DIRECTORY: usize = 8192;

/// Modification time (seconds, nanoseconds) → a file that has it. Built when first asked.
#[derive(Debug, Default)]
pub struct References {
    by_mtime: Option<HashMap<(i64, u32), Vec<u8>>>,
}

impl References {
    /// A system file with exactly this time, other than `target` itself.
    pub fn find(&mut self, mtime: (i64, u32), target: &[u8]) -> Option<&[u8]> {
        let index = self.by_mtime.get_or_insert_with(index);
        index
            .get(&mtime)
            .map(Vec::as_slice)
            .filter(|path| *path != target)
    }
}

fn index() -> HashMap<(i64, u32), Vec<u8>> {
    let mut found = HashMap::new();
    for directory in DIRECTORIES {
        let Ok(entries) = fs::read_dir(Path::new(directory)) else {
            continue;
        };
        for entry in entries.flatten().take(PER_DIRECTORY) {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() {
                let nsec = u32::try_from(metadata.mtime_nsec()).unwrap_or(0);
                let path = entry.path().as_os_str().as_bytes().to_vec();
                found.entry((metadata.mtime(), nsec)).or_insert(path);
            }
        }
    }
    found
}
