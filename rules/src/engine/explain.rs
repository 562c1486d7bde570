//! Why a rule matches an event, or does not: selection by selection, value by value.
use serde::Serialize;

use super::{
    compile,
    program::{Answers, Asked, Program, TestId, Tests},
};
use crate::{
    category::Category,
    observation::Observation,
    printable::{Text, printable},
    sigma::{
        detection::{Item, Literal},
        modifier::Modifier,
    },
};

/// Why a rule matches an observation, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The rule's title.
    pub title: String,
    /// The rule's identifier.
    pub id: String,
    /// What the rule is about. An observation of another category never matches it.
    pub category: Category,
    /// Whether the rule matches.
    pub matched: bool,
    /// Its conditions; one that holds is enough.
    pub conditions: Vec<ConditionVerdict>,
    /// Its selections, in the order of the file.
    pub selections: Vec<SelectionVerdict>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionVerdict {
    /// As it was written.
    pub text: String,
    /// Whether it holds.
    pub matched: bool,
}

/// A named selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectionVerdict {
    /// Its name.
    pub name: String,
    /// Its line in the rule's file.
    pub line: usize,
    /// Whether it holds.
    pub matched: bool,
    /// A mapping is one; of a list of mappings, one that holds is enough.
    pub alternatives: Vec<AlternativeVerdict>,
}

/// Items that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlternativeVerdict {
    /// Whether they do.
    pub matched: bool,
    /// The items.
    pub items: Vec<ItemVerdict>,
}

/// A field, and what the rule wants of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemVerdict {
    /// The field with its modifiers, as `Image|endswith`; `(any field)` for keywords.
    pub asked: String,
    /// Its line in the rule's file.
    pub line: usize,
    /// Whether it holds.
    pub matched: bool,
    /// The field's value in the observation; none: it has no such field, or any will do.
    pub found: Option<Text>,
    /// What the rule wants: with `|all` all of it, with `|neq` none of it, else one.
    pub values: Vec<ValueVerdict>,
}

/// A value that a rule wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueVerdict {
    /// As it was written.
    pub text: Text,
    /// Whether the field has it.
    pub matched: bool,
}

pub(super) fn explain(
    program: &Program,
    tests: &Tests,
    category: Category,
    event: &Observation,
) -> Explanation {
    let mut answers = Answers::default();
    answers.resize(tests.len());
    let mut asked = Asked {
        tests,
        event,
        answers: &mut answers,
    };
    let mut conditions = Vec::new();
    for condition in program.conditions() {
        conditions.push(ConditionVerdict {
            text: condition.text.clone(),
            matched: program.holds(&condition.expr, &mut asked),
        });
    }
    let names = program.source.selections.iter().enumerate();
    let selections = names.map(|(index, selection)| {
        let compiled = program.alternatives(index).iter();
        let pairs = selection.alternatives.iter().zip(compiled);
        SelectionVerdict {
            name: selection.name.clone(),
            line: selection.line,
            matched: program.selected(index, &mut asked),
            alternatives: pairs
                .map(|(items, ids)| alternative(items, ids, &mut asked))
                .collect(),
        }
    });
    Explanation {
        title: program.meta.title.clone(),
        id: program.meta.id.clone(),
        category,
        selections: selections.collect(),
        matched: event.category == category && conditions.iter().any(|c| c.matched),
        conditions,
    }
}

fn alternative(items: &[Item], ids: &[TestId], asked: &mut Asked<'_>) -> AlternativeVerdict {
    let pairs = items.iter().zip(ids);
    let items: Vec<ItemVerdict> = pairs.map(|(item, id)| verdict(item, *id, asked)).collect();
    AlternativeVerdict {
        matched: items.iter().all(|i| i.matched),
        items,
    }
}

fn verdict(item: &Item, id: TestId, asked: &mut Asked<'_>) -> ItemVerdict {
    let found = asked
        .tests
        .get(id)
        .field
        .and_then(|field| asked.event.get(field));
    let modifiers = item.modifiers.iter().map(|m| format!("|{}", m.name()));
    let field = item.field.as_deref().unwrap_or("(any field)");
    ItemVerdict {
        asked: format!("{field}{}", modifiers.collect::<String>()),
        line: item.line,
        matched: asked.ask(id),
        found: found.map(|value| Text::shown(value.shown())),
        values: item
            .values
            .iter()
            .map(|v| value(item, v, asked.event))
            .collect(),
    }
}

/// Asks for one value of an item, as if it were the only one.
fn value(item: &Item, literal: &Literal, event: &Observation) -> ValueVerdict {
    let joins = |m: &Modifier| matches!(m, Modifier::All | Modifier::Neq);
    let alone = Item {
        modifiers: item
            .modifiers
            .iter()
            .copied()
            .filter(|m| !joins(m))
            .collect(),
        values: vec![literal.clone()],
        ..item.clone()
    };
    ValueVerdict {
        text: Text::shown(printable(literal.text.as_bytes())),
        // It was compiled when the rule was loaded, so it can be again.
        matched: compile::test(&alone).is_ok_and(|test| test.holds(event)),
    }
}
