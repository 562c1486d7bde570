//! Whose homes there are, and where sshd looks for keys: passwd(5) and sshd_config(5), read as files.

use std::collections::BTreeMap;

use crate::analysis::files::{Files, Look};

/// Most accounts whose homes are watched.
const ACCOUNTS: usize = 4096;
/// Most patterns of AuthorizedKeysFile, and files that sshd_config includes.
const PATTERNS: usize = 64;

/// Homes and the places of keys.
#[derive(Debug, Default)]
pub(super) struct Homes {
    /// Home → user; of several users of one home the first.
    pub(super) homes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// File of keys → user, where sshd_config says another place than the usual.
    pub(super) keys: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Homes {
    pub(super) fn read(files: &mut dyn Files) -> Self {
        let passwd = text(files, b"/etc/passwd");
        let accounts = accounts(&passwd);
        let mut homes = BTreeMap::new();
        for account in &accounts {
            // A home of / would make every file one of a home's.
            if account.home.len() > 1 && account.home.starts_with(b"/") {
                let home = account.home.strip_suffix(b"/").unwrap_or(account.home);
                homes
                    .entry(home.to_vec())
                    .or_insert_with(|| account.name.to_vec());
            }
        }
        let mut keys = BTreeMap::new();
        for pattern in patterns(files) {
            for account in &accounts {
                let path = expand(&pattern, account);
                keys.entry(path).or_insert_with(|| account.name.to_vec());
            }
        }
        Self { homes, keys }
    }

    /// Whose home a path is in.
    pub(super) fn user_of(&self, path: &[u8]) -> Option<&[u8]> {
        let mut end = path.len();
        while let Some(at) = path[..end].iter().rposition(|b| *b == b'/') {
            if let Some(user) = self.homes.get(&path[..at]) {
                return Some(user);
            }
            end = at;
        }
        None
    }
}

fn text(files: &mut dyn Files, path: &[u8]) -> Vec<u8> {
    match files.look(path) {
        Look::File(file) => file.content,
        _ => Vec::new(),
    }
}

struct Account<'a> {
    name: &'a [u8],
    uid: &'a [u8],
    home: &'a [u8],
}

fn accounts(passwd: &[u8]) -> Vec<Account<'_>> {
    let account = |line| {
        let fields: Vec<&[u8]> = <[u8]>::split(line, |b| *b == b':').collect();
        match *fields {
            [name, _, uid, _, _, home, ..] if !name.is_empty() => Some(Account { name, uid, home }),
            _ => None,
        }
    };
    let lines = passwd.split(|b| *b == b'\n');
    lines.filter_map(account).take(ACCOUNTS).collect()
}

/// What AuthorizedKeysFile says anywhere, also in Match blocks and included files, but for the usual.
fn patterns(files: &mut dyn Files) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut todo: Vec<Vec<u8>> = vec![b"/etc/ssh/sshd_config".to_vec()];
    let mut read = 0;
    while let Some(path) = todo.pop().filter(|_| read < PATTERNS) {
        read += 1;
        let config = text(files, &path);
        for line in config.split(|b| *b == b'\n') {
            let mut words = line
                .split(|b| b.is_ascii_whitespace() || *b == b'=')
                .filter(|word| !word.is_empty());
            let keyword = words.next().unwrap_or_default();
            if keyword.eq_ignore_ascii_case(b"AuthorizedKeysFile") {
                let own = |word: &&[u8]| {
                    !matches!(
                        *word,
                        b"none" | b".ssh/authorized_keys" | b".ssh/authorized_keys2"
                    )
                };
                found.extend(words.filter(own).map(unquoted));
            } else if keyword.eq_ignore_ascii_case(b"Include") {
                todo.extend(words.flat_map(|word| included(files, &unquoted(word))));
            }
        }
    }
    found.truncate(PATTERNS);
    found
}

fn unquoted(word: &[u8]) -> Vec<u8> {
    word.iter().copied().filter(|b| *b != b'"').collect()
}

/// The files that an Include names: one, or DIRECTORY/*.conf.
fn included(files: &mut dyn Files, pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut path = pattern.to_vec();
    if !path.starts_with(b"/") {
        path = [b"/etc/ssh/", &path[..]].concat();
    }
    let Some(directory) = path.strip_suffix(b"/*.conf") else {
        return vec![path];
    };
    let mut names = files.list(directory, PATTERNS);
    names.retain(|name| name.ends_with(b".conf"));
    let path = |name: Vec<u8>| [directory, b"/", &name[..]].concat();
    names.into_iter().map(path).collect()
}

/// %h, %u, %U, %%; a relative path starts from the home.
fn expand(pattern: &[u8], account: &Account<'_>) -> Vec<u8> {
    let mut path = Vec::new();
    if !pattern.starts_with(b"/") && !pattern.starts_with(b"%h") {
        path.extend_from_slice(account.home);
        path.push(b'/');
    }
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            path.push(*byte);
            continue;
        }
        match bytes.next() {
            Some(b'h') => path.extend_from_slice(account.home),
            Some(b'u') => path.extend_from_slice(account.name),
            Some(b'U') => path.extend_from_slice(account.uid),
            Some(b'%') => path.push(b'%'),
            _ => {}
        }
    }
    path
}
