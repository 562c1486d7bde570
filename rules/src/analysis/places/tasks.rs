//! Scheduled tasks: cron's tables and directories, at's jobs, systemd's timers.

use super::{stem, units};

/// Who runs the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// A table of cron's whose lines name the user: /etc/crontab, /etc/cron.d, /etc/anacrontab.
    SystemTable,
    /// A user's table.
    UserTable,
    /// A script in /etc/cron.hourly and its kin.
    Script,
    /// A job of at(1).
    At,
    /// A unit of systemd's.
    Timer,
    /// Who may use cron and at.
    Permission,
    /// incron: a command when a file changes.
    Incron,
}

impl Scheduler {
    /// As rules see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SystemTable | Self::UserTable => "cron",
            Self::Script => "cron-script",
            Self::At => "at",
            Self::Timer => "timer",
            Self::Permission => "permission",
            Self::Incron => "incron",
        }
    }
}

/// A file that schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Who runs it.
    pub scheduler: Scheduler,
    /// Whose it is, where the path tells.
    pub owner: Option<Vec<u8>>,
}

fn task_of(scheduler: Scheduler, owner: Option<&[u8]>) -> Option<Task> {
    let owner = owner.map(<[u8]>::to_vec);
    Some(Task { scheduler, owner })
}

pub(super) fn task(parts: &[&[u8]]) -> Option<Task> {
    if let Some(task) = timer(parts) {
        return Some(task);
    }
    match parts {
        [b"etc", rest @ ..] => etc(rest),
        [b"var", b"spool", rest @ ..] => spool(rest),
        _ => None,
    }
}

fn etc(parts: &[&[u8]]) -> Option<Task> {
    match parts {
        [b"crontab" | b"anacrontab"] | [b"cron.d", _] => task_of(Scheduler::SystemTable, None),
        [
            b"cron.hourly" | b"cron.daily" | b"cron.weekly" | b"cron.monthly" | b"cron.yearly",
            _,
        ]
        | [b"periodic", _, _] => task_of(Scheduler::Script, None),
        [b"crontabs", user] => task_of(Scheduler::UserTable, Some(user)),
        [b"cron.allow" | b"cron.deny" | b"at.allow" | b"at.deny"]
        | [b"fcron.allow" | b"fcron.deny" | b"incron.allow" | b"incron.deny"] => {
            task_of(Scheduler::Permission, None)
        }
        [b"incron.d", _] => task_of(Scheduler::Incron, None),
        _ => None,
    }
}

fn spool(parts: &[&[u8]]) -> Option<Task> {
    match parts {
        // crontab(1) writes tmp.XXXXXX and renames it; at(1) counts in .SEQ.
        [.., name] if name.starts_with(b"tmp.") || *name == b".SEQ" => None,
        [b"cron", b"atjobs", _] | [b"at" | b"atd" | b"atjobs", _] => task_of(Scheduler::At, None),
        [b"cron", b"crontabs" | b"tabs", user] | [b"cron", user] | [b"fcron", user] => {
            task_of(Scheduler::UserTable, Some(user))
        }
        [b"incron", user] => task_of(Scheduler::Incron, Some(user)),
        _ => None,
    }
}

fn timer(parts: &[&[u8]]) -> Option<Task> {
    if let [b"run", b"systemd", b"transient", name] = parts {
        return stem(name, b".timer").and_then(|_| task_of(Scheduler::Timer, None));
    }
    let (user, rest) = units(parts)?;
    let is_timer = match rest {
        [name] => stem(name, b".timer").is_some(),
        [directory, _] => {
            stem(directory, b".timer.d").is_some()
                || matches!(
                    *directory,
                    b"timers.target.wants" | b"timers.target.requires"
                )
        }
        _ => false,
    };
    let owner = match parts {
        [b"home", owner, ..] if user => Some(*owner),
        [b"root", ..] => Some(&b"root"[..]),
        _ => None,
    };
    is_timer.then(|| task_of(Scheduler::Timer, owner)).flatten()
}
