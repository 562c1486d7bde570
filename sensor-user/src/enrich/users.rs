//! Names of users, from /etc/passwd, or as a log of another machine tells them. Not through the C library: its name services load code into
//! this process and may ask the network.

use std::{collections::HashMap, fs, time::SystemTime};

/// passwd(5), read again when it changed.
#[derive(Debug, Default)]
pub struct Users {
    names: HashMap<u32, Vec<u8>>,
    read_at: Option<SystemTime>,
    /// Names that a log tells; they count before those of this machine.
    told: HashMap<u32, Vec<u8>>,
    /// The users are another machine's.
    elsewhere: bool,
}

const PASSWD: &str = "/etc/passwd";
/// Most names kept of those that a log tells.
const TOLD: usize = 16_384;

impl Users {
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
        let changed = fs::metadata(PASSWD).and_then(|m| m.modified()).ok();
        if changed != self.read_at {
            self.names = parse(&fs::read(PASSWD).unwrap_or_default());
            self.read_at = changed;
        }
        self.names
            .get(&uid)
            .cloned()
            .unwrap_or_else(|| uid.to_string().into_bytes())
    }
}

fn parse(passwd: &[u8]) -> HashMap<u32, Vec<u8>> {
    let mut names = HashMap::new();
    for line in passwd.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        let uid = fields
            .get(2)
            .and_then(|uid| std::str::from_utf8(uid).ok()?.parse().ok());
        if let (Some(name), Some(uid)) = (fields.first(), uid) {
            // The first line of a uid counts, as for getpwuid(3).
            names.entry(uid).or_insert_with(|| name.to_vec());
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
}
