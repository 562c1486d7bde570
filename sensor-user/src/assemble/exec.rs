//! execve, execveat: arguments, interpreter, script; the process table learns of the new image.

use super::Assembler;
use crate::{
    decode::CallFacts,
    event::{Caveats, Exec},
    script,
};

impl Assembler {
    pub(super) fn exec(
        &mut self,
        facts: &CallFacts,
        cwd: Option<&[u8]>,
        caveats: &mut Caveats,
    ) -> Exec {
        let failed = facts.call.ret < 0;
        let joined = self.arguments.join(facts);
        caveats.truncated |= joined.truncated;
        let interpreter = facts
            .interp
            .clone()
            .filter(|interp| facts.filename.as_ref() != Some(interp));
        let exe = facts.exe.as_ref().map(|path| path.to_bytes());
        let script = match &interpreter {
            Some(_) => facts
                .filename
                .as_ref()
                .map(|name| script::absolute(name, cwd)),
            None => script::of(exe.as_deref(), &joined.argv, cwd),
        };
        if !failed {
            self.processes
                .executed(&facts.task, exe, &joined.argv, script.clone());
        }
        Exec {
            argv: joined.argv,
            script,
            argv_bytes: joined.bytes,
            truncated: joined.truncated,
            interpreter,
        }
    }
}
