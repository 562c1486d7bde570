//! Evaluation of Sigma rules on bytes (docs/adr/0004-sigma-evaluation.md).
//!
//! When rules are loaded, every item of theirs becomes a test (`compile`), every rule a program over
//! tests (`program`), and for every rule the keys are chosen that it cannot match without (`keys`).
//! An event is looked at once (`index`) to find the few rules that it may match; only these are
//! evaluated. Nothing is allocated before a rule matches.
pub(crate) mod bytes;
mod compile;
mod date;
mod encode;
mod explain;
mod glob;
mod index;
mod keys;
mod lists;
mod matcher;
mod number;
mod program;
mod regex;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use serde::Serialize;

pub(crate) use self::lists::expand;
pub use self::{
    explain::{
        AlternativeVerdict, ConditionVerdict, Explanation, ItemVerdict, SelectionVerdict,
        ValueVerdict,
    },
    lists::Lists,
};
use self::{
    index::{Found, Index},
    program::{Answers, Asked, Program, Tests},
};
use crate::{
    category::Category,
    fields::FieldId,
    meta::RuleMeta,
    observation::Observation,
    printable::Text,
    sigma::{condition::Expr, detection::Detections, yaml::Problem},
};

/// A field that made a rule match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// Its name.
    pub field: String,
    /// Its value, escaped.
    pub value: Text,
}

/// A rule that matched an observation.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: Arc<RuleMeta>,
    /// Why it matched.
    pub matched: Vec<Matched>,
}

/// Compiled rules by category.
#[derive(Default)]
pub(crate) struct Engines(BTreeMap<Category, Engine>);

/// The compiled rules of one category.
#[derive(Default)]
struct Engine {
    programs: Vec<Program>,
    tests: Tests,
    index: Index,
}

#[derive(Default)]
struct Scratch {
    found: Found,
    answers: Answers,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Engines {
    /// Compiles a rule; an error says why it cannot be. [`Engines::finish`] must follow.
    pub(crate) fn add(
        &mut self,
        category: Category,
        detections: Detections,
        meta: Arc<RuleMeta>,
    ) -> Result<(), Problem> {
        let engine = self.0.entry(category).or_default();
        let program = Program::new(Arc::new(detections), meta, &mut engine.tests)?;
        engine.programs.push(program);
        Ok(())
    }

    /// Builds the indices, after the last rule.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for engine in self.0.values_mut() {
            let keys = engine.programs.iter().map(|p| keys::of(p, &engine.tests));
            engine.index = Index::new(keys.collect()).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Every rule of the observation's category that matches it.
    pub(crate) fn evaluate(&self, event: &Observation) -> Vec<Finding> {
        let Some(engine) = self.0.get(&event.category) else {
            return Vec::new();
        };
        SCRATCH.with_borrow_mut(|scratch| engine.evaluate(event, scratch))
    }

    /// Whether a rule matches the observation, without asking the index.
    pub(crate) fn matches(&self, id: &str, event: &Observation) -> Option<bool> {
        let (category, engine, program) = self.find(id)?;
        let mut answers = Answers::default();
        answers.resize(engine.tests.len());
        let mut asked = Asked {
            tests: &engine.tests,
            event,
            answers: &mut answers,
        };
        Some(event.category == category && program.matches(&mut asked))
    }

    fn find(&self, id: &str) -> Option<(Category, &Engine, &Program)> {
        self.0.iter().find_map(|(category, engine)| {
            let program = engine.programs.iter().find(|p| p.meta.id == id)?;
            Some((*category, engine, program))
        })
    }

    /// Why a rule matches the observation, or does not.
    pub(crate) fn explain(&self, id: &str, event: &Observation) -> Option<Explanation> {
        let (category, engine, program) = self.find(id)?;
        Some(explain::explain(program, &engine.tests, category, event))
    }

    /// Rules that no value of any field excludes: they are tried on every event of their category.
    pub(crate) fn tried_always(&self) -> usize {
        self.0.values().map(|engine| engine.index.always()).sum()
    }
}

impl Engine {
    fn evaluate(&self, event: &Observation, scratch: &mut Scratch) -> Vec<Finding> {
        let Scratch { found, answers } = scratch;
        self.index.find(event, found);
        // Nothing is left but after a panic.
        answers.forget();
        answers.resize(self.tests.len());
        let mut findings = Vec::new();
        let mut asked = Asked {
            tests: &self.tests,
            event,
            answers,
        };
        for (word, bits) in (0..).zip(&found.rules) {
            let mut bits = *bits;
            while bits != 0 {
                let rule = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let program = &self.programs[rule];
                if program.matches(&mut asked) {
                    findings.push(finding(program, &mut asked));
                }
            }
        }
        answers.forget();
        findings
    }
}

fn finding(program: &Program, asked: &mut Asked<'_>) -> Finding {
    let mut reasons = Reasons {
        program,
        matched: Vec::new(),
        seen: Vec::new(),
    };
    for condition in program.conditions() {
        if program.holds(&condition.expr, asked) {
            reasons.expr(&condition.expr, asked);
        }
    }
    Finding {
        rule: Arc::clone(&program.meta),
        matched: reasons.matched,
    }
}

/// Collects the fields that what holds in a condition names; what is under a `not` is no reason.
struct Reasons<'a> {
    program: &'a Program,
    matched: Vec<Matched>,
    seen: Vec<FieldId>,
}

impl Reasons<'_> {
    fn expr(&mut self, expr: &Expr, asked: &mut Asked<'_>) {
        match expr {
            Expr::Not(_) => {}
            Expr::All(parts) | Expr::Any(parts) => {
                for part in parts {
                    if self.program.holds(part, asked) {
                        self.expr(part, asked);
                    }
                }
            }
            Expr::Selection(index) => self.selection(*index, asked),
            Expr::Of { members, .. } => {
                for member in members {
                    self.selection(*member, asked);
                }
            }
        }
    }

    fn selection(&mut self, index: usize, asked: &mut Asked<'_>) {
        for items in self.program.alternatives(index) {
            if !items.iter().all(|id| asked.ask(*id)) {
                continue;
            }
            for id in items {
                for (field, value) in asked.tests.get(*id).evidence(asked.event) {
                    if !self.seen.contains(&field) {
                        self.seen.push(field);
                        self.matched.push(Matched {
                            field: field.name().to_owned(),
                            value: Text::shown(value.shown()),
                        });
                    }
                }
            }
        }
    }
}
