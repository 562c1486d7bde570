//! What the kernel's filter would know of an event, as the numbers it compares.

use super::{Policy, field::Name, perm::Classes, watch::Place};
use crate::{
    event::{Aux, Event, PathItem, What},
    syscalls,
};

/// A PATH item as `struct audit_names` has it; one that was bound to no inode has the values that
/// the kernel's has then.
pub(super) struct Item<'e> {
    pub(super) item: Option<&'e PathItem>,
    pub(super) is_bound: bool,
    /// Low 32 bits: that is what is compared.
    pub(super) ino: u32,
    pub(super) dev: u32,
    pub(super) rdev: u32,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl<'e> Item<'e> {
    fn of(item: &'e PathItem, policy: &Policy) -> Self {
        let file = item.file.filter(|file| !policy.ignores(file));
        let facts = file.unwrap_or_default();
        let unset = |value| if file.is_some() { value } else { u32::MAX };
        Self {
            item: file.map(|_| item),
            is_bound: file.is_some(),
            ino: unset(facts.ino as u32),
            dev: unset(facts.dev),
            rdev: facts.rdev,
            mode: facts.mode,
            uid: facts.uid,
            gid: facts.gid,
        }
    }
}

pub(super) struct Facts<'e> {
    pub(super) event: &'e Event,
    pub(super) items: Vec<Item<'e>>,
    classes: Classes,
}

impl<'e> Facts<'e> {
    pub(super) fn of(event: &'e Event, policy: &Policy) -> Self {
        let items = event.paths.iter().map(|item| Item::of(item, policy));
        Self {
            event,
            items: items.collect(),
            classes: policy.classes,
        }
    }

    /// A field that is one number of the event.
    pub(super) fn number(&self, name: Name) -> Option<u32> {
        let who = &self.event.who;
        let argument = |at: usize| self.event.call.map(|call| call.args[at] as u32);
        Some(match name {
            Name::Pid => who.pid,
            Name::Ppid => who.ppid,
            Name::Uid => who.uid,
            Name::Euid => who.euid,
            Name::Suid => who.suid,
            Name::Fsuid => who.fsuid,
            Name::Gid => who.gid,
            Name::Egid => who.egid,
            Name::Sgid => who.sgid,
            Name::Fsgid => who.fsgid,
            Name::Auid => who.auid,
            Name::AuidSet => u32::from(who.auid != u32::MAX),
            Name::SessionId => who.ses,
            Name::Pers => self.event.call?.personality,
            Name::Arch => self.event.call?.arch,
            Name::Exit => self.exit()? as u32,
            Name::A0 => argument(0)?,
            Name::A1 => argument(1)?,
            Name::A2 => argument(2)?,
            Name::A3 => argument(3)?,
            Name::SaddrFam => self.family()?,
            _ => return None,
        })
    }

    fn exit(&self) -> Option<i64> {
        match (&self.event.what, self.event.call) {
            (What::Uring(uring), _) => uring.exit,
            (_, Some(call)) if returns(call.arch, call.nr) => Some(call.exit),
            _ => None,
        }
    }

    /// `AUDITSC_INVALID`, `_SUCCESS`, `_FAILURE` of kernel/audit.h.
    pub(super) fn result_code(&self) -> Option<u32> {
        Some(match self.exit() {
            None => 0,
            Some(exit) if (-4095..0).contains(&exit) => 2,
            Some(_) => 1,
        })
    }

    fn family(&self) -> Option<u32> {
        self.event.aux.iter().find_map(|aux| match aux {
            Aux::Sockaddr(address) => {
                let family = address.first_chunk::<2>()?;
                Some(u32::from(u16::from_ne_bytes(*family)))
            }
            _ => None,
        })
    }

    pub(super) fn perm(&self, perm: u32) -> Option<bool> {
        let Some(call) = self.event.call else {
            return Some(false);
        };
        let how = match &self.event.what {
            What::Open(open) => Some(open.flags),
            _ => None,
        };
        self.classes
            .matches(perm, call.arch, call.nr, call.args, how)
    }

    /// `dir=`: an item is the directory or below it.
    pub(super) fn in_tree(&self, place: &Place) -> Option<bool> {
        let bound = self.items.iter().filter_map(|item| item.item);
        let mut unknown = false;
        for item in bound {
            match place.matches(self.event, item) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => unknown = true,
            }
        }
        (!unknown).then_some(false)
    }

    /// The kernel compares the inode of the image. An event has its path only: with another root, or
    /// a deleted image, the same path need not be the same file.
    pub(super) fn is_exe(&self, place: &Place) -> Option<bool> {
        let named = self.event.who.exe.as_deref() == Some(place.path.as_slice());
        (!(named && self.event.caveats.other_root)).then_some(named)
    }

    /// Part of an SELinux context, `user:role:type:sen[-clr]`; none for other modules', as their
    /// kernel side has no such rules.
    pub(super) fn subject(&self, name: Name) -> Option<&'e [u8]> {
        let context = self.event.who.subj.as_deref()?;
        let mut parts = context.splitn(4, |b| *b == b':');
        let (user, role, kind) = (parts.next()?, parts.next()?, parts.next()?);
        let range = parts.next().unwrap_or_default();
        let mut levels = range.splitn(2, |b| *b == b'-');
        let low = levels.next()?;
        Some(match name {
            Name::SubjUser => user,
            Name::SubjRole => role,
            Name::SubjType => kind,
            Name::SubjSen => low,
            Name::SubjClr => levels.next().unwrap_or(low),
            _ => return None,
        })
    }
}

/// exit and exit_group never return.
fn returns(arch: u32, nr: u32) -> bool {
    !matches!(syscalls::name(arch, nr), Some("exit" | "exit_group"))
}
