//! Which events are recorded: auditctl's language, read from the files that auditctl and augenrules
//! read, and decided as the kernel's audit filter decides it. Sources: auditctl(8), augenrules(8),
//! kernel/auditfilter.c, kernel/auditsc.c.
//!
//! [`Policy::load`] reads; [`Policy::decide`] says what becomes of an event; [`Policy::wanted`] what
//! the kernel side must let through for that; [`Policy::follow`] keeps watches on their files.
//!
//! Where Auklet differs from the kernel, on purpose:
//! - a path whose directory does not exist is watched by its name; auditctl refuses it;
//! - a rule that needs an inode of which only the name is known (an `exe=`, a `dir=`, of a caller with
//!   another root) matches if its action is always and does not if it is never;
//! - `gid=` and `egid=` look at no supplementary groups;
//! - the task list is asked at each call, not once when the task is made.

mod build;
mod decide;
mod error;
mod explain;
mod facts;
mod field;
mod files;
mod host;
mod line;
mod perm;
mod print;
mod rule;
mod uring;
mod value;
mod wanted;
mod watch;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use self::{
    decide::{Excluded, Verdict},
    error::{PolicyErrors, Remark},
    field::Name,
    host::{Host, Node, System},
    perm::{CallMask, Classes, MASK_BITS},
    rule::{Action, Field, List, Op, Rule, Value},
    wanted::{Condition, Register, Wanted, WantedRule},
    watch::Place,
};
use self::{files::Line, line::Command};
use crate::event::{Event, FileFacts};

/// What is recorded.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Loaded>,
    settings: Settings,
    notes: Vec<Remark>,
    classes: Classes,
}

/// A rule with where it stands and what its paths are bound to.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub rule: Rule,
    pub file: PathBuf,
    pub line: usize,
    /// `path=` or `dir=`
    pub place: Option<Place>,
    /// `exe=`
    pub exe: Option<Place>,
    /// Devices that `fstype=` names.
    devices: Vec<u32>,
}

/// Settings of a policy. `None`: not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `-e`: 0 off, 1 on, 2 on and not to be changed.
    pub enabled: Option<u8>,
    /// `-f`: what to do when records are lost: 0 nothing, 1 log, 2 panic.
    pub failure: Option<u8>,
    /// `-r`: most records a second; 0 is no limit.
    pub rate: Option<u32>,
    /// `-b`: the kernel's queue.
    pub backlog: Option<u32>,
    pub backlog_wait_time: Option<u32>,
    pub loginuid_immutable: bool,
}

impl Settings {
    /// Whether anything is recorded.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled != Some(0)
    }

    /// Whether a change needs a restart: `-e 2`.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.enabled == Some(2)
    }
}

impl Policy {
    /// Reads a file, or a directory as augenrules merges it. `kernel`: its version, (major, minor),
    /// which says what `perm=` stands for.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line.
    pub fn load(path: &Path, host: &dyn Host, kernel: (u32, u32)) -> Result<Self, PolicyErrors> {
        let lines = files::read(path).map_err(|remark| PolicyErrors(vec![remark]))?;
        Self::from_lines(&lines, host, kernel)
    }

    /// The same of text that is in memory; `file` is what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line.
    pub fn parse(
        file: &Path,
        text: &[u8],
        host: &dyn Host,
        kernel: (u32, u32),
    ) -> Result<Self, PolicyErrors> {
        Self::from_lines(&files::lines(file, text), host, kernel)
    }

    fn from_lines(
        lines: &[Line],
        host: &dyn Host,
        kernel: (u32, u32),
    ) -> Result<Self, PolicyErrors> {
        let mut loader = Loader::new(host, kernel);
        for line in lines {
            loader.line(line);
        }
        match loader.errors.is_empty() {
            true => Ok(loader.policy),
            false => Err(PolicyErrors(loader.errors)),
        }
    }

    /// The rules in the order in which they are looked at.
    #[must_use]
    pub fn rules(&self) -> &[Loaded] {
        &self.rules
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What should be said though nothing is wrong: warnings of auditctl's, what Auklet does another
    /// way, and errors that `-i` let pass.
    #[must_use]
    pub fn notes(&self) -> &[Remark] {
        &self.notes
    }

    fn of(&self, list: List) -> impl Iterator<Item = (usize, &Loaded)> {
        let all = self.rules.iter().enumerate();
        all.filter(move |(_, loaded)| loaded.rule.list == list)
    }

    /// Whether the filesystem list keeps items of a file's file system out of events: the kernel then
    /// binds them to no inode.
    #[must_use]
    pub fn ignores(&self, file: &FileFacts) -> bool {
        self.of(List::Filesystem).any(|(_, loaded)| {
            let named = loaded.devices.contains(&file.dev);
            let field = loaded.rule.field(Name::FsType);
            loaded.rule.action == Action::Never
                && field.is_some_and(|f| named == (f.op == Op::Equal))
        })
    }

    /// Binds watches again after an event that made, replaced or removed what they watch. Call it
    /// after [`Policy::decide`], with every event that changes directories. `true`: something is bound
    /// to another inode now, and [`Policy::wanted`] with it.
    pub fn follow(&mut self, event: &Event) -> bool {
        if !event.success() {
            return false;
        }
        let mut changed = false;
        let places = self.rules.iter_mut().filter_map(|l| l.place.as_mut());
        for place in places {
            let before = (place.node, place.parent);
            place.follow(event);
            changed |= before != (place.node, place.parent);
        }
        changed
    }
}

/// Applies one line after the other, like `auditctl -R`.
struct Loader<'h> {
    host: &'h dyn Host,
    policy: Policy,
    errors: Vec<Remark>,
    /// `-i` came, and no `-c`: errors are notes.
    ignore: bool,
    carry_on: bool,
}

impl<'h> Loader<'h> {
    fn new(host: &'h dyn Host, kernel: (u32, u32)) -> Self {
        let policy = Policy {
            rules: Vec::new(),
            settings: Settings::default(),
            notes: Vec::new(),
            classes: Classes::of(kernel),
        };
        Self {
            host,
            policy,
            errors: Vec::new(),
            ignore: false,
            carry_on: false,
        }
    }

    fn line(&mut self, line: &Line) {
        let result = line::parse(&line.text, self.host).and_then(|parsed| {
            for note in parsed.notes {
                self.note(line, note);
            }
            let mut commands = parsed.commands.into_iter();
            commands.try_for_each(|command| self.apply(command, line))
        });
        match result {
            Ok(()) => {}
            Err(error) if self.ignore && !self.carry_on => {
                self.note(line, format!("ignored because of -i: {error}"));
            }
            Err(error) => self.errors.push(line.remark(error)),
        }
    }

    fn note(&mut self, line: &Line, text: impl Into<String>) {
        self.policy.notes.push(line.remark(text));
    }

    fn apply(&mut self, command: Command, line: &Line) -> Result<(), String> {
        let settings = &mut self.policy.settings;
        let is_mode = matches!(command, Command::IgnoreErrors | Command::ContinueOnErrors);
        if settings.is_locked() && !is_mode {
            return Err("the rules are locked: -e 2 came before".into());
        }
        match command {
            Command::Add { rule, prepend } => return self.add(rule, prepend, line),
            Command::Delete(rule) => return self.delete(&rule),
            Command::DeleteAll(key) => self.policy.rules.retain(|loaded| {
                let has = |key| loaded.rule.key.as_ref().is_some_and(|k| contains(k, key));
                !key.as_deref().is_none_or(has)
            }),
            Command::Enabled(level) => settings.enabled = Some(level),
            Command::Failure(level) => {
                settings.failure = Some(level);
                if level == 2 {
                    self.note(
                        line,
                        "-f 2: Auklet does not panic the kernel; losses are counted",
                    );
                }
            }
            Command::Rate(rate) => settings.rate = Some(rate),
            Command::Backlog(limit) => settings.backlog = Some(limit),
            Command::BacklogWait(time) => settings.backlog_wait_time = Some(time),
            Command::LoginuidImmutable => {
                settings.loginuid_immutable = true;
                let text = "--loginuid-immutable is a feature of the kernel's audit; Auklet does not set it";
                self.note(line, text);
            }
            Command::Nothing(text) => self.note(line, text),
            Command::IgnoreErrors => self.ignore = true,
            Command::ContinueOnErrors => self.carry_on = true,
        }
        Ok(())
    }

    fn add(&mut self, rule: Rule, prepend: bool, line: &Line) -> Result<(), String> {
        // The kernel's comparison sees -A as another rule than -a.
        if !prepend && let Some(first) = self.find(&rule) {
            let first = &self.policy.rules[first];
            return Err(format!(
                "Rule exists: the same as {}",
                Remark::new(&first.file, first.line, rule.list.name())
            ));
        }
        let loaded = self.bind(rule, line);
        for place in loaded.place.iter().chain(&loaded.exe) {
            if place.missing {
                let path = auklet_rules::printable(&place.path);
                self.note(line, format!("{path}: no such directory (auditctl refuses such a rule); nothing is recorded by it"));
            } else if !place.has_parent() {
                let path = auklet_rules::printable(&place.path);
                self.note(line, format!("{path}: its directory does not exist (auditctl refuses such a rule); it is watched by name"));
            }
        }
        let at = if prepend { 0 } else { self.policy.rules.len() };
        self.policy.rules.insert(at, loaded);
        Ok(())
    }

    fn bind(&self, rule: Rule, line: &Line) -> Loaded {
        let bind = |name, tree| {
            let text = rule.field(name)?.text()?;
            Some(Place::bind(text, tree, self.host))
        };
        let magic = rule.field(Name::FsType).and_then(Field::number);
        let fstype = value::FS_TYPES.iter().find(|(_, m)| Some(*m) == magic);
        Loaded {
            place: bind(Name::Path, false).or_else(|| bind(Name::Dir, true)),
            exe: bind(Name::Exe, false),
            devices: fstype.map_or_else(Vec::new, |(name, _)| self.host.devices(name)),
            file: line.file.clone(),
            line: line.number,
            rule,
        }
    }

    fn find(&self, rule: &Rule) -> Option<usize> {
        self.policy.rules.iter().position(|l| l.rule == *rule)
    }

    fn delete(&mut self, rule: &Rule) -> Result<(), String> {
        let at = self
            .find(rule)
            .ok_or("no rule matches what is to be deleted")?;
        self.policy.rules.remove(at);
        Ok(())
    }
}

/// `-D -k`: auditctl looks for the key within the rule's.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len().max(1)).any(|w| w == part)
}
