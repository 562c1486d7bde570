//! The values of which a rule cannot match without one: what a rule *pins*.
//!
//! Sound, never exact: `None` says that the rule may match whatever the value is.
use std::collections::BTreeSet;

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Quantifier, SelectorPattern,
};

/// The values that a matching event must have one of; `None` when that is not known.
pub(crate) type Need = Option<BTreeSet<Vec<u8>>>;

/// Asks what a rule pins; `item` says it for one comparison.
pub(crate) struct Pins<'a> {
    pub(crate) detections: &'a Detections,
    pub(crate) item: &'a dyn Fn(&DetectionItem) -> Need,
    /// The field has one value only: of two conditions, both must allow it.
    pub(crate) single: bool,
}

/// One of the alternatives holds.
pub(crate) fn either(alternatives: impl Iterator<Item = Need>) -> Need {
    alternatives.reduce(|a, b| Some(&a? | &b?)).flatten()
}

impl Pins<'_> {
    /// Over all conditions of the rule.
    pub(crate) fn rule(&self) -> Need {
        either(self.detections.conditions.iter().map(|c| self.of(c)))
    }

    /// All of the conditions hold: the narrowest one is enough.
    fn every(&self, conditions: impl Iterator<Item = Need>) -> Need {
        let known = conditions.flatten();
        if self.single {
            known.reduce(|a, b| &a & &b)
        } else {
            known.min_by_key(BTreeSet::len)
        }
    }

    fn of(&self, condition: &ConditionExpr) -> Need {
        match condition {
            ConditionExpr::And(parts) => self.every(parts.iter().map(|p| self.of(p))),
            ConditionExpr::Or(parts) => either(parts.iter().map(|p| self.of(p))),
            ConditionExpr::Not(_) => None,
            ConditionExpr::Identifier(name) => self.detection(self.detections.named.get(name)?),
            // Which names a wildcard selects is the engine's business; over every detection, "at
            // least one holds" is true whatever it selects, unless it may select none.
            ConditionExpr::Selector {
                quantifier: Quantifier::Any,
                pattern: SelectorPattern::Pattern(pattern),
            } => {
                let prefix = pattern.split('*').next().unwrap_or_default();
                let named = self.detections.named.iter();
                let chosen = named.filter(|(n, _)| n.starts_with(prefix));
                either(chosen.map(|(_, d)| self.detection(d)))
            }
            ConditionExpr::Selector { .. } => None,
        }
    }

    fn detection(&self, detection: &Detection) -> Need {
        match detection {
            Detection::AllOf(items) => self.every(items.iter().map(self.item)),
            Detection::AnyOf(parts) => either(parts.iter().map(|p| self.detection(p))),
            Detection::And(parts) => self.every(parts.iter().map(|p| self.detection(p))),
            Detection::Keywords(_)
            | Detection::ArrayMatch { .. }
            | Detection::Conditional { .. } => None,
        }
    }
}
