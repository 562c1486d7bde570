//! Documents that switch rules off, or change their level, by id. A form of our own:
//!
//! ```yaml
//! title: The build machines load modules all day
//! override:
//!     rules:
//!         - 43766f08-1f8e-5585-a445-3098a379b818
//!     enabled: false
//! ```
use crate::{
    correlation::keys::{Word, known_keys, word, words},
    meta::Level,
    sigma::{
        scalar::Scalar,
        yaml::{Kind, Node, Problem},
    },
};

/// A document that changes rules.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Override {
    pub(crate) rules: Vec<Word>,
    /// Keeps the rules from running.
    pub(crate) disabled: bool,
    pub(crate) level: Option<Level>,
}

const KEYS: [&str; 7] = [
    "title",
    "id",
    "description",
    "author",
    "date",
    "modified",
    "override",
];

impl Override {
    /// Reads one document.
    pub(crate) fn parse(node: &Node) -> Result<Self, Problem> {
        known_keys(node, &KEYS, "")?;
        let title = word(node, "title")?.filter(|title| !title.text.trim().is_empty());
        // Months later somebody asks why the rule is off.
        title.ok_or_else(|| Problem::new(node.line, "the override has no title: say why"))?;
        let entry = node.entry("override");
        let entry = entry.ok_or_else(|| Problem::new(node.line, "no override"))?;
        let block = &entry.value;
        known_keys(block, &["rules", "enabled", "level"], "override.")?;
        let rules = words(block, "rules")?;
        if rules.is_empty() {
            return Err(Problem::new(entry.line, "override.rules: a list of ids"));
        }
        let disabled = match block.get("enabled").map(|value| (&value.kind, value.line)) {
            None => false,
            Some((Kind::Scalar(Scalar::Bool(enabled), _), _)) => !enabled,
            Some((_, line)) => {
                return Err(Problem::new(line, "override.enabled is true or false"));
            }
        };
        let level = word(block, "level")?;
        let level = level.map(|word| {
            let bad = || Problem::new(word.line, format!("invalid level {}", word.text));
            Level::parse(&word.text).ok_or_else(bad)
        });
        let level = level.transpose()?;
        if block.get("enabled").is_none() && level.is_none() {
            let problem = "the override changes nothing: write enabled or level";
            return Err(Problem::new(entry.line, problem));
        }
        Ok(Self {
            rules,
            disabled,
            level,
        })
    }
}
