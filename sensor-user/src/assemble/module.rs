//! init_module, finit_module: the module's name and file.

use super::{items, low32};
use crate::{decode::CallFacts, event::Module};

/// The call's own facts.
pub(super) fn module(facts: &CallFacts) -> Module {
    Module {
        name: facts.module_name.clone().filter(|name| !name.is_empty()),
        flags: if facts.is("finit_module") {
            low32(facts.call.args[2])
        } else {
            0
        },
        file: facts
            .items
            .iter()
            .find(|i| i.is_descriptor())
            .map(items::normal),
    }
}
