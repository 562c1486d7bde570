//! A change as rules see it: the fields of its category (docs/fields.md).

use super::{
    change::{Change, Method, StateKind},
    facts::{Key, startup_facts},
    places::{AccountFile, Hook, Place},
};
use crate::{Category, observation::Value};

/// Most items of a list.
const ITEMS: usize = 64;

/// The categories that changes of watched files have.
pub const CATEGORIES: [Category; 4] = [
    Category::AuthorizedKeysChange,
    Category::ScheduledTaskChange,
    Category::StartupChange,
    Category::AccountChange,
];

/// The category of a change of such a file.
#[must_use]
pub fn category(place: &Place) -> Category {
    match place {
        Place::Keys { .. } | Place::SshdConfig => Category::AuthorizedKeysChange,
        Place::Task(_) => Category::ScheduledTaskChange,
        Place::Startup(_) => Category::StartupChange,
        Place::Account(_) => Category::AccountChange,
    }
}

type Fields = Vec<(&'static str, Value)>;

impl<W> Change<W> {
    /// Names and values, but for who did it.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let (before, after) = (self.before.as_ref(), &self.after);
        let was = before.is_some_and(|state| state.kind != StateKind::Absent);
        let is = after.kind != StateKind::Absent;
        let mut fields = vec![
            ("TargetFilename", Value::Bytes(self.path.clone())),
            ("FileKind", Value::Bytes(kind(&self.place).into())),
            ("Method", Value::Bytes(self.method.name().into())),
            ("Changed", Value::Bool(self.differs())),
            (
                "ContentKnown",
                Value::Bool(after.kind != StateKind::Unread && !after.cut),
            ),
            ("WriterSeen", Value::Bool(self.writer.is_some())),
            ("WhileDown", Value::Bool(self.method == Method::Down)),
            ("FileAppeared", Value::Bool(is && !was)),
            ("FileRemoved", Value::Bool(was && !is)),
        ];
        if is {
            fields.push(("FileOwner", Value::Int(after.owner.into())));
            fields.push(("FileMode", Value::Int(after.mode.into())));
            let others = after.mode & 0o022 != 0;
            fields.push(("OthersCanWrite", Value::Bool(others)));
        }
        if !after.target.is_empty() {
            fields.push(("LinkTarget", Value::Bytes(after.target.clone())));
        }
        match &self.place {
            Place::Keys { user } => self.keys(user.as_deref(), &mut fields),
            Place::Task(task) => {
                user(task.owner.as_deref(), &mut fields);
                self.lines(&mut fields);
            }
            Place::Startup(hook) => self.startup(hook, &mut fields),
            Place::Account(file) => self.account(*file, &mut fields),
            Place::SshdConfig => self.lines(&mut fields),
        }
        fields
    }

    fn keys(&self, owner: Option<&[u8]>, fields: &mut Fields) {
        user(owner, fields);
        let (added, removed) = (self.added(), self.removed());
        let all = |facts: &[(&[u8], &[u8])]| -> Vec<Key> {
            facts
                .iter()
                .map(|(key, value)| Key::of(key, value))
                .collect()
        };
        let (added, removed) = (all(&added), all(&removed));
        let options = added.iter().map(|key| key.options.clone());
        let options = options.filter(|options| !options.is_empty());
        list("AddedKeyOptions", options, fields);
        list("AddedKeys", added.iter().map(Key::shown), fields);
        list("RemovedKeys", removed.iter().map(Key::shown), fields);
    }

    fn lines(&self, fields: &mut Fields) {
        let (added, removed) = (self.added(), self.removed());
        list(
            "AddedLines",
            added.iter().map(|(key, _)| key.to_vec()),
            fields,
        );
        list(
            "RemovedLines",
            removed.iter().map(|(key, _)| key.to_vec()),
            fields,
        );
    }

    fn startup(&self, hook: &Hook, fields: &mut Fields) {
        let keys: Vec<&[u8]> = self.after.facts.keys().map(Vec::as_slice).collect();
        let said = startup_facts(&keys.join(&b'\n'));
        let mut levels: Vec<Vec<u8>> = hook.level.iter().cloned().collect();
        levels.extend(said.levels.into_iter().chain(said.targets));
        let mut programs = said.programs;
        if !self.after.target.is_empty() {
            programs.push(self.after.target.clone());
        }
        list("RunLevels", levels.into_iter(), fields);
        list("RunLevelsTogether", self.together.iter().cloned(), fields);
        let together = i64::try_from(self.together.len()).unwrap_or(i64::MAX);
        fields.push(("RunLevelCount", Value::Int(together)));
        list("Payloads", programs.into_iter(), fields);
        self.lines(fields);
    }

    fn account(&self, file: AccountFile, fields: &mut Fields) {
        let (added, removed) = (self.added(), self.removed());
        let keys = |facts: &[(&[u8], &[u8])], member: bool| -> Vec<Vec<u8>> {
            let of_kind = facts
                .iter()
                .filter(|(key, _)| key.contains(&b':') == member);
            of_kind.map(|(key, _)| key.to_vec()).collect()
        };
        match file {
            AccountFile::Group | AccountFile::Gshadow => {
                let members = keys(&added, true);
                let privileged = members.iter().filter(|member| self.is_privileged(member));
                list("PrivilegedMembers", privileged.cloned(), fields);
                list("AddedMembers", members.into_iter(), fields);
                list("RemovedMembers", keys(&removed, true).into_iter(), fields);
            }
            AccountFile::Passwd => self.passwd(&added, &removed, fields),
            AccountFile::Shadow => {
                let set = added
                    .iter()
                    .filter(|(_, value)| !value.starts_with(b"locked"));
                list("PasswordsSet", set.map(|(user, _)| user.to_vec()), fields);
                let none = added.iter().filter(|(_, value)| value.starts_with(b"none"));
                list(
                    "PasswordsEmpty",
                    none.map(|(user, _)| user.to_vec()),
                    fields,
                );
            }
            _ => self.lines(fields),
        }
    }

    fn passwd(&self, added: &[(&[u8], &[u8])], removed: &[(&[u8], &[u8])], fields: &mut Fields) {
        let is_in = |facts: &[(&[u8], &[u8])], user: &[u8]| facts.iter().any(|(k, _)| *k == user);
        let new = added.iter().filter(|(user, _)| !is_in(removed, user));
        let gone = removed.iter().filter(|(user, _)| !is_in(added, user));
        list("AddedUsers", new.map(|(user, _)| user.to_vec()), fields);
        list("RemovedUsers", gone.map(|(user, _)| user.to_vec()), fields);
        let changed = added.iter().filter(|(user, _)| is_in(removed, user));
        list(
            "ChangedUsers",
            changed.map(|(user, _)| user.to_vec()),
            fields,
        );
        // passwd(5) numbers are decimal, so 00 is 0, too.
        let zero = |uid: &[u8]| !uid.is_empty() && uid.iter().all(|b| *b == b'0');
        let part = |value: &[u8], n| value.split(|b| *b == b':').nth(n).map(<[u8]>::to_vec);
        let twins = added.iter().filter(|(user, value)| {
            *user != b"root" && part(value, 0).is_some_and(|uid| zero(&uid))
        });
        list("RootTwins", twins.map(|(user, _)| user.to_vec()), fields);
        let mut privileged = Vec::new();
        for (user, value) in added {
            let before = self
                .before
                .as_ref()
                .and_then(|state| state.facts.get(*user));
            let (old, new) = (before.and_then(|value| part(value, 1)), part(value, 1));
            // Root's own group is root's.
            if old != new && *user != b"root" {
                let group = self
                    .privileged_gids
                    .iter()
                    .find(|(gid, _)| Some(gid) == new.as_ref());
                privileged.extend(group.map(|(_, name)| [name, &b":"[..], user].concat()));
            }
        }
        list("PrivilegedMembers", privileged.into_iter(), fields);
    }

    /// `group:user`, where the group is as good as root.
    fn is_privileged(&self, member: &[u8]) -> bool {
        let group = member.split(|b| *b == b':').next().unwrap_or_default();
        self.privileged.iter().any(|name| name == group)
    }
}

fn kind(place: &Place) -> &'static str {
    match place {
        Place::Keys { .. } => "keys",
        Place::SshdConfig => "sshd-config",
        Place::Task(task) => task.scheduler.name(),
        Place::Startup(hook) => hook.kind.name(),
        Place::Account(file) => file.name(),
    }
}

fn user(name: Option<&[u8]>, fields: &mut Fields) {
    if let Some(name) = name {
        fields.push(("TargetUser", Value::Bytes(name.to_vec())));
    }
}

/// A list that has something; more than [`ITEMS`] are counted.
fn list(name: &'static str, items: impl Iterator<Item = Vec<u8>>, fields: &mut Fields) {
    let mut items: Vec<Vec<u8>> = items.collect();
    if items.is_empty() {
        return;
    }
    if items.len() > ITEMS {
        let more = items.len() - ITEMS;
        items.truncate(ITEMS);
        items.push(format!("... {more} more").into_bytes());
    }
    fields.push((name, Value::List(items)));
}
