//! What the rules need to see, for the kernel's filter to let through.
//!
//! The answer must be *sound*: a file that a rule could match must never be left out. So a name is
//! only taken from a comparison that the rule cannot match without, and only when that comparison
//! pins the whole last component of the path, case included. Anything else means "all of them".
use std::collections::BTreeSet;

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
    SigmaValue,
};

use crate::fields::Category;

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
        let any = detections.conditions.iter().map(|c| of(c, detections));
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

fn of(condition: &ConditionExpr, detections: &Detections) -> Need {
    match condition {
        ConditionExpr::And(parts) => every(parts.iter().map(|p| of(p, detections))),
        ConditionExpr::Or(parts) => either(parts.iter().map(|p| of(p, detections))),
        ConditionExpr::Not(_) => None,
        ConditionExpr::Identifier(name) => of_detection(detections.named.get(name)?),
        // Which names a wildcard selects is the engine's business; over every detection, "at
        // least one holds" is true whatever it selects, unless it may select none.
        ConditionExpr::Selector {
            quantifier: Quantifier::Any,
            pattern: SelectorPattern::Pattern(pattern),
        } => {
            let prefix = pattern.split('*').next().unwrap_or_default();
            let chosen = detections
                .named
                .iter()
                .filter(|(n, _)| n.starts_with(prefix));
            either(chosen.map(|(_, d)| of_detection(d)))
        }
        ConditionExpr::Selector { .. } => None,
    }
}

fn of_detection(detection: &Detection) -> Need {
    match detection {
        Detection::AllOf(items) => every(items.iter().map(of_item)),
        Detection::AnyOf(parts) => either(parts.iter().map(of_detection)),
        Detection::And(parts) => every(parts.iter().map(of_detection)),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            None
        }
    }
}

fn of_item(item: &DetectionItem) -> Need {
    let whole_path = item.field.name.as_deref() == Some("TargetFilename");
    let understood = |m: &Modifier| matches!(m, Modifier::Cased | Modifier::EndsWith);
    let modifiers = &item.field.modifiers;
    if !whole_path || !modifiers.contains(&Modifier::Cased) || !modifiers.iter().all(understood) {
        return None;
    }
    either(item.values.iter().map(of_value))
}

/// The last component, when the value ends in `/` and a literal.
fn of_value(value: &SigmaValue) -> Need {
    let SigmaValue::String(path) = value else {
        return None;
    };
    let rsigma_parser::StringPart::Plain(end) = path.parts.last()? else {
        return None;
    };
    let (_, name) = end.rsplit_once('/')?;
    // U+FFFD stands for bytes that are not UTF-8: the literal would not be the name's bytes.
    let usable = !name.is_empty() && !name.contains('\u{fffd}');
    usable.then(|| BTreeSet::from([name.as_bytes().to_vec()]))
}
