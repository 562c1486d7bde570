//! What the rules need to see, for the kernel's filter to let through.
//!
//! The answer must be *sound*: a file that a rule could match must never be left out. So a name is
//! only taken from a comparison that the rule cannot match without, and only when that comparison
//! pins the whole last component of the path, case included. Anything else means "all of them".
use std::collections::BTreeSet;

use crate::{
    fields::Category,
    sigma::{
        condition::Expr,
        detection::{Detections, Item, Literal, Selection},
        modifier::Modifier,
        scalar::Scalar,
        text::{Piece, pattern},
    },
};

/// Names (the last component of the resolved path) of the files that rules want to see read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileNames {
    /// No rule asks for reads.
    #[default]
    Nothing,
    /// Files of exactly these names, in whatever directory.
    Only(BTreeSet<Vec<u8>>),
    /// A rule matches reads without naming a file.
    All,
}

/// What a rule set needs to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// Categories that a rule asks for.
    pub categories: BTreeSet<Category>,
    /// Files whose reads a rule asks for.
    pub reads: FileNames,
}

impl Interest {
    /// Adds what one rule needs.
    pub(crate) fn add(&mut self, category: Category, detections: &Detections) {
        self.categories.insert(category);
        if category != Category::FileAccess {
            return;
        }
        let any = detections
            .conditions
            .iter()
            .map(|c| of(&c.expr, detections));
        let need = either(any);
        self.reads = match (std::mem::take(&mut self.reads), need) {
            (FileNames::All, _) | (_, None) => FileNames::All,
            (FileNames::Nothing, Some(names)) => FileNames::Only(names),
            (FileNames::Only(mut all), Some(names)) => {
                all.extend(names);
                FileNames::Only(all)
            }
        };
    }
}

/// The names that a matching file must have one of; `None` when that is not known.
type Need = Option<BTreeSet<Vec<u8>>>;

/// One of the alternatives holds.
fn either(alternatives: impl Iterator<Item = Need>) -> Need {
    alternatives.reduce(|a, b| Some(&a? | &b?)).flatten()
}

/// All of the conditions hold: the narrowest one is enough.
fn every(conditions: impl Iterator<Item = Need>) -> Need {
    conditions.flatten().min_by_key(BTreeSet::len)
}

fn of(condition: &Expr, detections: &Detections) -> Need {
    match condition {
        Expr::All(parts) => every(parts.iter().map(|p| of(p, detections))),
        Expr::Any(parts) => either(parts.iter().map(|p| of(p, detections))),
        Expr::Not(_) => None,
        Expr::Selection(index) => of_selection(&detections.selections[*index]),
        Expr::Of { count, members } => {
            let needs = members
                .iter()
                .map(|m| of_selection(&detections.selections[*m]));
            // At least one holds, whatever the count; if all do, the narrowest is enough.
            match *count == members.len() {
                true => every(needs),
                false => either(needs),
            }
        }
    }
}

fn of_selection(selection: &Selection) -> Need {
    either(
        selection
            .alternatives
            .iter()
            .map(|items| every(items.iter().map(of_item))),
    )
}

fn of_item(item: &Item) -> Need {
    let whole_path = item.field.as_deref() == Some("TargetFilename");
    let understood =
        |m: &Modifier| matches!(m, Modifier::Cased | Modifier::EndsWith | Modifier::Expand);
    if !whole_path || !item.has(Modifier::Cased) || !item.modifiers.iter().all(understood) {
        return None;
    }
    either(item.values.iter().map(of_value))
}

/// The last component, when the value ends in `/` and a literal.
fn of_value(value: &Literal) -> Need {
    if value.value != Scalar::Text {
        return None;
    }
    let pieces = pattern(&value.text);
    let Piece::Literal(end) = pieces.last()? else {
        return None;
    };
    let slash = end.iter().rposition(|b| *b == b'/')?;
    let name = &end[slash + 1..];
    (!name.is_empty()).then(|| BTreeSet::from([name.to_vec()]))
}
