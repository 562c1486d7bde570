//! Programs and kernel modules.

use auklet_rules::{Category, Observation, Value, id};

use super::{bytes, int};
use crate::event::{Exec, Module};

pub(super) fn exec(exec: &Exec) -> Observation {
    let mut fields = Observation::new(Category::ProcessCreation);
    if let Some(arg0) = exec.argv.first() {
        fields.set(id!("Arg0"), bytes(arg0));
    }
    if let Some(script) = &exec.script {
        fields.set(id!("Script"), bytes(script));
    }
    if let Some(interpreter) = &exec.interpreter {
        fields.set(id!("Interpreter"), bytes(interpreter));
    }
    fields
}

pub(super) fn module(module: &Module) -> Observation {
    let file = module.file.as_ref().and_then(|item| item.resolved.as_ref());
    let memfd = file.is_some_and(|path| path.starts_with(b"/memfd:"));
    let mut fields = Observation::new(Category::KernelModuleLoad);
    let memory = module.file.is_none() || memfd;
    fields.set(id!("FromMemory"), Value::Bool(memory));
    fields.set(id!("ModuleFlags"), int(module.flags));
    if let Some(name) = &module.name {
        fields.set(id!("ModuleName"), bytes(name));
    }
    if let Some(path) = file {
        fields.set(id!("ModuleFile"), bytes(path));
    }
    fields
}
