//! What a rule says about itself: the alert's title, how bad it is, what to do next.
use std::{fmt, path::PathBuf};

use serde::Serialize;

use crate::{correlation::spec::Spec, sigma::rule::Rule};

/// How bad it is if the rule is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the record.
    #[default]
    Informational,
    /// Worth a look.
    Low,
    /// Look today.
    Medium,
    /// Look now.
    High,
    /// Act now.
    Critical,
}

impl Level {
    const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The level of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The level's name in Sigma.
    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule's description of the alert it raises.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleMeta {
    /// The documented title, word for word. Rules that share it raise the same alert.
    pub title: String,
    /// The rule's own identifier, a UUID.
    pub id: String,
    /// Microsoft's identifier of the alert, where one was published.
    pub alias: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// ATT&CK tactics, such as `persistence`.
    pub tactics: Vec<String>,
    /// ATT&CK techniques, such as `T1098.004`.
    pub techniques: Vec<String>,
    /// What the alert means.
    pub description: String,
    /// What to do next.
    pub remediation: Option<String>,
    /// Harmless causes.
    pub falsepositives: Vec<String>,
    /// Where the rule was written.
    pub file: PathBuf,
    /// SHA-256 of that file, in hexadecimal.
    pub version: String,
}

/// ATT&CK's enterprise tactics, as tags spell them.
const TACTICS: [&str; 14] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

/// What an `attack.` tag names.
pub(crate) enum Attack {
    Tactic(String),
    Technique(String),
}

/// Reads `attack.persistence` or `attack.t1098.004`; other tags name neither.
pub(crate) fn attack(tag: &str) -> Option<Attack> {
    let name = tag.strip_prefix("attack.")?;
    let tactic = name.replace('_', "-");
    if TACTICS.contains(&tactic.as_str()) {
        return Some(Attack::Tactic(tactic));
    }
    let (technique, sub) = name.strip_prefix('t')?.split_once('.').map_or_else(
        || (&name[1..], None),
        |(technique, sub)| (technique, Some(sub)),
    );
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let valid = digits(technique, 4) && sub.is_none_or(|s| digits(s, 3));
    valid.then(|| Attack::Technique(name.to_ascii_uppercase()))
}

/// One line of text from a YAML block.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What rules and correlations say about themselves, as it was written.
pub(crate) struct About<'a> {
    title: &'a str,
    pub(crate) id: Option<&'a str>,
    pub(crate) level: Option<&'a str>,
    alias: Option<&'a str>,
    description: &'a str,
    remediation: Option<&'a str>,
    tags: &'a [String],
    falsepositives: &'a [String],
}

impl<'a> About<'a> {
    pub(crate) fn of_rule(rule: &'a Rule) -> Self {
        Self {
            title: &rule.title,
            id: rule.id.as_deref(),
            level: rule.level.as_deref(),
            alias: rule.alias.as_deref(),
            description: &rule.description,
            remediation: rule.remediation.as_deref(),
            tags: &rule.tags,
            falsepositives: &rule.falsepositives,
        }
    }

    pub(crate) fn of_correlation(spec: &'a Spec) -> Self {
        Self {
            title: &spec.title,
            id: spec.id.as_ref().map(|id| id.text.as_str()),
            level: spec.level.as_ref().map(|level| level.text.as_str()),
            alias: spec.alias.as_deref(),
            description: &spec.description,
            remediation: spec.remediation.as_deref(),
            tags: &spec.tags,
            falsepositives: &spec.falsepositives,
        }
    }
}

impl RuleMeta {
    /// Takes it from a rule that passed its checks: `id` and `level` are given; `version` is that of
    /// the file.
    pub(crate) fn new(
        about: About<'_>,
        id: String,
        level: Level,
        file: PathBuf,
        version: String,
    ) -> Self {
        let mut tactics = Vec::new();
        let mut techniques = Vec::new();
        for tag in about.tags {
            match attack(tag) {
                Some(Attack::Tactic(name)) => tactics.push(name),
                Some(Attack::Technique(id)) => techniques.push(id),
                None => {}
            }
        }
        Self {
            title: folded(about.title),
            id,
            alias: about.alias.map(folded),
            level,
            tactics,
            techniques,
            description: folded(about.description),
            remediation: about.remediation.map(folded),
            falsepositives: about.falsepositives.iter().map(|f| folded(f)).collect(),
            file,
            version,
        }
    }
}
