//! Which filters apply to which rules.
use std::{collections::HashMap, sync::Arc};

use super::{Loader, part::What};
use crate::{
    category::Category,
    check,
    engine::{self, Engines},
    error::RuleError,
    logsource,
    meta::RuleMeta,
    sigma::yaml::Problem,
    tuning::exception::Exception,
};

impl Loader<'_> {
    /// By rule: the filters that apply to it.
    pub(super) fn exceptions(&mut self) -> HashMap<usize, Vec<Exception>> {
        let mut all: HashMap<usize, Vec<Exception>> = HashMap::new();
        for at in 0..self.parts.len() {
            let What::Exception(exception) = &self.parts[at].what else {
                continue;
            };
            let exception = exception.as_ref().clone();
            if let Err(error) = self.category(at, &exception) {
                self.errors.push(error);
                continue;
            }
            for target in self.targets(at, &exception) {
                match self.fitting(target, &exception) {
                    Ok(fitting) => all.entry(target).or_default().push(fitting),
                    Err(Problem { line, problem }) => self.error(at, line, problem),
                }
            }
        }
        all
    }

    fn targets(&mut self, at: usize, exception: &Exception) -> Vec<usize> {
        let Some(words) = &exception.rules else {
            let category = match self.category(at, exception) {
                Ok(category) => category,
                Err(error) => {
                    self.errors.push(error);
                    return Vec::new();
                }
            };
            let fits = |at: &usize| match &self.parts[*at].what {
                What::Rule(_, checked) => {
                    let same = category.is_none_or(|category| category == checked.category);
                    same && !self.parts[*at].disabled
                }
                _ => false,
            };
            let found: Vec<usize> = (0..self.parts.len()).filter(fits).collect();
            if found.is_empty() {
                self.error(at, exception.line, "no rule is of this filter's logsource");
            }
            return found;
        };
        let mut found = Vec::new();
        for word in words {
            // A filter of a rule that is off changes nothing, and may stay.
            let off = self.by_id(&word.text, at);
            if !off.is_empty() && off.iter().all(|at| self.parts[*at].disabled) {
                continue;
            }
            let Some(target) = self.find(at, word) else {
                continue;
            };
            match &self.parts[target].what {
                What::Rule(..) => found.push(target),
                _ => {
                    let problem = format!("{} is a correlation: filter its rules", word.text);
                    self.error(at, word.line, problem);
                }
            }
        }
        found
    }

    /// The category that a filter is about; none: every one.
    fn category(&self, at: usize, exception: &Exception) -> Result<Option<Category>, RuleError> {
        let source = &exception.logsource;
        if source.category.is_none() && source.service.is_none() {
            return Ok(None);
        }
        let found = logsource::category(source).map(Some);
        let document = &self.parts[at].document;
        found.map_err(|(key, problem)| document.error_at(key, problem))
    }

    /// The filter with its lists' values, if it can be asked about the rule's events.
    fn fitting(&self, target: usize, exception: &Exception) -> Result<Exception, Problem> {
        let What::Rule(rule, checked) = &self.parts[target].what else {
            return Err(Problem::new(exception.line, "not a rule"));
        };
        let source = logsource::category(&exception.logsource).ok();
        if source.is_some_and(|category| category != checked.category) {
            let problem = format!("the rule {:?} is of another logsource", rule.title);
            return Err(Problem::new(exception.line, problem));
        }
        check::known_fields(&exception.detections, checked.category)?;
        let mut exception = exception.clone();
        engine::expand(&mut exception.detections, &self.lists)?;
        // Compiled alone, so that what is wrong with it is said of its own lines.
        let meta = Arc::new(RuleMeta::default());
        Engines::default().add(checked.category, exception.detections.clone(), meta)?;
        Ok(exception)
    }
}
