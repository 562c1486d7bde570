//! Names of users and groups, from /etc/passwd and /etc/group, or as a log of another machine tells
//! them. Not through the C library: its name services load code into this process and may ask the
//! network.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// passwd(5) and group(5), read again when they changed.
#[derive(Debug)]
pub struct Users {
    users: Names,
    groups: Names,
    /// Names that a log tells; they count before those of this machine.
    told: HashMap<u32, Vec<u8>>,
    /// The users are another machine's.
    elsewhere: bool,
}

/// Most names kept of those that a log tells.
const TOLD: usize = 16_384;

impl Default for Users {
    fn default() -> Self {
        Self::of(Path::new("/etc/passwd"), Path::new("/etc/group"))
    }
}

impl Users {
    /// Of other files.
    pub(crate) fn of(passwd: &Path, group: &Path) -> Self {
        Self {
            users: Names::of(passwd),
            groups: Names::of(group),
            told: HashMap::new(),
            elsewhere: false,
        }
    }

    /// Users of another machine: this one's passwd says nothing of them.
    #[must_use]
    pub fn elsewhere() -> Self {
        Self {
            elsewhere: true,
            ..Self::default()
        }
    }

    /// A log tells a user's name.
    pub fn learn(&mut self, uid: u32, name: &[u8]) {
        if self.told.len() >= TOLD {
            return;
        }
        if self.told.get(&uid).is_none_or(|told| told != name) {
            self.told.insert(uid, name.to_vec());
        }
    }

    /// The user's name, or the number when it has none.
    pub fn name(&mut self, uid: u32) -> Vec<u8> {
        if let Some(told) = self.told.get(&uid) {
            return told.clone();
        }
        if self.elsewhere {
            return uid.to_string().into_bytes();
        }
        self.users.refresh();
        let name = self.user(uid).map(<[u8]>::to_vec);
        name.unwrap_or_else(|| uid.to_string().into_bytes())
    }

    /// Looks whether the files changed: once for several questions.
    pub fn refresh(&mut self) {
        self.users.refresh();
        self.groups.refresh();
    }

    /// The user's name, as of the last [`Users::refresh`].
    #[must_use]
    pub fn user(&self, uid: u32) -> Option<&[u8]> {
        self.users.names.get(&uid).map(Vec::as_slice)
    }

    /// The group's name, as of the last [`Users::refresh`].
    #[must_use]
    pub fn group(&self, gid: u32) -> Option<&[u8]> {
        self.groups.names.get(&gid).map(Vec::as_slice)
    }
}

/// A file of `name:password:number:…` lines.
#[derive(Debug)]
struct Names {
    file: PathBuf,
    names: HashMap<u32, Vec<u8>>,
    read_at: Option<SystemTime>,
}

impl Names {
    fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            names: HashMap::new(),
            read_at: None,
        }
    }

    fn refresh(&mut self) {
        let changed = fs::metadata(&self.file).and_then(|m| m.modified()).ok();
        if changed != self.read_at {
            self.names = parse(&fs::read(&self.file).unwrap_or_default());
            self.read_at = changed;
        }
    }
}

fn parse(lines: &[u8]) -> HashMap<u32, Vec<u8>> {
    let mut names = HashMap::new();
    for line in lines.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        let id = fields
            .get(2)
            .and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        if let (Some(name), Some(id)) = (fields.first(), id) {
            // The first line of a number counts, as for getpwuid(3).
            names.entry(id).or_insert_with(|| name.to_vec());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_tells_counts_first() {
        let mut users = Users::elsewhere();
        assert_eq!(users.name(0), b"0");
        users.learn(0, b"toor");
        assert_eq!(users.name(0), b"toor");
        let mut here = Users::default();
        here.learn(4_000_000_000, b"x");
        assert_eq!(here.name(4_000_000_000), b"x");
    }

    #[test]
    fn the_first_name_counts_and_bad_lines_do_not() {
        let names = parse(
            b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbad\nx:y:z\n\xff:x:7:7::/:\n",
        );
        assert_eq!(names.get(&0).map(Vec::as_slice), Some(&b"root"[..]));
        assert_eq!(names.get(&7).map(Vec::as_slice), Some(&b"\xff"[..]));
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn groups_are_not_users_and_changes_are_seen() {
        let dir = tempfile::tempdir().expect("directory");
        let (passwd, group) = (dir.path().join("passwd"), dir.path().join("group"));
        fs::write(&passwd, "alice:x:7:7::/:\n").expect("write");
        let mut users = Users::of(&passwd, &group);
        assert_eq!(users.name(7), b"alice");
        assert_eq!(users.name(8), b"8");
        assert_eq!(users.group(7), None);
        fs::write(&group, "adm:x:7:alice\n").expect("write");
        users.refresh();
        assert_eq!(users.group(7), Some(&b"adm"[..]));
        assert_eq!(users.user(7), Some(&b"alice"[..]));
    }
}
