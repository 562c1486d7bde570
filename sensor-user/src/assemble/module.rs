//! init_module, finit_module: the module's name and file.

use super::{items, low32};
use crate::{decode::CallFacts, event::Module};

/// The call's own facts. A kernel that `says_unnamed` records a module that it refuses early, too:
/// load_module's error path (kernel/module/main.c).
pub(super) fn module(facts: &CallFacts, says_unnamed: bool) -> Module {
    let name = facts.module_name.as_ref();
    Module {
        name: name.filter(|name| !name.is_empty()).cloned(),
        unnamed: says_unnamed && name.is_some_and(|name| name.is_empty()),
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
