//! The fields of `-F`: names, operators they take, lists they may stand in.
//! Sources: audit-userspace lib/fieldtab.h and `audit_rule_fieldpair_data` in lib/libaudit.c;
//! `audit_field_valid` and `audit_filter` in the kernel's kernel/auditfilter.c.

use super::rule::{List, Op};

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    Pid,
    Ppid,
    Uid,
    Euid,
    Suid,
    Fsuid,
    Gid,
    Egid,
    Sgid,
    Fsgid,
    Auid,
    /// `AUDIT_LOGINUID_SET`: what a comparison of auid with "unset" becomes; 1 when it is set.
    AuidSet,
    SessionId,
    Pers,
    Arch,
    MsgType,
    SubjUser,
    SubjRole,
    SubjType,
    SubjSen,
    SubjClr,
    ObjUser,
    ObjRole,
    ObjType,
    ObjLevLow,
    ObjLevHigh,
    DevMajor,
    DevMinor,
    Inode,
    Exit,
    Success,
    Path,
    Perm,
    Dir,
    FileType,
    ObjUid,
    ObjGid,
    Exe,
    SaddrFam,
    FsType,
    A0,
    A1,
    A2,
    A3,
    Key,
}

/// How a field's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number, not negative.
    Plain,
    /// A number, perhaps negative.
    Signed,
    User,
    Group,
    Session,
    Arch,
    MsgType,
    Exit,
    Success,
    Perm,
    FileType,
    FsType,
    /// A file's absolute path.
    Path,
    /// Part of a security context.
    Label,
    Key,
}

const NAMES: &[(Name, &str, Kind)] = &[
    (Name::Pid, "pid", Kind::Plain),
    (Name::Ppid, "ppid", Kind::Plain),
    (Name::Uid, "uid", Kind::User),
    (Name::Euid, "euid", Kind::User),
    (Name::Suid, "suid", Kind::User),
    (Name::Fsuid, "fsuid", Kind::User),
    (Name::Gid, "gid", Kind::Group),
    (Name::Egid, "egid", Kind::Group),
    (Name::Sgid, "sgid", Kind::Group),
    (Name::Fsgid, "fsgid", Kind::Group),
    (Name::Auid, "auid", Kind::User),
    (Name::Auid, "loginuid", Kind::User),
    (Name::SessionId, "sessionid", Kind::Session),
    (Name::Pers, "pers", Kind::Plain),
    (Name::Arch, "arch", Kind::Arch),
    (Name::MsgType, "msgtype", Kind::MsgType),
    (Name::SubjUser, "subj_user", Kind::Label),
    (Name::SubjRole, "subj_role", Kind::Label),
    (Name::SubjType, "subj_type", Kind::Label),
    (Name::SubjSen, "subj_sen", Kind::Label),
    (Name::SubjClr, "subj_clr", Kind::Label),
    (Name::ObjUser, "obj_user", Kind::Label),
    (Name::ObjRole, "obj_role", Kind::Label),
    (Name::ObjType, "obj_type", Kind::Label),
    (Name::ObjLevLow, "obj_lev_low", Kind::Label),
    (Name::ObjLevHigh, "obj_lev_high", Kind::Label),
    (Name::DevMajor, "devmajor", Kind::Plain),
    (Name::DevMinor, "devminor", Kind::Plain),
    (Name::Inode, "inode", Kind::Plain),
    (Name::Exit, "exit", Kind::Exit),
    (Name::Success, "success", Kind::Success),
    (Name::Path, "path", Kind::Path),
    (Name::Perm, "perm", Kind::Perm),
    (Name::Dir, "dir", Kind::Path),
    (Name::FileType, "filetype", Kind::FileType),
    (Name::ObjUid, "obj_uid", Kind::User),
    (Name::ObjGid, "obj_gid", Kind::Group),
    (Name::Exe, "exe", Kind::Path),
    (Name::SaddrFam, "saddr_fam", Kind::Plain),
    (Name::FsType, "fstype", Kind::FsType),
    (Name::A0, "a0", Kind::Signed),
    (Name::A1, "a1", Kind::Signed),
    (Name::A2, "a2", Kind::Signed),
    (Name::A3, "a3", Kind::Signed),
    (Name::Key, "key", Kind::Key),
];

impl Name {
    /// As `-F` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        // What `AuidSet` came from.
        let written = if self == Self::AuidSet {
            Self::Auid
        } else {
            self
        };
        let found = NAMES.iter().find(|(name, ..)| *name == written);
        found.map_or("", |(_, text, _)| text)
    }

    pub(super) fn parse(text: &[u8]) -> Option<(Self, Kind)> {
        let mut all = NAMES.iter();
        let found = all.find(|(_, name, _)| name.as_bytes().eq_ignore_ascii_case(text));
        found.map(|(name, _, kind)| (*name, *kind))
    }

    pub(super) fn kind(self) -> Kind {
        let found = NAMES.iter().find(|(name, ..)| *name == self);
        found.map_or(Kind::User, |(.., kind)| *kind)
    }

    /// `audit_field_valid`: refuses operators that the kernel does not take for it.
    pub(super) fn takes(self, op: Op) -> Result<(), String> {
        let name = self.name();
        match self {
            Self::Path | Self::Dir | Self::Perm if op != Op::Equal => {
                Err(format!("{name} only takes = operator"))
            }
            Self::A0 | Self::A1 | Self::A2 | Self::A3 | Self::Pers | Self::DevMinor => Ok(()),
            Self::Inode
            | Self::Arch
            | Self::AuidSet
            | Self::FsType
            | Self::FileType
            | Self::Exe
            | Self::Key
            | Self::SubjUser
            | Self::SubjRole
            | Self::SubjType
            // The kernel orders levels by dominance; their text can only be compared.
            | Self::SubjSen
            | Self::SubjClr
                if !op.is_equality() =>
            {
                Err(format!("{name} only takes = or != operators"))
            }
            _ if op.is_bits() => Err(format!(
                "{name} does not take {}: only a0 to a3, pers and devminor do",
                op.token()
            )),
            _ => Ok(()),
        }
    }

    /// Whether it has a meaning in a list, and Auklet knows it there.
    pub(super) fn fits(self, list: List) -> Result<(), String> {
        let name = self.name();
        match self {
            Self::ObjUser | Self::ObjRole | Self::ObjType | Self::ObjLevLow | Self::ObjLevHigh => {
                return Err(format!(
                    "{name} can't be honoured: Auklet does not read security contexts of files"
                ));
            }
            Self::MsgType if !matches!(list, List::Exclude | List::User) => {
                return Err(
                    "msgtype field can only be used with exclude or user filter list".into(),
                );
            }
            Self::FsType if list != List::Filesystem => {
                return Err("fstype field is not valid for the filter".into());
            }
            _ => {}
        }
        let fits = match list {
            List::Exit => true,
            List::Filesystem => matches!(self, Self::FsType | Self::Key),
            List::User | List::Exclude => self.is_known_of_a_record(),
            List::Task => self.is_known_of_a_task(),
            List::IoUring => self.is_known_of_an_operation(),
        };
        if fits {
            return Ok(());
        }
        Err(match list {
            List::User => format!("{name}: the kernel's user filter does not know this field"),
            List::Exclude => format!(
                "{name}: only msgtype, pid, uid, gid, auid, exe and subj_* can be used with exclude filter"
            ),
            List::Task => {
                format!("{name} has no meaning in the task list: a new task made no call")
            }
            List::IoUring => format!("{name} is not known of an io_uring operation"),
            List::Filesystem | List::Exit => format!("{name} field is not valid for the filter"),
        })
    }

    /// What `audit_filter` (kernel/auditfilter.c) looks at.
    fn is_known_of_a_record(self) -> bool {
        matches!(
            self,
            Self::Pid
                | Self::Uid
                | Self::Gid
                | Self::Auid
                | Self::AuidSet
                | Self::MsgType
                | Self::Exe
        ) || self.is_subject()
    }

    fn is_known_of_a_task(self) -> bool {
        (self.is_identity() && self != Self::Ppid) || self == Self::Exe || self.is_subject()
    }

    fn is_known_of_an_operation(self) -> bool {
        !matches!(
            self,
            Self::Arch
                | Self::Perm
                | Self::Pers
                | Self::A0
                | Self::A1
                | Self::A2
                | Self::A3
                | Self::SaddrFam
        )
    }

    /// Part of the caller's security context.
    #[must_use]
    pub fn is_subject(self) -> bool {
        matches!(
            self,
            Self::SubjUser | Self::SubjRole | Self::SubjType | Self::SubjSen | Self::SubjClr
        )
    }

    /// Numbers that say who: known of a task at any time.
    #[must_use]
    pub fn is_identity(self) -> bool {
        matches!(
            self,
            Self::Pid
                | Self::Ppid
                | Self::Uid
                | Self::Euid
                | Self::Suid
                | Self::Fsuid
                | Self::Gid
                | Self::Egid
                | Self::Sgid
                | Self::Fsgid
                | Self::Auid
                | Self::AuidSet
                | Self::SessionId
        )
    }

    /// User ids that `-C` compares.
    pub(super) fn is_user(self) -> bool {
        self.kind() == Kind::User && self != Self::AuidSet
    }

    /// Group ids that `-C` compares.
    pub(super) fn is_group(self) -> bool {
        self.kind() == Kind::Group
    }
}
