//! Analysers: state machines that say what acts *did*, however they were spelled.
//!
//! They are pure: fed with [`Act`]s, asking [`Files`] what is where, they give changes, which become
//! observations of the categories `authorized_keys_change`, `scheduled_task_change`, `startup_change` and
//! `account_change`. Severity, exceptions and tuning stay with Sigma rules. All state is bounded, and
//! what had no room is counted. docs/analysers.md says what each sees and what it can't.

mod act;
mod change;
mod dhcp;
mod facts;
mod fields;
mod files;
mod places;
mod snapshot;
mod trust;
mod watch;

pub use self::{
    act::{Act, Actor, Deed, FileId, Name, Naming},
    change::{Change, Method, State, StateKind},
    dhcp::injected as injected_options,
    facts::Facts,
    fields::{CATEGORIES, category},
    files::{FileLook, Files, Look, READ_LIMIT},
    places::{AccountFile, Hook, HookKind, Place, Scheduler, Task, place},
    snapshot::{Snapshot, SnapshotError, read as read_snapshot, write as write_snapshot},
    trust::{Access, Distrust, Owners, Trust},
    watch::{Counts, Limits, Watch},
};
