//! What one event alone does not say: names of users, ancestors, who made a file and when.

mod creators;
mod observe;
mod references;
mod users;

use auklet_rules::{Ancestor, Observation, Process, Scene, Text};

pub use self::{creators::Creators, references::References, users::Users};
use crate::{
    event::{Event, What},
    process::{ProcessEntry, ProcessTable},
};

/// State that enriches events.
#[derive(Debug, Default)]
pub struct Enricher {
    creators: Creators,
    references: References,
    users: Users,
    host: Vec<u8>,
}

impl Enricher {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            host: host_name(),
            ..Self::default()
        }
    }

    /// The same, for events of another machine.
    #[must_use]
    pub fn of_host(host: &[u8]) -> Self {
        let users = if host == host_name() {
            Users::default()
        } else {
            Users::elsewhere()
        };
        Self {
            host: host.to_vec(),
            users,
            ..Self::default()
        }
    }

    /// A log tells a user's name.
    pub fn learn_user(&mut self, uid: u32, name: &[u8]) {
        self.users.learn(uid, name);
    }

    /// What rules see of an event; several categories may apply, or none.
    pub fn observe(&mut self, event: &Event, processes: &ProcessTable) -> Vec<Observation> {
        let observations = observe::observations(self, event, processes);
        self.creators.remember(event, processes.get(event.who.pid));
        observations
    }

    /// Who, where and with what proof, for an alert.
    pub fn scene(
        &mut self,
        event: &Event,
        processes: &ProcessTable,
        records: Vec<String>,
    ) -> Scene {
        let who = &event.who;
        let entry = processes.get(who.pid);
        let unset = |id: u32| (id != u32::MAX).then_some(id);
        let process = Process {
            pid: who.pid,
            ppid: who.ppid,
            exe: text(who.exe.as_deref().unwrap_or_default()),
            command_line: text(&command_line(entry)),
            cwd: text(event.cwd.as_deref().unwrap_or_default()),
            user: Some(text(&self.users.name(who.euid))),
            uid: who.uid,
            euid: who.euid,
            gid: who.gid,
            auid: unset(who.auid),
            ses: unset(who.ses),
            tty: who.tty.as_deref().map(text),
            start_ms: None,
        };
        let ancestors = processes
            .ancestors(who.pid)
            .into_iter()
            .map(|entry| Ancestor {
                pid: entry.pid,
                exe: text(entry.exe.as_deref().unwrap_or_default()),
                command_line: text(&command_line(Some(entry))),
            });
        Scene {
            time_ms: i64::try_from(event.time_ns / 1_000_000).unwrap_or(i64::MAX),
            host: text(&self.host),
            process,
            ancestors: ancestors.collect(),
            object: object(event),
            records: records.iter().map(|line| text(line.as_bytes())).collect(),
        }
    }
}

fn text(bytes: &[u8]) -> Text {
    bytes.into()
}

/// Arguments joined by a space each.
pub(crate) fn command_line(entry: Option<&ProcessEntry>) -> Vec<u8> {
    entry
        .map(|entry| entry.argv.join(&b' '))
        .unwrap_or_default()
}

/// What was acted upon.
fn object(event: &Event) -> Option<Text> {
    let path = match &event.what {
        What::Exec(_) | What::Message(_) => return None,
        What::Other | What::Uring(_) => event
            .opened()
            .next_back()
            .and_then(|(_, item)| item.resolved.as_ref()),
        What::Module(module) => match &module.file {
            Some(file) => file.resolved.as_ref(),
            None => module.name.as_ref(),
        },
        What::Open(_) => event.paths.last().and_then(|item| item.resolved.as_ref()),
        What::Utime(utime) => utime
            .target
            .as_ref()
            .and_then(|item| item.resolved.as_ref()),
    };
    path.map(|path| text(path))
}

fn host_name() -> Vec<u8> {
    let name = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_ascii().to_vec()
}
