//! The fields that rules see, from an event: names and meanings in `auklet_rules::FIELDS`.

mod auditd;
mod common;
mod file;
mod memory;
mod message;
mod names;
mod network;
mod program;
mod time;

use auklet_rules::{Category, Observation, Value, analysis};

use super::{Enricher, acts};
use crate::{
    event::{Event, What},
    process::ProcessTable,
    syscalls,
};

/// Calls beyond the four families that an observation of the category can come of. Names of both
/// tables.
#[must_use]
pub(crate) fn calls(category: Category) -> Vec<&'static str> {
    match category {
        Category::FileEvent => [names::RENAME, names::LINK, names::MAKE].concat(),
        Category::FileRename => names::RENAME.to_vec(),
        Category::FileLink => names::LINK.to_vec(),
        Category::FileDelete => names::DELETE.to_vec(),
        Category::FileAttribute => names::ATTRIBUTE.to_vec(),
        Category::NetworkConnection => network::CALLS.to_vec(),
        Category::Memory => memory::CALLS.to_vec(),
        _ if analysis::CATEGORIES.contains(&category) => acts::CALLS.to_vec(),
        _ => Vec::new(),
    }
}

pub(crate) use self::{
    memory::{PROTECTS, PTRACE_REQUESTS},
    network::SOCKETCALLS,
};

pub(super) fn observations(
    enricher: &mut Enricher,
    event: &Event,
    processes: &ProcessTable,
) -> Vec<Observation> {
    let mut found = match &event.what {
        What::Exec(exec) => vec![program::exec(exec)],
        What::Module(module) => vec![program::module(module)],
        What::Open(open) => {
            let wanted = enricher.wants(file::category(open));
            let opened = wanted.then(|| file::open(event, open)).flatten();
            opened.into_iter().collect()
        }
        What::Utime(utime) => {
            let wanted = enricher.wants(Category::FileTimestamp);
            let time = wanted.then(|| time::set(enricher, event, utime)).flatten();
            time.into_iter().collect()
        }
        What::Other => other(event, processes),
        What::Message(message) => message::told(message).into_iter().collect(),
        What::Uring(_) => Vec::new(),
    };
    // Those of io_uring are inside the event of a call, or events of their own.
    found.extend(
        event
            .opened()
            .filter_map(|(open, item)| file::opened(item, open)),
    );
    found.retain(|observation| enricher.wants(observation.category));
    if let Some((last, rest)) = found.split_last_mut() {
        common::fill(enricher, event, processes, last);
        for observation in rest {
            common::fill(enricher, event, processes, observation);
        }
    }
    if enricher.wants(Category::Auditd) {
        found.extend(auditd::records(event));
    }
    found
}

/// Who acted, without what he did.
pub(super) fn actor(
    enricher: &mut Enricher,
    event: &Event,
    processes: &ProcessTable,
) -> Observation {
    let mut observation = Observation::new(Category::FileEvent);
    common::fill(enricher, event, processes, &mut observation);
    observation
}

/// Calls beyond the four families.
fn other(event: &Event, processes: &ProcessTable) -> Vec<Observation> {
    let Some(call) = &event.call else {
        return Vec::new();
    };
    let Some(name) = syscalls::layout(call.arch, call.nr) else {
        return Vec::new();
    };
    let mut found = names::changed(event, call, name);
    found.extend(network::connection(event, call, name));
    found.extend(memory::reached(event, call, name, processes));
    found
}

fn bytes(value: &[u8]) -> Value {
    Value::Bytes(value.to_vec())
}

fn int(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

fn int64(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The int in a register.
fn low32(register: u64) -> u32 {
    (register & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests;
