//! `name_format` of auditd.conf(5): what stands after `node=` on every line.

use std::fs;

use clap::ValueEnum;

/// Longest name: HOST_NAME_MAX is 64; auditd takes _POSIX_HOST_NAME_MAX.
const LONGEST: usize = 255;

/// `name_format`; auditd's `numeric` (the host's address) is not offered: it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NameFormat {
    /// No `node=`.
    #[default]
    None,
    /// The host's name.
    Hostname,
    /// With its domain, from /etc/hosts: the sensor asks no name server.
    Fqd,
    /// The one given with --node-name.
    User,
}

/// The name of this machine.
///
/// # Errors
/// There is none, or it could be taken for something else in a record.
pub(super) fn name(format: NameFormat, user: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    let host = || fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = match (format, user) {
        (NameFormat::None | NameFormat::User, Some(user)) => user.as_bytes().to_vec(),
        (NameFormat::None, None) => return Ok(None),
        (NameFormat::User, None) => return Err("--name-format user needs --node-name".to_owned()),
        (_, Some(_)) => return Err("--node-name is for --name-format user".to_owned()),
        (NameFormat::Hostname, None) => host().trim_ascii().to_vec(),
        (NameFormat::Fqd, None) => {
            let hosts = fs::read("/etc/hosts").unwrap_or_default();
            let host = host();
            qualified(host.trim_ascii(), &hosts).ok_or(
                "--name-format fqd: neither the host's name nor /etc/hosts has a domain; \
                 use --node-name",
            )?
        }
    };
    checked(name).map(Some)
}

/// The first name in hosts(5) that is `host` and a domain.
fn qualified(host: &[u8], hosts: &[u8]) -> Option<Vec<u8>> {
    if host.contains(&b'.') {
        return Some(host.to_vec());
    }
    let lines = hosts.split(|b| *b == b'\n');
    let names = lines.flat_map(|line| {
        let line = line.split(|b| *b == b'#').next().unwrap_or_default();
        line.split(u8::is_ascii_whitespace).skip(1)
    });
    let mut names = names.filter_map(|name| Some((name, name.strip_prefix(host)?)));
    let found = names.find(|(_, rest)| rest.len() > 1 && rest[0] == b'.');
    found.map(|(name, _)| name.to_vec())
}

/// It stands unquoted in every line.
fn checked(name: Vec<u8>) -> Result<Vec<u8>, String> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._:@".contains(b);
    if (1..=LONGEST).contains(&name.len()) && name.iter().all(plain) {
        return Ok(name);
    }
    Err(format!(
        "node name \"{}\": must be 1 to {LONGEST} letters, digits, -, ., _, : or @",
        name.escape_ascii()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_forge_a_field_are_refused() {
        for bad in ["", "a b", "a=b\"", "x\ny", "\u{e4}", &"n".repeat(256)] {
            assert!(name(NameFormat::User, Some(bad)).is_err(), "{bad:?}");
        }
        let good = name(NameFormat::User, Some("db-1.example")).expect("good");
        assert_eq!(good.as_deref(), Some(&b"db-1.example"[..]));
        assert_eq!(name(NameFormat::None, None), Ok(None));
        assert!(name(NameFormat::User, None).is_err());
        assert!(name(NameFormat::Hostname, Some("x")).is_err());
    }

    #[test]
    fn the_domain_comes_from_hosts() {
        let hosts = b"127.0.0.1 localhost\n127.0.1.1\tdbx.example db.example db # db.no\n";
        assert_eq!(qualified(b"db", hosts).as_deref(), Some(&b"db.example"[..]));
        assert_eq!(qualified(b"d", hosts), None);
        assert_eq!(qualified(b"a.b", b"").as_deref(), Some(&b"a.b"[..]));
    }
}
