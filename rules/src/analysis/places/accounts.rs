//! Files that say who exists and who may become whom.

/// What such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountFile {
    /// passwd(5)
    Passwd,
    /// group(5)
    Group,
    /// shadow(5)
    Shadow,
    /// gshadow(5)
    Gshadow,
    /// sudoers(5)
    Sudoers,
    /// doas.conf(5)
    Doas,
    /// userdb: users, groups and memberships as JSON records (nss-systemd(8)).
    Userdb,
    /// polkit(8): rules of who may do what.
    Polkit,
    /// pam.d(5), pam_wheel, group.conf(5).
    Pam,
}

impl AccountFile {
    /// As rules see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passwd => "passwd",
            Self::Group => "group",
            Self::Shadow => "shadow",
            Self::Gshadow => "gshadow",
            Self::Sudoers => "sudoers",
            Self::Doas => "doas",
            Self::Userdb => "userdb",
            Self::Polkit => "polkit",
            Self::Pam => "pam",
        }
    }
}

pub(super) fn file(parts: &[&[u8]]) -> Option<AccountFile> {
    // SUSE and cloud images keep defaults in /usr/etc.
    let parts = match parts {
        [b"usr", b"etc", ..] => &parts[1..],
        _ => parts,
    };
    match parts {
        [b"etc", b"passwd"] => Some(AccountFile::Passwd),
        [b"etc", b"group"] => Some(AccountFile::Group),
        [b"etc", b"shadow"] => Some(AccountFile::Shadow),
        [b"etc", b"gshadow"] => Some(AccountFile::Gshadow),
        [b"etc", b"sudoers"] | [b"etc", b"sudoers.d", _] => Some(AccountFile::Sudoers),
        [b"etc", b"doas.conf"] | [b"etc", b"doas.d", _] => Some(AccountFile::Doas),
        [b"etc" | b"run", b"userdb", _] => Some(AccountFile::Userdb),
        [
            b"etc",
            b"polkit-1",
            b"rules.d" | b"localauthority.conf.d",
            _,
        ]
        | [b"etc" | b"var", .., b"localauthority", _, _] => Some(AccountFile::Polkit),
        [b"etc", b"pam.d", _] | [b"etc", b"pam.conf"] | [b"etc", b"security", b"group.conf"] => {
            Some(AccountFile::Pam)
        }
        _ => None,
    }
}
