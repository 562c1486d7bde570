//! What kinds of things happen: the `logsource` of a rule, and what it takes to see them.
use std::fmt;

use serde::Serialize;

/// What happened; the `category` of a rule's `logsource`, or its `service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A program was executed, or somebody tried to.
    ProcessCreation,
    /// A file was opened for writing or created, or got its name by a rename or a link.
    FileEvent,
    /// A file that rules name was opened for reading only.
    FileAccess,
    /// A file got another name.
    FileRename,
    /// A file got a further name: a hard or a symbolic link.
    FileLink,
    /// A name was removed.
    FileDelete,
    /// Permissions, owner or extended attributes of a file were set.
    FileAttribute,
    /// A file's access or modification time was set by a call.
    FileTimestamp,
    /// A process asked to be connected to an internet address, or took a connection.
    NetworkConnection,
    /// A kernel module was loaded, or somebody tried to.
    KernelModuleLoad,
    /// Memory was made executable, or another process's memory or registers were reached for.
    Memory,
    /// A program told audit that somebody proved who he is, or began or ended a session.
    Authentication,
    /// A program told audit that an account or a group was changed.
    AccountChange,
    /// Who may sign in with which key was changed.
    AuthorizedKeysChange,
    /// What runs at which time was changed.
    ScheduledTaskChange,
    /// What runs when the machine or a session starts was changed.
    StartupChange,
    /// A port was forwarded.
    PortForward,
    /// One audit record, with the fields that auditd gives it: `service: auditd`.
    Auditd,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 18] = [
        Self::ProcessCreation,
        Self::FileEvent,
        Self::FileAccess,
        Self::FileRename,
        Self::FileLink,
        Self::FileDelete,
        Self::FileAttribute,
        Self::FileTimestamp,
        Self::NetworkConnection,
        Self::KernelModuleLoad,
        Self::Memory,
        Self::Authentication,
        Self::AccountChange,
        Self::AuthorizedKeysChange,
        Self::ScheduledTaskChange,
        Self::StartupChange,
        Self::PortForward,
        Self::Auditd,
    ];

    /// The name in a rule's `logsource`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProcessCreation => "process_creation",
            Self::FileEvent => "file_event",
            Self::FileAccess => "file_access",
            Self::FileRename => "file_rename",
            Self::FileLink => "file_link",
            Self::FileDelete => "file_delete",
            Self::FileAttribute => "file_attribute",
            Self::FileTimestamp => "file_timestamp",
            Self::NetworkConnection => "network_connection",
            Self::KernelModuleLoad => "kernel_module_load",
            Self::Memory => "memory",
            Self::Authentication => "authentication",
            Self::AccountChange => "account_change",
            Self::AuthorizedKeysChange => "authorized_keys_change",
            Self::ScheduledTaskChange => "scheduled_task_change",
            Self::StartupChange => "startup_change",
            Self::PortForward => "port_forward",
            Self::Auditd => "auditd",
        }
    }

    /// What such an observation says, in one sentence.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::ProcessCreation => "A program was executed, or somebody tried to (Success).",
            Self::FileEvent => {
                "A file was opened for writing or created, or got its name by rename, link, symlink or mknod. Not: truncate by path."
            }
            Self::FileAccess => "A file that a rule names was opened for reading only.",
            Self::FileRename => "A file got another name.",
            Self::FileLink => {
                "A file got a further name: a hard link, or a symbolic link was made."
            }
            Self::FileDelete => "A name was removed: unlink, rmdir.",
            Self::FileAttribute => {
                "Permissions, owner or extended attributes were set, or somebody tried to (Success)."
            }
            Self::FileTimestamp => "A file's access or modification time was set by a call.",
            Self::NetworkConnection => {
                "connect to an IPv4 or IPv6 address (also one that failed, or is not over yet), a datagram sent to one, or accept."
            }
            Self::KernelModuleLoad => "A kernel module was loaded, or somebody tried to (Success).",
            Self::Memory => {
                "memfd_create, ptrace, process_vm_readv and process_vm_writev; mmap, mprotect and pkey_mprotect with PROT_EXEC."
            }
            Self::Authentication => {
                "A message of a program (sshd, login, su, sudo …) to audit: what it says, nobody has checked."
            }
            Self::AccountChange => {
                "An account, a group or what they may do was changed: a file that says so (FileKind), or a message of a program (useradd, usermod, passwd …) to audit: what it says, nobody has checked."
            }
            Self::AuthorizedKeysChange => {
                "Who may sign in with which key was changed, or could have been: by whatever name, link or rename."
            }
            Self::ScheduledTaskChange => "What runs at which time was changed, or could have been.",
            Self::StartupChange => {
                "What runs when the machine or a session starts was changed, or could have been."
            }
            Self::PortForward => "A port was forwarded.",
            Self::Auditd => {
                "One observation for each audit record of an event, as its line in audit.log has it."
            }
        }
    }

    /// The category of that name, as `logsource.category`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = Self::ALL.into_iter();
        all.filter(|c| *c != Self::Auditd)
            .find(|c| c.name() == name)
    }

    /// Why no event has this category yet; a rule for it would be silent for ever.
    #[must_use]
    pub const fn unfilled(self) -> Option<&'static str> {
        match self {
            Self::PortForward => {
                Some("no analyser fills it yet; use network_connection or process_creation")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
