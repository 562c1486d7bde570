//! The Sigma engine behind the crate's own interface: nothing outside knows that it is rsigma's.
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rsigma_eval::Engine;
use rsigma_parser::SigmaRule;
use serde::Serialize;

use crate::{
    fields::{Category, FieldId},
    meta::RuleMeta,
    observation::{Observation, View},
    printable::Text,
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

/// Compiled rules, one engine per category.
#[derive(Default)]
pub(crate) struct Engines {
    by_category: BTreeMap<Category, Engine>,
    meta: HashMap<String, Arc<RuleMeta>>,
}

impl Engines {
    /// Compiles a rule; an error says why it cannot be.
    pub(crate) fn add(
        &mut self,
        category: Category,
        rule: &SigmaRule,
        meta: Arc<RuleMeta>,
    ) -> Result<(), String> {
        let engine = self.by_category.entry(category).or_default();
        engine.add_rule(rule).map_err(|e| e.to_string())?;
        self.meta.insert(meta.id.clone(), meta);
        Ok(())
    }

    /// Every rule of the observation's category that matches it.
    pub(crate) fn evaluate(&self, observation: &Observation) -> Vec<Finding> {
        let Some(engine) = self.by_category.get(&observation.category) else {
            return Vec::new();
        };
        let results = engine.evaluate(&View(observation));
        let finding = |result: &rsigma_eval::result::EvaluationResult| {
            let rule = self.meta.get(result.header.rule_id.as_ref()?)?;
            let body = result.as_detection()?;
            let mut matched: Vec<Matched> = Vec::new();
            for field in &body.matched_fields {
                let value = FieldId::find(&field.field).and_then(|id| observation.get(id));
                if let Some(value) = value {
                    add(&mut matched, &field.field, value.shown());
                }
            }
            let rule = Arc::clone(rule);
            Some(Finding { rule, matched })
        };
        results.iter().filter_map(finding).collect()
    }
}

fn add(matched: &mut Vec<Matched>, field: &str, shown: String) {
    if !matched.iter().any(|m| m.field == field) {
        let field = field.to_owned();
        let value = Text::shown(shown);
        matched.push(Matched { field, value });
    }
}
