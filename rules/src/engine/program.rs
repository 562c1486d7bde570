//! A rule as it is evaluated: its condition over selections, these over tests.
//!
//! Rules share their tests: a test is made once for an event, however many rules ask.
use std::{collections::HashMap, sync::Arc};

use super::{
    compile::{self, Test},
    matcher::Matcher,
};
use crate::{
    fields::FieldId,
    meta::RuleMeta,
    observation::{Observation, Value},
    sigma::{
        condition::Expr,
        detection::{Condition, Detections},
        yaml::Problem,
    },
};

/// A test's place in [`Tests`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestId(u32);

/// The tests of all rules of a category.
#[derive(Debug, Default)]
pub(crate) struct Tests {
    all: Vec<Test>,
    by_key: HashMap<String, TestId>,
}

impl Tests {
    pub(crate) fn get(&self, id: TestId) -> &Test {
        &self.all[id.0 as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn add(&mut self, item: &crate::sigma::detection::Item) -> Result<TestId, Problem> {
        let key = compile::key(item);
        if let Some(id) = self.by_key.get(&key) {
            return Ok(*id);
        }
        let test = compile::test(item)?;
        let full = || Problem::new(item.line, "too many rules");
        let id = TestId(u32::try_from(self.all.len()).map_err(|_| full())?);
        self.all.push(test);
        self.by_key.insert(key, id);
        Ok(id)
    }
}

/// A rule, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) meta: Arc<RuleMeta>,
    /// As it was written, placeholders replaced.
    pub(crate) source: Arc<Detections>,
    /// For each selection its alternatives, each of tests that must all hold.
    selections: Vec<Vec<Vec<TestId>>>,
}

impl Program {
    pub(crate) fn new(
        source: Arc<Detections>,
        meta: Arc<RuleMeta>,
        tests: &mut Tests,
    ) -> Result<Self, Problem> {
        let mut selections = Vec::with_capacity(source.selections.len());
        for selection in &source.selections {
            let alternatives = selection.alternatives.iter();
            let compiled =
                alternatives.map(|items| items.iter().map(|item| tests.add(item)).collect());
            selections.push(compiled.collect::<Result<_, _>>()?);
        }
        Ok(Self {
            meta,
            source,
            selections,
        })
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.source.conditions
    }

    pub(crate) fn alternatives(&self, selection: usize) -> &[Vec<TestId>] {
        &self.selections[selection]
    }

    /// Whether the event is what the rule looks for.
    pub(crate) fn matches(&self, event: &mut Asked<'_>) -> bool {
        self.conditions().iter().any(|c| self.holds(&c.expr, event))
    }

    pub(crate) fn holds(&self, expr: &Expr, event: &mut Asked<'_>) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|p| self.holds(p, event)),
            Expr::Any(parts) => parts.iter().any(|p| self.holds(p, event)),
            Expr::Not(part) => !self.holds(part, event),
            Expr::Selection(index) => self.selected(*index, event),
            Expr::Of { count, members } => {
                let mut missing = *count;
                members.iter().any(|m| {
                    missing -= usize::from(self.selected(*m, event));
                    missing == 0
                })
            }
        }
    }

    pub(crate) fn selected(&self, index: usize, event: &mut Asked<'_>) -> bool {
        let mut alternatives = self.selections[index].iter();
        alternatives.any(|items| items.iter().all(|id| event.ask(*id)))
    }
}

/// What was found out about one event: each test is made once at most.
pub(crate) struct Asked<'a> {
    pub(crate) tests: &'a Tests,
    pub(crate) event: &'a Observation,
    pub(crate) answers: &'a mut Answers,
}

/// Answers to tests, kept from event to event so that no event allocates.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// For each test: not asked, no, yes.
    known: Vec<u8>,
    asked: Vec<TestId>,
}

impl Answers {
    /// Room for so many tests.
    pub(crate) fn resize(&mut self, tests: usize) {
        if self.known.len() < tests {
            self.known.resize(tests, 0);
        }
    }

    pub(crate) fn forget(&mut self) {
        for id in self.asked.drain(..) {
            self.known[id.0 as usize] = 0;
        }
    }
}

impl Asked<'_> {
    pub(crate) fn ask(&mut self, id: TestId) -> bool {
        let known = self.answers.known[id.0 as usize];
        if known != 0 {
            return known == 2;
        }
        let answer = self.tests.get(id).holds(self.event);
        self.answers.known[id.0 as usize] = 1 + u8::from(answer);
        self.answers.asked.push(id);
        answer
    }
}

impl Test {
    /// Whether the event is what the item asks for.
    pub(crate) fn holds(&self, event: &Observation) -> bool {
        let Some(field) = self.field else {
            let texts = event.fields().iter().filter(|(_, v)| is_searched(v));
            return self.every_or_one(|m| texts.clone().any(|(_, v)| m.holds(Some(v), event)));
        };
        let value = event.get(field);
        if self.negated {
            return value.is_some() && !self.matchers.iter().any(|m| m.holds(value, event));
        }
        self.every_or_one(|m| m.holds(value, event))
    }

    fn every_or_one(&self, holds: impl Fn(&Matcher) -> bool) -> bool {
        match self.all {
            true => self.matchers.iter().all(holds),
            false => self.matchers.iter().any(holds),
        }
    }

    /// The fields by which it holds.
    pub(crate) fn evidence<'e>(
        &'e self,
        event: &'e Observation,
    ) -> impl Iterator<Item = (FieldId, &'e Value)> {
        event.fields().iter().filter_map(|(id, value)| {
            let found = match self.field {
                Some(field) => *id == field,
                None => {
                    let mut matchers = self.matchers.iter();
                    is_searched(value) && matchers.any(|m| m.holds(Some(value), event))
                }
            };
            found.then_some((*id, value))
        })
    }
}

/// Whether keywords are looked for in the value: a log has no word `false` for what is not so.
fn is_searched(value: &Value) -> bool {
    !matches!(value, Value::Bool(_))
}
