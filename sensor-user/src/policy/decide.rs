//! Which events a policy records, and under which key. Sources: `audit_filter_rules`,
//! `audit_filter_syscall`, `audit_filter_inodes`, `audit_filter_uring`, `audit_field_compare` in
//! kernel/auditsc.c; `audit_filter` in kernel/auditfilter.c.

use bytes::Bytes;

use super::{
    Loaded, Policy,
    facts::{Facts, Item},
    field::Name,
    rule::{Action, Field, List, Op, Value},
};
use crate::event::{Aux, Event, Syscall, What};

/// `AUDIT_USER_AVC`: what the kernel takes from programs even when auditing is off.
const USER_AVC: u16 = 1107;

/// What becomes of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// It is recorded.
    pub record: bool,
    /// Keys of the rule that wanted it, joined by 0x01.
    pub key: Option<Bytes>,
    /// Records that the exclude list drops from it.
    pub excluded: Excluded,
    /// The rule that decided: an index into [`Policy::rules`]. `None`: no rule matched.
    pub rule: Option<usize>,
    /// For each [`Aux::Operation`]: whether there was reason to record it when it ended, and its key.
    pub operations: Vec<(bool, Option<Bytes>)>,
}

/// Record types that are not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Excluded(Vec<Vec<(Op, u32)>>);

impl Excluded {
    /// Whether records of a type are dropped.
    #[must_use]
    pub fn contains(&self, kind: u16) -> bool {
        let kind = u32::from(kind);
        let dropped = |tests: &Vec<(Op, u32)>| tests.iter().all(|(op, to)| op.compare(kind, *to));
        self.0.iter().any(dropped)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Policy {
    /// What the kernel's audit would do with an event.
    ///
    /// The task list is asked about the caller as it is now: the kernel asked when the task was made.
    #[must_use]
    pub fn decide(&self, event: &Event) -> Verdict {
        let facts = Facts::of(event, self);
        if !self.settings.is_enabled() {
            let record = matches!(&event.what, What::Message(m) if m.kind == USER_AVC);
            return Verdict {
                record,
                ..Verdict::default()
            };
        }
        let mut verdict = match &event.what {
            What::Message(message) => self.message(&facts, message.kind),
            What::Uring(uring) => self
                .task(&facts)
                .unwrap_or_else(|| self.first(List::IoUring, &facts, uring.op)),
            _ => self.call(&facts, event),
        };
        verdict.excluded = self.excluded(&facts);
        if let What::Message(message) = &event.what {
            verdict.record &= !verdict.excluded.contains(message.kind);
        }
        verdict
    }

    fn message(&self, facts: &Facts<'_>, kind: u16) -> Verdict {
        let matching = self.of(List::User).find(|(_, loaded)| {
            let of_kind = |f: &Field| match f.name {
                Name::MsgType => Some(compare(f, u32::from(kind))),
                _ => holds(f, loaded, facts, None),
            };
            all(loaded, of_kind)
        });
        Verdict {
            record: matching.is_none_or(|(_, l)| l.rule.action == Action::Always),
            rule: matching.map(|(at, _)| at),
            ..Verdict::default()
        }
    }

    fn call(&self, facts: &Facts<'_>, event: &Event) -> Verdict {
        let Some(call) = event.call else {
            return Verdict::default();
        };
        if let Some(verdict) = self.task(facts) {
            return verdict;
        }
        if event.aux.iter().any(|aux| matches!(aux, Aux::Operation(_))) {
            return self.around_operations(event, call);
        }
        let mut verdict = self.first(List::Exit, facts, call.nr);
        // What the kernel logs during a call (a login, a BPF program) makes it log the call, too.
        let logged = event.aux.iter().any(Aux::is_logged);
        verdict.record |= verdict.rule.is_none() && logged;
        verdict
    }

    /// A call inside which operations of io_uring ended: `__audit_uring_exit` asks the rules at each as if the
    /// call had ended so, then those of operations, and the last asks once more. A rule found earlier gives
    /// way only to one that was loaded before it (`audit_context.prio`).
    fn around_operations(&self, event: &Event, call: Syscall) -> Verdict {
        let mut found: Option<(usize, Verdict)> = None;
        let mut ask = |verdict: Verdict| {
            let earlier = |at: usize| found.as_ref().is_none_or(|(best, _)| at < *best);
            if let Some(at) = verdict.rule.filter(|at| earlier(*at)) {
                found = Some((at, verdict));
            }
            found
                .as_ref()
                .map_or((false, None), |(_, v)| (v.record, v.key.clone()))
        };
        let mut operations = Vec::new();
        for aux in &event.aux {
            let Aux::Operation(operation) = aux else {
                continue;
            };
            let mut then = event.clone();
            then.paths.truncate(operation.items);
            let exit = operation.uring.exit.unwrap_or_default();
            then.call = Some(Syscall { exit, ..call });
            let facts = Facts::of(&then, self);
            let (recorded, _) = ask(self.first(List::Exit, &facts, call.nr));
            if !recorded {
                ask(self.first(List::IoUring, &facts, operation.uring.op));
            }
            operations.push(ask(Verdict::default()));
        }
        ask(self.first(List::Exit, &Facts::of(event, self), call.nr));
        let verdict = found.map(|(_, verdict)| verdict).unwrap_or_default();
        Verdict {
            operations,
            ..verdict
        }
    }

    /// What the task list says of the caller: never leaves a task without a context, always records
    /// all it does (`audit_filter_task`).
    fn task(&self, facts: &Facts<'_>) -> Option<Verdict> {
        let mut tasks = self.of(List::Task);
        let found = tasks.find(|(_, loaded)| all(loaded, |f| holds(f, loaded, facts, None)));
        found.map(|(at, loaded)| Verdict {
            record: loaded.rule.action == Action::Always,
            rule: Some(at),
            ..Verdict::default()
        })
    }

    /// The first rule of a list that matches. The kernel has path and inode rules in lists of their
    /// own; its `prio` makes the first loaded win all the same.
    fn first(&self, list: List, facts: &Facts<'_>, nr: u32) -> Verdict {
        let found = self
            .of(list)
            .find(|(_, loaded)| loaded.rule.calls.contains(nr) && matches_any_item(loaded, facts));
        let Some((at, loaded)) = found else {
            return Verdict::default();
        };
        let record = loaded.rule.action == Action::Always;
        Verdict {
            record,
            key: loaded.rule.key.clone().filter(|_| record),
            rule: Some(at),
            ..Verdict::default()
        }
    }

    fn excluded(&self, facts: &Facts<'_>) -> Excluded {
        let applies = |loaded: &&Loaded| {
            all(loaded, |f| match f.name {
                Name::MsgType => Some(true),
                _ => holds(f, loaded, facts, None),
            })
        };
        let tests = |loaded: &Loaded| {
            let of = loaded
                .rule
                .fields
                .iter()
                .filter(|f| f.name == Name::MsgType);
            of.filter_map(|f| Some((f.op, f.number()?))).collect()
        };
        let rules = self.of(List::Exclude).map(|(_, loaded)| loaded);
        Excluded(rules.filter(applies).map(tests).collect())
    }
}

/// A rule that names a file or an inode is asked about each item, all its fields about the same one;
/// any other about the event.
fn matches_any_item(loaded: &Loaded, facts: &Facts<'_>) -> bool {
    let rule = &loaded.rule;
    let by_inode = rule.field(Name::Inode).is_some_and(|f| f.op == Op::Equal);
    let with = |item: Option<&Item<'_>>| all(loaded, |f| holds(f, loaded, facts, item));
    if by_inode || rule.field(Name::Path).is_some() {
        facts.items.iter().any(|item| with(Some(item)))
    } else {
        with(None)
    }
}

/// Whether all fields hold; what is unknown counts for recording.
fn all(loaded: &Loaded, holds: impl Fn(&Field) -> Option<bool>) -> bool {
    let unknown = loaded.rule.action == Action::Always && loaded.rule.list != List::Exclude;
    let mut fields = loaded.rule.fields.iter();
    fields.all(|field| holds(field).unwrap_or(unknown))
}

fn compare(field: &Field, left: u32) -> bool {
    field
        .number()
        .is_some_and(|right| field.op.compare(left, right))
}

/// Whether a field holds; `None`: not known.
fn holds(
    field: &Field,
    loaded: &Loaded,
    facts: &Facts<'_>,
    item: Option<&Item<'_>>,
) -> Option<bool> {
    let negated = |result: Option<bool>| result.map(|r| r == (field.op == Op::Equal));
    let any = |test: &dyn Fn(&Item<'_>) -> bool| match item {
        Some(item) => test(item),
        None => facts.items.iter().any(test),
    };
    match (&field.value, field.name) {
        (Value::Field(other), name) => Some(compare_fields(name, field.op, *other, facts)),
        (_, Name::Path) => match item.and_then(|item| item.item) {
            Some(item) => loaded.place.as_ref()?.matches(facts.event, item),
            None => Some(false),
        },
        (_, Name::Dir) => facts.in_tree(loaded.place.as_ref()?),
        (_, Name::Exe) => negated(facts.is_exe(loaded.exe.as_ref()?)),
        // Without a context of SELinux the kernel has nothing to compare: neither operator holds.
        (Value::Text(text), name) => Some(
            facts
                .subject(name)
                .is_some_and(|label| (label == text.as_ref()) == (field.op == Op::Equal)),
        ),
        (_, Name::Perm) => facts.perm(field.number()?),
        (_, Name::FileType) => {
            let of_type = |item: &Item<'_>| Some(item.mode & libc::S_IFMT) == field.number();
            negated(Some(facts.items.iter().any(|i| i.is_bound && of_type(i))))
        }
        (_, Name::DevMajor) => Some(any(&|i| {
            compare(field, i.dev >> 20) || compare(field, i.rdev >> 20)
        })),
        (_, Name::DevMinor) => Some(any(&|i| {
            compare(field, i.dev & 0xf_ffff) || compare(field, i.rdev & 0xf_ffff)
        })),
        (_, Name::Inode) => Some(any(&|i| compare(field, i.ino))),
        (_, Name::ObjUid) => Some(any(&|i| compare(field, i.uid))),
        (_, Name::ObjGid) => Some(any(&|i| compare(field, i.gid))),
        (_, Name::Success) => Some(success(field, facts)),
        (_, name) => Some(facts.number(name).is_some_and(|left| compare(field, left))),
    }
}

/// `AUDIT_SUCCESS`: the kind of result compared with the kind asked for.
fn success(field: &Field, facts: &Facts<'_>) -> bool {
    let asked = success_code(field);
    facts
        .result_code()
        .is_some_and(|code| field.op.compare(code, asked))
}

/// `AUDITSC_SUCCESS` or `AUDITSC_FAILURE`.
pub(super) fn success_code(field: &Field) -> u32 {
    if field.number() == Some(0) { 2 } else { 1 }
}

/// `-C`: with an owner it holds if it does for any item (`audit_compare_uid`).
fn compare_fields(left: Name, op: Op, right: Name, facts: &Facts<'_>) -> bool {
    let owner = |name: Name, item: &Item<'_>| match name {
        Name::ObjUid => Some(item.uid),
        Name::ObjGid => Some(item.gid),
        _ => facts.number(name),
    };
    let is_owner = |name| matches!(name, Name::ObjUid | Name::ObjGid);
    let compared = |left: Option<u32>, right: Option<u32>| {
        left.zip(right)
            .is_some_and(|(left, right)| op.compare(left, right))
    };
    if is_owner(left) || is_owner(right) {
        let mut items = facts.items.iter();
        items.any(|item| compared(owner(left, item), owner(right, item)))
    } else {
        compared(facts.number(left), facts.number(right))
    }
}
