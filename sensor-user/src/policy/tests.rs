mod decide;
mod events;
mod language;
mod operations;
mod permissions;
mod random;
mod shipped;
mod watches;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Host, Node, Policy};

/// The kernel that tests take: before 7.0.
pub(super) const KERNEL: (u32, u32) = (6, 12);

/// A host of the test's own.
#[derive(Default)]
pub(super) struct Fake {
    /// Inode numbers by path, all on device 8:1; those that end with '/' are directories.
    files: BTreeMap<String, u64>,
    debugfs: Vec<u32>,
}

pub(super) const DEV: u32 = 8 << 20 | 1;

impl Fake {
    pub(super) fn with(files: &[(&str, u64)]) -> Self {
        let files = files.iter().map(|(path, ino)| ((*path).to_owned(), *ino));
        Self {
            files: files.collect(),
            debugfs: vec![7],
        }
    }

    /// A host with `/etc`, `/etc/shadow`, `/bin/su`, `/tmp`.
    pub(super) fn usual() -> Self {
        Self::with(&[
            ("/", 2),
            ("/etc/", 10),
            ("/etc/shadow", 11),
            ("/usr/", 20),
            ("/usr/bin/", 21),
            ("/usr/bin/su", 22),
            ("/tmp/", 30),
        ])
    }

    fn get(&self, path: &Path) -> Option<u64> {
        let text = path.to_str()?;
        let dir = format!("{}/", text.trim_end_matches('/'));
        self.files
            .get(text)
            .or_else(|| self.files.get(&dir))
            .copied()
    }
}

impl Host for Fake {
    fn uid(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"root" => Some(0),
            b"chrony" => Some(112),
            _ => None,
        }
    }

    fn gid(&self, name: &[u8]) -> Option<u32> {
        (name == b"wheel").then_some(10)
    }

    fn node(&self, path: &Path) -> Option<Node> {
        let ino = self.get(path)?;
        Some(Node { dev: DEV, ino })
    }

    fn is_dir(&self, path: &Path) -> bool {
        let dir = path
            .to_str()
            .map(|text| format!("{}/", text.trim_end_matches('/')));
        dir.is_some_and(|dir| self.files.contains_key(&dir))
    }

    fn canonical(&self, dir: &Path) -> Option<PathBuf> {
        // /bin is a link.
        let text = dir.to_str()?;
        let real = match text.strip_prefix("/bin") {
            Some(rest) => format!("/usr/bin{rest}"),
            None => text.to_owned(),
        };
        let real = PathBuf::from(real);
        self.is_dir(&real).then_some(real)
    }

    fn devices(&self, fstype: &str) -> Vec<u32> {
        if fstype == "debugfs" {
            self.debugfs.clone()
        } else {
            Vec::new()
        }
    }
}

pub(super) fn load(text: &str) -> Policy {
    load_on(text, &Fake::usual())
}

pub(super) fn load_on(text: &str, host: &Fake) -> Policy {
    Policy::parse(Path::new("t.rules"), text.as_bytes(), host, KERNEL).expect(text)
}

pub(super) fn errors(text: &str) -> String {
    let loaded = Policy::parse(
        Path::new("t.rules"),
        text.as_bytes(),
        &Fake::usual(),
        KERNEL,
    );
    loaded.expect_err(text).to_string()
}
