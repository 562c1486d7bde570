//! What a rule does, as one plain sentence; what came from a file is escaped.

use auklet_rules::printable;

use super::{
    Loaded, Policy, Remark, Settings,
    field::Name,
    perm,
    print::{letters, number_text},
    rule::{Action, Field, List, Op, Rule, Value},
};

impl Policy {
    /// A sentence for each rule, in the order in which they are looked at.
    #[must_use]
    pub fn explain(&self) -> Vec<Remark> {
        let of = |l: &Loaded| Remark::new(&l.file, l.line, l.rule.explain());
        self.rules.iter().map(of).collect()
    }
}

impl Rule {
    /// What it does.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = match (self.list, self.action) {
            (List::Exit, Action::Always) => format!("records {}", self.calls_text()),
            (List::Exit, Action::Never) => format!("does not record {}", self.calls_text()),
            (List::IoUring, Action::Always) => format!("records {} by io_uring", self.calls_text()),
            (List::IoUring, Action::Never) => {
                format!("does not record {} by io_uring", self.calls_text())
            }
            (List::Task, Action::Always) => "records every call of processes".to_owned(),
            (List::Task, Action::Never) => "records no call of processes".to_owned(),
            (List::User, Action::Always) => "records messages of programs".to_owned(),
            (List::User, Action::Never) => "does not record messages of programs".to_owned(),
            (List::Exclude, _) => "leaves out records".to_owned(),
            (List::Filesystem, Action::Never) => "tells nothing of files".to_owned(),
            (List::Filesystem, Action::Always) => "has no effect on files".to_owned(),
        };
        for field in &self.fields {
            text.push(' ');
            text.push_str(&clause(field));
        }
        let keys = self.key.iter().flat_map(|key| key.split(|b| *b == 1));
        for (at, key) in keys.enumerate() {
            let comma = if at == 0 { ", key" } else { " and" };
            text.push_str(&format!("{comma} \"{}\"", printable(key)));
        }
        text
    }

    fn calls_text(&self) -> String {
        let names = self.call_names();
        if self.calls.is_all() {
            return match self.list {
                List::IoUring => "every operation".to_owned(),
                _ => "every call".to_owned(),
            };
        }
        names.join(", ")
    }
}

fn clause(field: &Field) -> String {
    let is = field.op == Op::Equal;
    let not = if is { "" } else { "not " };
    let name = field.name.name();
    let value = match &field.value {
        Value::Number(number) => number_text(field.name, *number),
        Value::Text(text) => printable(text),
        Value::Field(other) => other.name().to_owned(),
    };
    match (field.name, &field.value) {
        (_, Value::Field(_)) => format!("where {name} {} {value}", field.op.token()),
        (Name::Arch, _) => format!(
            "of {}{value} processes",
            if is { "" } else { "other than " }
        ),
        (Name::AuidSet, _) if is => "of processes that nobody logged in to".to_owned(),
        (Name::AuidSet, _) => "that are logged in".to_owned(),
        (Name::Auid, _) => format!("by users with auid {} {value}", field.op.token()),
        (Name::Path, _) => format!("on the file {value}"),
        (Name::Dir, _) => format!("on anything in the directory {value}"),
        (Name::Exe, _) => format!("{not}by the program {value}"),
        (Name::Perm, Value::Number(bits)) => format!("to {}", perms(*bits)),
        (Name::Success, Value::Number(number)) if is => if *number == 0 {
            "failing"
        } else {
            "succeeding"
        }
        .to_owned(),
        (Name::Exit, _) if is => format!("ending with {value}"),
        (Name::FileType, _) => format!("on what is {not}a {value}"),
        (Name::MsgType, _) => format!("of type {}{value}", if is { "" } else { field.op.token() }),
        (Name::FsType, _) => format!("{not}on {value}"),
        _ => format!("with {name} {} {value}", field.op.token()),
    }
}

fn perms(bits: u32) -> String {
    let words = [
        (perm::READ, "read"),
        (perm::WRITE, "write"),
        (perm::EXEC, "execute"),
        (perm::ATTR, "change attributes"),
    ];
    let named: Vec<&str> = words
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|w| w.1)
        .collect();
    match named.as_slice() {
        [] => format!("do nothing (perm={})", letters(bits)),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

impl Settings {
    /// What the settings do, a line each.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.enabled {
            Some(0) => lines.push("-e 0: nothing is recorded".to_owned()),
            Some(1) => lines.push("-e 1: recording is on".to_owned()),
            Some(_) => lines.push("-e 2: recording is on, and the rules are locked".to_owned()),
            None => {}
        }
        if let Some(level) = self.failure {
            let what = match level {
                0 => "losses are counted, and not logged while it runs",
                1 => "losses are counted and logged",
                _ => "losses are counted and logged; Auklet does not panic the kernel",
            };
            lines.push(format!("-f {level}: {what}"));
        }
        if let Some(rate) = self.rate {
            lines.push(match rate {
                0 => "-r 0: no limit on records a second".to_owned(),
                _ => {
                    format!("-r {rate}: at most {rate} records a second; what is above is counted")
                }
            });
        }
        if let Some(limit) = self.backlog {
            lines.push(format!(
                "-b {limit}: the kernel's queue of {limit} records; Auklet's ring is sized by --ring-bytes"
            ));
        }
        if let Some(time) = self.backlog_wait_time {
            lines.push(format!(
                "--backlog_wait_time {time}: no effect, Auklet never makes a call wait"
            ));
        }
        if self.loginuid_immutable {
            lines.push("--loginuid-immutable: not set by Auklet".to_owned());
        }
        lines
    }
}
