//! What the kernel side must let through for a policy: never less than [`Policy::decide`] records.
//! Plain data, to be compiled into maps; [`Wanted::admits`] says what it means.

use super::{
    Loaded, Policy,
    decide::success_code,
    facts::Facts,
    field::Name,
    perm::{CallMask, READ, WRITE},
    rule::{Action, Field, List, Op, Value},
    watch::Place,
};
use crate::{
    event::{Aux, Event, Syscall, What},
    syscalls::{self, Abi},
};

/// What must be let through.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `false`: nothing at all (`-e 0`), but for USER_AVC messages.
    pub enabled: bool,
    /// What the kernel itself logs during a call (LOGIN, BPF) is recorded with its call, whatever the
    /// rules say; such calls must come through when this is set.
    pub logged_calls: bool,
    /// Messages of user space come through, all of them: the user list decides afterwards.
    pub messages: bool,
    /// Rules for calls, in order. The first that admits decides: see [`Wanted::admits`].
    pub rules: Vec<WantedRule>,
    /// The same for io_uring: bits of `native` are `IORING_OP_*`.
    pub uring: Vec<WantedRule>,
}

/// What one rule wants.
#[derive(Clone, Debug)]
pub struct WantedRule {
    /// Index into [`Policy::rules`].
    pub rule: usize,
    /// It is a rule of the task list: also for calls whose number has no bit in the masks.
    pub every_call: bool,
    /// Calls of the native ABI that it can match: `-S`, narrowed by `arch=` and `perm=`.
    pub native: CallMask,
    /// The same of the 32-bit ABI.
    pub compat: CallMask,
    /// All must hold. They need registers and the caller's ids only, as they are when the call ends.
    pub conditions: Vec<Condition>,
    /// There are further fields (paths, owners, the executable, labels, `-C`): a match here is not yet a
    /// match, only [`Policy::decide`] knows.
    pub needs_user_space: bool,
    /// It keeps calls out. Of use here only if it needs no user space.
    pub never: bool,
    /// Of calls whose flags say how they open, those that open for writing alone: a `perm=` with w, without r.
    pub for_writing: bool,
    /// What `path=` or `dir=` watches. A filter that sees the inode of *every* item of a call may let
    /// through only those of this inode, of this directory, or of this name.
    pub place: Option<Place>,
}

/// A comparison that needs no user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    pub register: Register,
    /// Unsigned, 32 bits: [`Op::compare`].
    pub op: Op,
    pub value: u32,
}

/// What it looks at; of 64-bit registers the low half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    A0,
    A1,
    A2,
    A3,
    /// Does not hold for a call that never returns.
    Exit,
    /// 0: does not return; 1: succeeded; 2: failed (`AUDITSC_*`).
    Result,
    Personality,
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
    /// 1 if the login uid is set, 0 if not.
    AuidSet,
    SessionId,
}

impl Register {
    fn of(name: Name) -> Option<Self> {
        Some(match name {
            Name::A0 => Self::A0,
            Name::A1 => Self::A1,
            Name::A2 => Self::A2,
            Name::A3 => Self::A3,
            Name::Exit => Self::Exit,
            Name::Success => Self::Result,
            Name::Pers => Self::Personality,
            Name::Pid => Self::Pid,
            Name::Ppid => Self::Ppid,
            Name::Uid => Self::Uid,
            Name::Euid => Self::Euid,
            Name::Suid => Self::Suid,
            Name::Fsuid => Self::Fsuid,
            Name::Gid => Self::Gid,
            Name::Egid => Self::Egid,
            Name::Sgid => Self::Sgid,
            Name::Fsgid => Self::Fsgid,
            Name::Auid => Self::Auid,
            Name::AuidSet => Self::AuidSet,
            Name::SessionId => Self::SessionId,
            _ => return None,
        })
    }

    fn name(self) -> Name {
        match self {
            Self::A0 => Name::A0,
            Self::A1 => Name::A1,
            Self::A2 => Name::A2,
            Self::A3 => Name::A3,
            Self::Exit => Name::Exit,
            Self::Result => Name::Success,
            Self::Personality => Name::Pers,
            Self::Pid => Name::Pid,
            Self::Ppid => Name::Ppid,
            Self::Uid => Name::Uid,
            Self::Euid => Name::Euid,
            Self::Suid => Name::Suid,
            Self::Fsuid => Name::Fsuid,
            Self::Gid => Name::Gid,
            Self::Egid => Name::Egid,
            Self::Sgid => Name::Sgid,
            Self::Fsgid => Name::Fsgid,
            Self::Auid => Name::Auid,
            Self::AuidSet => Name::AuidSet,
            Self::SessionId => Name::SessionId,
        }
    }
}

impl Policy {
    /// What the kernel side must be asked for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let enabled = self.settings.is_enabled();
        if !enabled {
            return Wanted::default();
        }
        // A task that the task list wants is recorded whatever the other lists say.
        let after_tasks = |list| {
            let rules = self.of(List::Task).chain(self.of(list));
            rules
                .map(|(at, loaded)| self.wanted_rule(at, loaded))
                .collect()
        };
        Wanted {
            enabled,
            logged_calls: true,
            messages: true,
            rules: after_tasks(List::Exit),
            uring: after_tasks(List::IoUring),
        }
    }

    fn wanted_rule(&self, at: usize, loaded: &Loaded) -> WantedRule {
        let rule = &loaded.rule;
        let mut conditions = Vec::new();
        let mut needs_user_space = false;
        for field in &rule.fields {
            match condition(field) {
                Some(condition) => conditions.push(condition),
                // The masks have it.
                None if field.name == Name::Arch => {}
                None => needs_user_space = true,
            }
        }
        WantedRule {
            rule: at,
            every_call: rule.list == List::Task,
            native: self.calls_of(loaded, Abi::Native),
            compat: self.calls_of(loaded, Abi::Compat),
            conditions,
            needs_user_space,
            never: rule.action == Action::Never,
            for_writing: rule.fields.iter().any(|field| {
                let perm = (field.name == Name::Perm).then(|| field.number()).flatten();
                perm.is_some_and(|perm| perm & (READ | WRITE) == WRITE)
            }),
            place: loaded.place.clone(),
        }
    }

    fn calls_of(&self, loaded: &Loaded, abi: Abi) -> CallMask {
        let rule = &loaded.rule;
        let of_arch = |f: &Field| {
            f.number()
                .is_some_and(|arch| f.op.compare(abi.arch(), arch))
        };
        let mut arches = rule.fields.iter().filter(|f| f.name == Name::Arch);
        if !arches.all(of_arch) {
            return CallMask::NONE;
        }
        // Every perm= must hold, so each narrows it.
        let perms = rule.fields.iter().filter(|f| f.name == Name::Perm);
        perms
            .filter_map(Field::number)
            .fold(rule.calls.clone(), |mask, perm| {
                mask.and(&self.classes.calls(perm, abi))
            })
    }
}

fn condition(field: &Field) -> Option<Condition> {
    let Value::Number(number) = field.value else {
        return None;
    };
    let register = Register::of(field.name)?;
    let value = match register {
        Register::Result => success_code(field),
        _ => number,
    };
    Some(Condition {
        register,
        op: field.op,
        value,
    })
}

impl Wanted {
    /// What the kernel side must do: whether it lets an event through. A reference for the programs,
    /// and for the test that nothing recorded is lost.
    #[must_use]
    pub fn admits(&self, event: &Event, policy: &Policy) -> bool {
        if let What::Message(message) = &event.what {
            return self.messages || message.kind == 1107;
        }
        let facts = Facts::of(event, policy);
        if let What::Uring(uring) = &event.what {
            return first(&self.uring, &facts, |rule| rule.native.contains(uring.op));
        }
        let Some(call) = event.call else { return false };
        let logged = self.logged_calls && event.aux.iter().any(Aux::is_logged);
        let has = |rule: &WantedRule| match Abi::of(call.arch) {
            Some(Abi::Native) => rule.native.contains(call.nr),
            Some(Abi::Compat) => rule.compat.contains(call.nr),
            None => true,
        };
        logged
            || first(&self.rules, &facts, has)
            || self.admits_operations(event, call, policy, &has)
    }

    /// For what ends inside io_uring_enter the rules of both are asked.
    fn admits_operations(
        &self,
        event: &Event,
        call: Syscall,
        policy: &Policy,
        has: &dyn Fn(&WantedRule) -> bool,
    ) -> bool {
        event.aux.iter().any(|aux| {
            let Aux::Operation(operation) = aux else {
                return false;
            };
            let exit = operation.uring.exit.unwrap_or_default();
            let call = Some(Syscall { exit, ..call });
            let then = Event {
                call,
                ..event.clone()
            };
            let facts = Facts::of(&then, policy);
            let by_op = |rule: &WantedRule| rule.native.contains(operation.uring.op);
            first(&self.rules, &facts, has) || first(&self.uring, &facts, by_op)
        })
    }
}

/// Whether an event is no open, or one whose flags in a register let it write.
fn may_write(event: &Event) -> bool {
    let Some(call) = &event.call else { return true };
    match syscalls::name(call.arch, call.nr) {
        Some("open") => call.args[1] & 3 != 0,
        Some("openat") => call.args[2] & 3 != 0,
        _ => true,
    }
}

/// The first rule that surely matches decides; one that needs user space can only let through.
fn first(rules: &[WantedRule], facts: &Facts<'_>, has_call: impl Fn(&WantedRule) -> bool) -> bool {
    let holds = |condition: &Condition| {
        let left = match condition.register {
            Register::Result => facts.result_code(),
            register => facts.number(register.name()),
        };
        left.is_some_and(|left| condition.op.compare(left, condition.value))
    };
    let matching = rules
        .iter()
        .filter(|rule| (rule.every_call || has_call(rule)) && rule.conditions.iter().all(holds))
        .filter(|rule| !rule.for_writing || may_write(facts.event));
    let mut deciding = matching.filter(|rule| !rule.never || !rule.needs_user_space);
    deciding.next().is_some_and(|rule| !rule.never)
}
