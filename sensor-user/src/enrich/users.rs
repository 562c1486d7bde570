//! Names of users, from /etc/passwd. Not through the C library: its name services load code into
//! this process and may ask the network.

use std::{collections::HashMap, fs, time::SystemTime};

/// passwd(5), read again when it changed.
#[derive(Debug, Default)]
pub struct Users {
    names: HashMap<u32, Vec<u8>>,
    read_at: Option<SystemTime>,
}

const PASSWD: &str = "/etc/passwd";

impl Users {
    /// The user's name, or the number when it has none.
    pub fn name(&mut self, uid: u32) -> Vec<u8> {
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
    fn the_first_name_counts_and_bad_lines_do_not() {
        let names = parse(
            b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbad\nx:y:z\n\xff:x:7:7::/:\n",
        );
        assert_eq!(names.get(&0).map(Vec::as_slice), Some(&b"root"[..]));
        assert_eq!(names.get(&7).map(Vec::as_slice), Some(&b"\xff"[..]));
        assert_eq!(names.len(), 2);
    }
}
