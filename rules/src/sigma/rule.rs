//! A detection rule as it was written: what it says about itself, and what it looks for.
use super::{
    detection::Detections,
    yaml::{Entry, Kind, Node, Problem},
};

/// A detection rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) title: String,
    pub(crate) id: Option<String>,
    /// By which correlations refer to it.
    pub(crate) name: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) falsepositives: Vec<String>,
    /// Our own block: Microsoft's identifier, what to do next.
    pub(crate) alias: Option<String>,
    pub(crate) remediation: Option<String>,
    /// The id of the rule that this one stands in for.
    pub(crate) replaces: Option<String>,
    pub(crate) logsource: LogSource,
    pub(crate) detections: Detections,
}

/// Where a rule's events come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LogSource {
    pub(crate) product: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) service: Option<String>,
}

/// Sigma's top-level keys, ours, and two that SigmaHQ uses; anything else is a mistake.
const KEYS: [&str; 23] = [
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "sigma-version",
    "auklet",
    "regression_tests_path",
    "simulation",
];
const AUKLET_KEYS: [&str; 3] = ["alias", "remediation", "replaces"];
const STATES: [&str; 5] = [
    "stable",
    "test",
    "experimental",
    "deprecated",
    "unsupported",
];

impl Rule {
    /// Reads one document.
    pub(crate) fn parse(node: &Node) -> Result<Self, Problem> {
        let entries = node.map();
        let entries = entries.ok_or_else(|| Problem::new(node.line, "a rule is a mapping"))?;
        known_keys(entries)?;
        let title = text(node, "title")?;
        let title = title.ok_or_else(|| Problem::new(node.line, "the rule has no title"))?;
        one_of(node, "status", &STATES)?;
        one_of(node, "taxonomy", &["sigma"])?;
        let detection = node.get("detection");
        let detection =
            detection.ok_or_else(|| Problem::new(node.line, "the rule has no detection"))?;
        Ok(Self {
            title,
            id: text(node, "id")?,
            name: text(node, "name")?,
            level: text(node, "level")?,
            description: text(node, "description")?.unwrap_or_default(),
            tags: texts(node, "tags")?,
            falsepositives: texts(node, "falsepositives")?,
            alias: own(node, "alias")?,
            remediation: own(node, "remediation")?,
            replaces: own(node, "replaces")?,
            logsource: LogSource::parse(node)?,
            detections: Detections::parse(detection)?,
        })
    }
}

impl LogSource {
    /// Reads the `logsource` of a document.
    pub(crate) fn parse(document: &Node) -> Result<Self, Problem> {
        let Some(node) = document.get("logsource") else {
            return Ok(Self::default());
        };
        let entries = node.map();
        let entries = entries.ok_or_else(|| Problem::new(node.line, "logsource is a mapping"))?;
        for entry in entries {
            let known = ["product", "category", "service", "definition"];
            if !known.contains(&entry.key.as_str()) {
                let known = known.join(", ");
                let problem = format!("unknown key {} in logsource; known: {known}", entry.key);
                return Err(Problem::new(entry.line, problem));
            }
        }
        Ok(Self {
            product: text(node, "product")?,
            category: text(node, "category")?,
            service: text(node, "service")?,
        })
    }
}

fn known_keys(entries: &[Entry]) -> Result<(), Problem> {
    for entry in entries {
        let key = entry.key.as_str();
        if key == "action" {
            let problem = "action belongs to Sigma 1; write every rule whole";
            return Err(Problem::new(entry.line, problem));
        }
        if !KEYS.contains(&key) {
            return Err(Problem::new(entry.line, format!("unknown key {key}")));
        }
    }
    Ok(())
}

/// The string under a key; an error when there is something else.
pub(crate) fn text(node: &Node, key: &str) -> Result<Option<String>, Problem> {
    let Some(value) = node.get(key) else {
        return Ok(None);
    };
    let text = value.str().ok_or_else(|| {
        let problem = format!("{key} is a string, not {}", value.what());
        Problem::new(value.line, problem)
    })?;
    Ok(Some(text.to_owned()))
}

/// The strings under a key: one, or a list.
pub(crate) fn texts(node: &Node, key: &str) -> Result<Vec<String>, Problem> {
    let Some(value) = node.get(key) else {
        return Ok(Vec::new());
    };
    let text = |item: &Node| match &item.kind {
        Kind::Scalar(_, text) => Ok(text.clone()),
        _ => {
            let problem = format!("{key} is a list of strings, not of {}", item.what());
            Err(Problem::new(item.line, problem))
        }
    };
    match &value.kind {
        Kind::List(items) => items.iter().map(text).collect(),
        _ => Ok(vec![text(value)?]),
    }
}

fn one_of(node: &Node, key: &str, allowed: &[&str]) -> Result<(), Problem> {
    let value = text(node, key)?;
    let line = node.get(key).map_or(node.line, |n| n.line);
    match value {
        Some(value) if !allowed.contains(&value.as_str()) => {
            let allowed = allowed.join(", ");
            let problem = format!("invalid {key} {value}; there are: {allowed}");
            Err(Problem::new(line, problem))
        }
        _ => Ok(()),
    }
}

/// A string of the rule's `auklet:` block.
fn own(node: &Node, key: &str) -> Result<Option<String>, Problem> {
    let Some(block) = node.get("auklet") else {
        return Ok(None);
    };
    let entries = block.map();
    let entries = entries.ok_or_else(|| Problem::new(block.line, "auklet must be a mapping"))?;
    for entry in entries {
        if !AUKLET_KEYS.contains(&entry.key.as_str()) || entry.value.str().is_none() {
            let known = AUKLET_KEYS.join(", ");
            let name = &entry.key;
            let problem = format!("auklet.{name}: not one of {known}, or not a string");
            return Err(Problem::new(entry.line, problem));
        }
    }
    text(block, key)
}
