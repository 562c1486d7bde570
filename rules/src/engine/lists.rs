//! Values for placeholders: `%name%` in a value with `|expand`.
//!
//! Sigma specification, "Placeholders": "If the tool isn't able to handle placeholders, it must
//! reject the rule."
use std::collections::BTreeMap;

use crate::sigma::{
    detection::{Detections, Item, Literal},
    modifier::Modifier,
    scalar::Scalar,
    yaml::Problem,
};

/// Values that one rule's value may become.
const MAX_VALUES: usize = 100_000;

/// Lists of values, by the name that placeholders use. A value is a Sigma string: `*` and `?` in it
/// are wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists(BTreeMap<String, Vec<String>>);

impl Lists {
    /// Gives a list its values, in place of those that it had.
    pub fn set(&mut self, name: impl Into<String>, values: Vec<String>) {
        self.0.insert(name.into(), values);
    }

    /// The values of a list.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The names of all lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Puts the lists' values in the place of the placeholders.
pub(crate) fn expand(detections: &mut Detections, lists: &Lists) -> Result<(), Problem> {
    for selection in &mut detections.selections {
        for item in selection.alternatives.iter_mut().flatten() {
            if item.has(Modifier::Expand) {
                expand_item(item, lists)?;
            }
        }
    }
    Ok(())
}

fn expand_item(item: &mut Item, lists: &Lists) -> Result<(), Problem> {
    let mut expanded = Vec::new();
    for literal in &item.values {
        if literal.value != Scalar::Text {
            let problem = "|expand takes strings; leave it out, or quote the value";
            return Err(Problem::new(literal.line, problem));
        }
        let texts = texts(&literal.text, lists, MAX_VALUES - expanded.len());
        let texts = texts.map_err(|problem| Problem::new(literal.line, problem))?;
        expanded.extend(texts.into_iter().map(|text| Literal {
            value: Scalar::Text,
            text,
            line: literal.line,
        }));
    }
    item.values = expanded;
    Ok(())
}

/// `%name%` is a placeholder, `\%` a percent sign.
fn texts(text: &str, lists: &Lists, room: usize) -> Result<Vec<String>, String> {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        let (plain, special) = rest.split_at(at);
        append(&mut texts, plain);
        rest = if let Some(after) = special.strip_prefix("\\%") {
            append(&mut texts, "%");
            after
        } else if let Some(after) = special.strip_prefix('\\') {
            append(&mut texts, "\\");
            after
        } else {
            let (name, after) = special[1..]
                .split_once('%')
                .ok_or("a % without its partner; write \\% for the character")?;
            let values = lists.get(name).ok_or_else(|| unknown(name, lists))?;
            if values.is_empty() {
                return Err(format!(
                    "the list {name} is empty; the rule could not match"
                ));
            }
            if texts.len().saturating_mul(values.len()) > room {
                return Err(format!("more than {MAX_VALUES} values come of it"));
            }
            let with = |start: &String| {
                values
                    .iter()
                    .map(|v| format!("{start}{v}"))
                    .collect::<Vec<_>>()
            };
            texts = texts.iter().flat_map(with).collect();
            after
        };
    }
    append(&mut texts, rest);
    Ok(texts)
}

fn append(texts: &mut [String], more: &str) {
    texts.iter_mut().for_each(|text| text.push_str(more));
}

fn unknown(name: &str, lists: &Lists) -> String {
    let known: Vec<&str> = lists.names().collect();
    match known.is_empty() {
        true => format!("no list {name} for the placeholder %{name}%; there are no lists"),
        false => format!(
            "no list {name} for the placeholder %{name}%; there are: {}",
            known.join(", ")
        ),
    }
}
