//! The `detection` section of a rule: what it looks for, as it was written.
//!
//! Sigma specification, "Detection".
use super::{
    condition::{self, Expr},
    modifier::{Modifier, contradiction, needs_a_field},
    scalar::Scalar,
    yaml::{Entry, Kind, Node, Problem},
};

/// Selections, and the conditions over them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detections {
    /// In the order of the file.
    pub(crate) selections: Vec<Selection>,
    /// One of them is enough.
    pub(crate) conditions: Vec<Condition>,
}

/// A condition, with the selections' indices in place of their names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) expr: Expr,
}

/// A named search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// One of them must hold, with all its items: a mapping is one alternative, a list of mappings
    /// several, a list of words is one with a single item that has no field.
    pub(crate) alternatives: Vec<Vec<Item>>,
}

/// A field, or the whole event, and what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// None: any field (keywords).
    pub(crate) field: Option<String>,
    /// In the order of the file, which is the order they are applied in.
    pub(crate) modifiers: Vec<Modifier>,
    /// Never empty.
    pub(crate) values: Vec<Literal>,
    pub(crate) line: usize,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Literal {
    pub(crate) value: Scalar,
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Item {
    pub(crate) fn has(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&modifier)
    }
}

impl Detections {
    /// Every item of every selection.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        let alternatives = self.selections.iter().flat_map(|s| &s.alternatives);
        alternatives.flatten()
    }

    /// Reads a `detection` section.
    pub(crate) fn parse(node: &Node) -> Result<Self, Problem> {
        let entries = node.map().ok_or_else(|| expected("a mapping", node))?;
        let conditions = node.entry("condition");
        let conditions =
            conditions.ok_or_else(|| Problem::new(node.line, "detection has no condition"))?;
        let mut selections = Vec::new();
        for entry in entries {
            match entry.key.as_str() {
                "condition" => {}
                "timeframe" => {
                    let problem = "timeframe belongs to Sigma 1; write a correlation rule instead";
                    return Err(Problem::new(entry.line, problem));
                }
                _ => selections.push(selection(entry)?),
            }
        }
        let conditions = parse_conditions(conditions, &selections)?;
        Ok(Self {
            selections,
            conditions,
        })
    }
}

fn expected(what: &str, found: &Node) -> Problem {
    Problem::new(
        found.line,
        format!("expected {what}, found {}", found.what()),
    )
}

fn parse_conditions(entry: &Entry, selections: &[Selection]) -> Result<Vec<Condition>, Problem> {
    let one = std::slice::from_ref(&entry.value);
    let nodes = entry.value.list().unwrap_or(one);
    if nodes.is_empty() {
        return Err(Problem::new(entry.line, "the list of conditions is empty"));
    }
    let condition = |node: &Node| {
        let text = node.str().ok_or_else(|| expected("a condition", node))?;
        let bad = |e| Problem::new(node.line, format!("bad condition: {e}"));
        let expr = condition::parse(text, selections).map_err(bad)?;
        let text = text.trim().to_owned();
        Ok(Condition { text, expr })
    };
    nodes.iter().map(condition).collect()
}

fn selection(entry: &Entry) -> Result<Selection, Problem> {
    let alternatives = match &entry.value.kind {
        Kind::Map(_) => vec![items(&entry.value)?],
        Kind::List(nodes) => alternatives(nodes, entry.line)?,
        Kind::Scalar(..) => vec![vec![keywords(std::slice::from_ref(&entry.value))?]],
    };
    Ok(Selection {
        name: entry.key.clone(),
        line: entry.line,
        alternatives,
    })
}

/// "strings that are applied to the full log message and are linked with a logical OR", and "maps.
/// All map items of a list are logically linked with OR".
fn alternatives(nodes: &[Node], line: usize) -> Result<Vec<Vec<Item>>, Problem> {
    if nodes.is_empty() {
        return Err(Problem::new(
            line,
            "the list is empty; it would match nothing",
        ));
    }
    if nodes.iter().all(|n| matches!(n.kind, Kind::Scalar(..))) {
        return Ok(vec![vec![keywords(nodes)?]]);
    }
    let alternative = |node: &Node| match &node.kind {
        Kind::Map(_) => items(node),
        Kind::Scalar(..) => Ok(vec![keywords(std::slice::from_ref(node))?]),
        Kind::List(_) => Err(Problem::new(
            node.line,
            "a list within a list has no meaning",
        )),
    };
    nodes.iter().map(alternative).collect()
}

fn items(node: &Node) -> Result<Vec<Item>, Problem> {
    let entries = node.map().unwrap_or_default();
    if entries.is_empty() {
        return Err(Problem::new(
            node.line,
            "the mapping is empty; it would match everything",
        ));
    }
    entries.iter().map(item).collect()
}

fn keywords(nodes: &[Node]) -> Result<Item, Problem> {
    let values = nodes.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
    let line = nodes.first().map_or(0, |n| n.line);
    checked(Item {
        field: None,
        modifiers: Vec::new(),
        values,
        line,
    })
}

fn item(entry: &Entry) -> Result<Item, Problem> {
    let mut parts = entry.key.split('|');
    let field = parts.next().unwrap_or_default();
    let modifiers = parts.map(|name| modifier(name, entry.line));
    let modifiers = modifiers.collect::<Result<Vec<_>, _>>()?;
    let one = std::slice::from_ref(&entry.value);
    let nodes = entry.value.list().unwrap_or(one);
    if nodes.is_empty() {
        let problem = format!("{}: the list is empty; it would match nothing", entry.key);
        return Err(Problem::new(entry.line, problem));
    }
    let values = nodes.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
    checked(Item {
        field: (!field.is_empty()).then(|| field.to_owned()),
        modifiers,
        values,
        line: entry.line,
    })
}

fn modifier(name: &str, line: usize) -> Result<Modifier, Problem> {
    Modifier::parse(name).ok_or_else(|| {
        let problem = match name {
            "not" => "|not is no modifier; write not in the condition".to_owned(),
            _ => {
                let known = Modifier::NAMES.join(", ");
                format!("unknown modifier {name}; there are: {known}")
            }
        };
        Problem::new(line, problem)
    })
}

fn literal(node: &Node) -> Result<Literal, Problem> {
    match &node.kind {
        Kind::Scalar(value, text) => Ok(Literal {
            value: *value,
            text: text.clone(),
            line: node.line,
        }),
        _ => Err(expected("a value", node)),
    }
}

fn checked(item: Item) -> Result<Item, Problem> {
    let name = item.field.as_deref().unwrap_or("keywords");
    let refuse = |problem: String| Err(Problem::new(item.line, format!("{name}: {problem}")));
    if let Some(problem) = contradiction(&item.modifiers) {
        return refuse(problem);
    }
    if item.has(Modifier::All) && item.values.len() < 2 {
        // "Single item values are not allowed to have an all modifier"
        return refuse("|all needs a list of two values or more".to_owned());
    }
    if item.field.is_none() {
        if let Some(problem) = needs_a_field(&item.modifiers) {
            return refuse(problem);
        }
        let textual = |l: &Literal| matches!(l.value, Scalar::Null | Scalar::Bool(_));
        if item.values.iter().any(textual) {
            return refuse("a keyword is a string or a number; quote it if it is text".to_owned());
        }
    }
    Ok(item)
}
