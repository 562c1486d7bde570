//! What one event alone does not say: names of users, ancestors, who made a file and when.

pub(crate) mod acts;
mod containers;
mod creators;
mod host_files;
pub(crate) mod observe;
mod references;
mod trusted;
mod users;

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read as _},
};

use auklet_rules::{
    Ancestor, Category, Interest, Observation, Process, Scene, Text, Value,
    analysis::injected_options, id,
};

use self::{containers::Containers, trusted::Trusted};
pub use self::{creators::Creators, host_files::HostFiles, references::References, users::Users};
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
    /// What rules ask for; `None`: everything.
    wanted: Option<BTreeSet<Category>>,
    /// A rule asks for containers.
    containers: Option<Containers>,
    /// A rule asks whether programs are what their paths say.
    trusted: Option<Trusted>,
    /// A rule asks for options of DHCP answers.
    options: bool,
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

    /// Leaves out what no rule asks for.
    pub fn ask(&mut self, interest: &Interest) {
        self.wanted = Some(interest.categories.clone());
        let asked = interest.names(id!("ContainerId"));
        self.containers = match self.containers.take() {
            known @ Some(_) if asked => known,
            _ => asked.then(Containers::default),
        };
        self.options = interest.names(id!("DhcpVariables"));
        let asked = interest.names(id!("ModuleFileTrusted"))
            || interest.names(id!("TrustedImage"))
            || interest.names(id!("TrustedAncestorImages"));
        self.trusted = match self.trusted.take() {
            known @ Some(_) if asked => known,
            _ => asked.then(Trusted::default),
        };
    }

    fn wants(&self, category: Category) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_none_or(|wanted| wanted.contains(&category))
    }

    fn container(&mut self, event: &Event) -> Option<Vec<u8>> {
        let executed = matches!(event.what, What::Exec(_));
        // A log's processes are not this machine's, or not there any more.
        let known = event.who.start_ns != 0;
        let containers = self.containers.as_mut().filter(|_| known)?;
        containers.of(&event.who, executed)
    }

    /// The same for an alert, whether or not rules ask for it.
    fn container_of(&mut self, event: &Event) -> Option<Vec<u8>> {
        match self.containers {
            None if event.who.start_ns != 0 => Containers::default().of(&event.who, false),
            _ => self.container(event),
        }
    }

    /// A log tells a user's name.
    pub fn learn_user(&mut self, uid: u32, name: &[u8]) {
        self.users.learn(uid, name);
    }

    /// What rules see of an event; several categories may apply, or none.
    pub fn observe(&mut self, event: &Event, processes: &ProcessTable) -> Vec<Observation> {
        let environment = self.environment(event);
        if let Some(trusted) = &mut self.trusted {
            trusted.follow(event, processes, &environment);
        }
        let mut observations = observe::observations(self, event, processes);
        let options = injected_options(&environment);
        let executed = observations
            .iter_mut()
            .filter(|o| o.category == Category::ProcessCreation && !options.is_empty());
        for observation in executed {
            observation.set(id!("DhcpVariables"), Value::List(options.clone()));
        }
        self.creators.remember(event, processes.get(event.who.pid));
        observations
    }

    /// What a program was started with, if a rule asks for what is in it. Of one that has ended nothing can
    /// be read.
    fn environment(&self, event: &Event) -> Vec<u8> {
        let program = matches!(event.what, What::Exec(_)) && event.success();
        if !(program && event.who.start_ns != 0 && (self.options || self.trusted.is_some())) {
            return Vec::new();
        }
        read_environment(event.who.pid).unwrap_or_default()
    }

    /// What rules see of who acted, for a change that is told later.
    #[must_use]
    pub fn actor(&mut self, event: &Event, processes: &ProcessTable) -> Observation {
        observe::actor(self, event, processes)
    }

    /// Where and when, if nobody was seen.
    #[must_use]
    pub fn nobody(&self, time_ns: u64) -> Scene {
        Scene {
            time_ms: i64::try_from(time_ns / 1_000_000).unwrap_or(i64::MAX),
            host: text(&self.host),
            ..Scene::default()
        }
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
            container: self.container_of(event).as_deref().map(text),
            object: object(event),
            objects: objects(event),
            records: records.iter().map(|line| text(line.as_bytes())).collect(),
        }
    }
}

/// Bytes of an environment looked at: more than execve's own limit of one string.
const ENVIRONMENT: u64 = 256 << 10;

fn read_environment(pid: u32) -> io::Result<Vec<u8>> {
    let mut environment = Vec::new();
    let file = File::open(format!("/proc/{pid}/environ"))?;
    file.take(ENVIRONMENT).read_to_end(&mut environment)?;
    Ok(environment)
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

/// Files of one event that an alert names.
const OBJECTS: usize = 16;

/// Every file that the event names, as it was resolved.
fn objects(event: &Event) -> Vec<Text> {
    let mut objects: Vec<Text> = Vec::new();
    for path in event.paths.iter().filter_map(|item| item.resolved.as_ref()) {
        let path = text(path);
        if objects.len() < OBJECTS && !objects.contains(&path) {
            objects.push(path);
        }
    }
    objects
}

/// What was acted upon.
fn object(event: &Event) -> Option<Text> {
    let path = match &event.what {
        What::Exec(_) | What::Message(_) => return None,
        What::Uring(_) => event
            .opened()
            .next_back()
            .and_then(|(_, item)| item.resolved.as_ref()),
        What::Module(module) => match &module.file {
            Some(file) => file.resolved.as_ref(),
            None => module.name.as_ref(),
        },
        // Of several names, the new one is what it is about.
        What::Open(_) | What::Other => event.paths.last().and_then(|item| item.resolved.as_ref()),
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
