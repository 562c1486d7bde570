//! Which files are watched, and what each of them decides: by the path, component by component.
//!
//! Directories and names are those of cron(8), crontab(1), at(1), systemd.unit(5), init(8), sshd(8),
//! sudoers(5) and their kin on Debian, Red Hat, SUSE, Alpine and Arch.

mod accounts;
mod roots;
mod startup;
mod tasks;

pub(super) use self::roots::{Root, under_home, watched};
pub use self::{
    accounts::AccountFile,
    startup::{Hook, HookKind},
    tasks::{Scheduler, Task},
};

/// What a watched file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Keys that may sign in to an account.
    Keys {
        /// Whose account; `None`: not told by the path.
        user: Option<Vec<u8>>,
    },
    /// A scheduled task.
    Task(Task),
    /// Runs when the machine starts or somebody signs in.
    Startup(Hook),
    /// Says who may become whom.
    Account(AccountFile),
    /// sshd_config(5): says where keys are looked for.
    SshdConfig,
}

/// The place of an absolute, resolved path; `None`: it is not watched.
#[must_use]
pub fn place(path: &[u8]) -> Option<Place> {
    let parts: Vec<&[u8]> = path.strip_prefix(b"/")?.split(|b| *b == b'/').collect();
    let name = *parts.last()?;
    if name.is_empty() || is_transient(name) {
        return None;
    }
    // /lib is a link to /usr/lib nearly everywhere: both count as /lib.
    let parts = match &*parts {
        [b"usr", b"lib", ..] => &parts[1..],
        _ => &parts[..],
    };
    keys(parts)
        .or_else(|| tasks::task(parts).map(Place::Task))
        .or_else(|| accounts::file(parts).map(Place::Account))
        .or_else(|| startup::hook(parts).map(Place::Startup))
}

/// Keys of sign-ins at their usual places; others are in sshd_config, which [`super::watch`] reads.
fn keys(parts: &[&[u8]]) -> Option<Place> {
    let user = match parts {
        [b"root", b".ssh", b"authorized_keys" | b"authorized_keys2"] => Some(b"root".to_vec()),
        [
            b"home",
            user,
            b".ssh",
            b"authorized_keys" | b"authorized_keys2",
        ] => Some(user.to_vec()),
        [.., b".ssh", b"authorized_keys" | b"authorized_keys2"] => None,
        [b"etc", b"dropbear", b"authorized_keys"] => Some(b"root".to_vec()),
        [
            b"etc",
            b"ssh",
            b"authorized_keys" | b"authorized_keys.d",
            user,
        ] => Some(user.to_vec()),
        [b"etc", b"ssh", b"sshd_config"] => return Some(Place::SshdConfig),
        [b"etc", b"ssh", b"sshd_config.d", name] if name.ends_with(b".conf") => {
            return Some(Place::SshdConfig);
        }
        _ => return None,
    };
    Some(Place::Keys { user })
}

/// What editors and package managers put beside a file and rename over it, and nobody reads: cron, sudo
/// and run-parts skip these names, as their manuals say.
fn is_transient(name: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 9] = [
        b"~",
        b".dpkg-new",
        b".dpkg-tmp",
        b".dpkg-old",
        b".dpkg-dist",
        b".rpmnew",
        b".rpmsave",
        b".rpmorig",
        b".ucf-dist",
    ];
    let swap = name.starts_with(b".") && matches!(name, [_, .., b'.', b's', b'w', b'a'..=b'x']);
    swap || name.starts_with(b".#") || ENDINGS.iter().any(|end| name.ends_with(end))
}

/// `name` without `ending`, if something is left.
fn stem<'a>(name: &'a [u8], ending: &[u8]) -> Option<&'a [u8]> {
    name.strip_suffix(ending).filter(|stem| !stem.is_empty())
}

/// Below a systemd directory of units: (user's units, what comes after it). As in systemd.unit(5).
fn units<'a, 'b>(parts: &'a [&'b [u8]]) -> Option<(bool, &'a [&'b [u8]])> {
    let (kind, rest) = match parts {
        [b"etc" | b"run" | b"lib", b"systemd", kind, rest @ ..]
        | [b"usr", b"local", b"lib", b"systemd", kind, rest @ ..] => (*kind, rest),
        _ => {
            let at = parts
                .windows(2)
                .position(|w| w == [&b"systemd"[..], b"user"])?;
            let home = matches!(
                parts.get(..at)?,
                [.., b".config"] | [.., b".local", b"share"]
            );
            return home.then(|| (true, &parts[at + 2..]));
        }
    };
    match kind {
        b"system" => Some((false, rest)),
        b"user" => Some((true, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
