//! An alert: what was found, who did it, where it came from, and the records that prove it.
use serde::Serialize;

use crate::{
    detector::{Proof, Raised},
    engine::Matched,
    evidence::EventRef,
    meta::Level,
    printable::Text,
};

/// The process that acted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub ppid: u32,
    /// Resolved path of the program.
    pub exe: Text,
    /// Arguments joined by spaces.
    pub command_line: Text,
    /// Working directory.
    pub cwd: Text,
    /// Name of the effective user, where known.
    pub user: Option<Text>,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Real group id.
    pub gid: u32,
    /// Who signed in; none when nobody did.
    pub auid: Option<u32>,
    /// Audit session; none when there is none.
    pub ses: Option<u32>,
    /// Controlling terminal.
    pub tty: Option<Text>,
    /// When the process started, Unix milliseconds.
    pub start_ms: Option<i64>,
}

/// A process above the one that acted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ancestor {
    /// Process id.
    pub pid: u32,
    /// Resolved path of the program.
    pub exe: Text,
    /// Arguments joined by spaces.
    pub command_line: Text,
}

/// What the sensor knows about the event that matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// When it happened, Unix milliseconds.
    pub time_ms: i64,
    /// This machine's name.
    pub host: Text,
    /// Who did it.
    pub process: Process,
    /// Nearest first.
    pub ancestors: Vec<Ancestor>,
    /// The container that it ran in, where it did.
    pub container: Option<Text>,
    /// What it was done to: a path, a module.
    pub object: Option<Text>,
    /// Everything that the event names, the above among it.
    pub objects: Vec<Text>,
    /// The audit records of the event.
    pub records: Vec<Text>,
}

/// An alert as people and programs get it; one JSON object a line with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// This alert's own number, which its updates share: 16 hexadecimal digits.
    pub uid: String,
    /// When it was first and last seen, as `time`.
    pub first_seen: String,
    /// The same as `first_seen` until it is seen again.
    pub last_seen: String,
    /// How often it was seen between them.
    pub count: u64,
    /// Not the first of this `uid`: the same was seen again.
    pub update: bool,
    /// Too many alerts of this rule: `count` is of various processes and objects, this is one of them.
    pub various: bool,
    /// The documented title.
    pub title: Text,
    /// The rule's identifier.
    pub id: Text,
    /// Microsoft's identifier of the alert.
    pub alias: Option<Text>,
    /// How bad it is.
    pub level: Level,
    /// ATT&CK tactics.
    pub tactics: Vec<Text>,
    /// ATT&CK techniques.
    pub techniques: Vec<Text>,
    /// What it means.
    pub description: Text,
    /// What to do next.
    pub remediation: Option<Text>,
    /// Harmless causes.
    pub falsepositives: Vec<Text>,
    /// Where the rule was written.
    pub rule_file: Text,
    /// Which version of that file it was: its SHA-256, in hexadecimal.
    pub rule_version: String,
    /// This machine's name.
    pub host: Text,
    /// The container that it ran in, where it did.
    pub container: Option<Text>,
    /// Who did it.
    pub process: Process,
    /// Nearest first.
    pub ancestors: Vec<Ancestor>,
    /// What it was done to.
    pub object: Option<Text>,
    /// Everything that the event names.
    pub objects: Vec<Text>,
    /// Why the rule matched.
    pub matched: Vec<Matched>,
    /// For a correlation: what it found, such as `12 events in 10m`.
    pub found: Option<Text>,
    /// For a correlation: the events that it is about, the latest last; `ausearch -a` finds each.
    pub events: Vec<EventRef>,
    /// The audit records that prove it.
    pub records: Vec<Text>,
}

impl Alert {
    /// The alert that a finding raises.
    pub fn new(raised: impl Into<Raised>, scene: Scene) -> Self {
        let Raised { finding, proof, .. } = raised.into();
        let rule = &finding.rule;
        let texts = |items: &[String]| items.iter().map(|i| i.as_str().into()).collect();
        let time = rfc3339(scene.time_ms);
        let Proof { says, events, .. } = proof.unwrap_or_default();
        Self {
            uid: String::new(),
            first_seen: time.clone(),
            last_seen: time.clone(),
            time,
            count: 1,
            update: false,
            various: false,
            title: rule.title.as_str().into(),
            id: rule.id.as_str().into(),
            alias: rule.alias.as_deref().map(Text::from),
            level: rule.level,
            tactics: texts(&rule.tactics),
            techniques: texts(&rule.techniques),
            description: rule.description.as_str().into(),
            remediation: rule.remediation.as_deref().map(Text::from),
            falsepositives: texts(&rule.falsepositives),
            rule_file: rule.file.as_os_str().as_encoded_bytes().into(),
            rule_version: rule.version.clone(),
            host: scene.host,
            container: scene.container,
            process: scene.process,
            ancestors: scene.ancestors,
            object: scene.object,
            objects: scene.objects,
            matched: finding.matched,
            found: says,
            events,
            records: scene.records,
        }
    }

    /// The same alert, seen more often: `last_ms` is Unix milliseconds.
    pub(crate) fn seen_again(&mut self, count: u64, last_ms: i64) {
        self.count = count;
        self.last_seen = rfc3339(last_ms);
        self.update = true;
    }
}

/// `2026-11-24T09:30:00.123Z`.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    let (days, ms) = (
        unix_ms.div_euclid(86_400_000),
        unix_ms.rem_euclid(86_400_000),
    );
    let (year, month, day) = civil(days);
    let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
    let (second, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month, day of a count of days since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_rfc3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(951_827_696_789), "2000-02-29T12:34:56.789Z");
        assert_eq!(rfc3339(1_795_512_600_001), "2026-11-24T09:30:00.001Z");
    }
}
