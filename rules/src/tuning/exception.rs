//! Sigma's filter documents: what rules must not match, written beside them.
//!
//! Sigma filters specification 2.1. Its example's condition names what is filtered out; pySigma wants
//! `not` before it. Both are understood: a condition that is a `not` as a whole says what must hold for
//! a match, any other what there is no match for.
use crate::{
    correlation::keys::{Word, known_keys, word, words},
    sigma::{
        condition::Expr,
        detection::{Condition, Detections},
        rule::LogSource,
        yaml::{Kind, Node, Problem},
    },
};

/// A filter document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exception {
    pub(crate) line: usize,
    pub(crate) title: String,
    pub(crate) id: Option<Word>,
    pub(crate) logsource: LogSource,
    /// None: every rule of the log source.
    pub(crate) rules: Option<Vec<Word>>,
    /// What is filtered out.
    pub(crate) detections: Detections,
}

const KEYS: [&str; 14] = [
    "title",
    "id",
    "name",
    "description",
    "taxonomy",
    "status",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "related",
    "logsource",
    "filter",
];

impl Exception {
    /// Reads one document.
    pub(crate) fn parse(node: &Node) -> Result<Self, Problem> {
        known_keys(node, &KEYS, "")?;
        let title = word(node, "title")?;
        let title = title.ok_or_else(|| Problem::new(node.line, "the filter has no title"))?;
        let logsource = node.entry("logsource");
        logsource.ok_or_else(|| Problem::new(node.line, "the filter has no logsource"))?;
        let entry = node.entry("filter");
        let entry = entry.ok_or_else(|| Problem::new(node.line, "no filter"))?;
        let entries = entry.value.map().ok_or_else(|| {
            Problem::new(
                entry.line,
                format!("filter is a mapping, not {}", entry.value.what()),
            )
        })?;
        let rest = entries.iter().filter(|e| e.key != "rules").cloned();
        let detection = Node {
            line: entry.line,
            kind: Kind::Map(rest.collect()),
        };
        let mut detections = Detections::parse(&detection)?;
        let line = detection.entry("condition").map_or(entry.line, |e| e.line);
        let [condition] = &mut detections.conditions[..] else {
            return Err(Problem::new(line, "a filter has one condition"));
        };
        if let Expr::Not(inner) = &condition.expr {
            condition.expr = inner.as_ref().clone();
        }
        Ok(Self {
            line: node.line,
            title: title.text,
            id: word(node, "id")?,
            logsource: LogSource::parse(node)?,
            rules: rules(&entry.value, entry.line)?,
            detections,
        })
    }

    /// Adds the exception to a rule's detections.
    pub(crate) fn apply(&self, to: &mut Detections) {
        let offset = to.selections.len();
        for selection in &self.detections.selections {
            let mut selection = selection.clone();
            selection.name = format!("filter {:?}: {}", self.title, selection.name);
            to.selections.push(selection);
        }
        for Condition { text, expr } in &mut to.conditions {
            let rule = std::mem::replace(expr, Expr::All(Vec::new()));
            let out = self
                .detections
                .conditions
                .iter()
                .map(|c| shifted(&c.expr, offset));
            let out = Expr::Not(Box::new(Expr::Any(out.collect())));
            *expr = Expr::All(vec![rule, out]);
            *text = format!("({text}) and not filter {:?}", self.title);
        }
    }
}

/// `any`, or a list of ids and names.
fn rules(filter: &Node, line: usize) -> Result<Option<Vec<Word>>, Problem> {
    if filter.get("rules").and_then(Node::str) == Some("any") {
        return Ok(None);
    }
    let rules = words(filter, "rules")?;
    if rules.is_empty() {
        let line = filter.entry("rules").map_or(line, |e| e.line);
        return Err(Problem::new(
            line,
            "filter.rules: a list of ids or names, or any",
        ));
    }
    Ok(Some(rules))
}

/// The same condition over selections that stand further back.
fn shifted(expr: &Expr, by: usize) -> Expr {
    let all = |parts: &[Expr]| parts.iter().map(|part| shifted(part, by)).collect();
    match expr {
        Expr::All(parts) => Expr::All(all(parts)),
        Expr::Any(parts) => Expr::Any(all(parts)),
        Expr::Not(part) => Expr::Not(Box::new(shifted(part, by))),
        Expr::Selection(at) => Expr::Selection(at + by),
        Expr::Of { count, members } => Expr::Of {
            count: *count,
            members: members.iter().map(|at| at + by).collect(),
        },
    }
}
