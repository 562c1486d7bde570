//! The values of which a rule cannot match without one: what a rule *pins*.
//!
//! Sound, never exact: `None` says that the rule may match whatever the value is.
use std::collections::BTreeSet;

use crate::sigma::{
    condition::Expr,
    detection::{Detections, Item},
};

/// The values that a matching event must have one of; `None` when that is not known.
pub(crate) type Need = Option<BTreeSet<Vec<u8>>>;

/// Asks what a rule pins; `item` says it for one comparison.
pub(crate) struct Pins<'a> {
    pub(crate) detections: &'a Detections,
    pub(crate) item: &'a dyn Fn(&Item) -> Need,
    /// It is one field that has one value: of two conditions, both must allow it.
    pub(crate) single: bool,
}

/// One of the alternatives holds.
pub(crate) fn either(alternatives: impl Iterator<Item = Need>) -> Need {
    alternatives.reduce(|a, b| Some(&a? | &b?)).flatten()
}

impl Pins<'_> {
    /// Over all conditions of the rule.
    pub(crate) fn rule(&self) -> Need {
        let conditions = self.detections.conditions.iter();
        either(conditions.map(|condition| self.of(&condition.expr)))
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

    fn of(&self, condition: &Expr) -> Need {
        match condition {
            Expr::All(parts) => self.every(parts.iter().map(|p| self.of(p))),
            Expr::Any(parts) => either(parts.iter().map(|p| self.of(p))),
            Expr::Not(_) => None,
            Expr::Selection(index) => self.selection(*index),
            Expr::Of { count, members } => {
                let needs = members.iter().map(|m| self.selection(*m));
                // At least one holds, whatever the count; if all do, each one's need is there.
                match *count == members.len() {
                    true => self.every(needs),
                    false => either(needs),
                }
            }
        }
    }

    fn selection(&self, index: usize) -> Need {
        let alternatives = self.detections.selections[index].alternatives.iter();
        either(alternatives.map(|items| self.every(items.iter().map(self.item))))
    }
}
