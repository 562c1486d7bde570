//! Rules that passed their checks, ready to be asked about events.
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

use crate::{
    category::Category,
    correlation::link::Graph,
    engine::{Engines, Explanation, Finding, Lists},
    error::{RuleError, RuleErrors},
    interest::Interest,
    load::{Origin, load},
    meta::RuleMeta,
    observation::Observation,
};
#[cfg(test)]
use crate::{document::Document, load::load_nodes};

macro_rules! shipped {
    ($($file:literal),* $(,)?) => {
        /// The rules that come with the sensor: one file per documented alert.
        const SHIPPED: &[(&str, &str)] =
            &[$((concat!("rules/linux/", $file), include_str!(concat!("../linux/", $file)))),*];
    };
}

shipped!(
    "dhcp-client-command-injection.yml",
    "digital-currency-mining.yml",
    "file-timestamp-modification.yml",
    "kernel-module.yml",
    "new-ssh-key.yml",
    "port-forwarding.yml",
    "scheduled-tasks.yml",
    "single-user-startup-script.yml",
    "ssh-authorized-keys.yml",
    "sudoers-group.yml",
);

/// What a rule set is made of.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) rules: Vec<Arc<RuleMeta>>,
    pub(crate) correlations: Vec<Arc<RuleMeta>>,
    pub(crate) engines: Engines,
    pub(crate) interest: Interest,
    /// Ids of rules that only feed correlations.
    pub(crate) silent: HashSet<String>,
    /// Filter documents, rules that overrides or replacements switched off, lists of values.
    pub(crate) exceptions: usize,
    pub(crate) overridden: usize,
    pub(crate) lists: usize,
}

/// How many of what a rule set has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleCounts {
    /// Detection rules in force, those that only feed correlations among them.
    pub rules: usize,
    /// Correlation rules.
    pub correlations: usize,
    /// Filter documents.
    pub exceptions: usize,
    /// Rules that are switched off or replaced.
    pub overridden: usize,
    /// Lists of values.
    pub lists: usize,
}

/// A set of rules.
#[derive(Default)]
pub struct RuleSet {
    parts: Parts,
    graph: Graph,
    origin: Origin,
}

impl RuleSet {
    /// No rules yet; the lists are what placeholders (`|expand`) of rules that follow stand for.
    #[must_use]
    pub fn with_lists(lists: Lists) -> Self {
        let origin = Origin {
            lists,
            ..Origin::default()
        };
        Self {
            origin,
            ..Self::default()
        }
    }

    /// The rules that come with the sensor.
    pub fn shipped() -> Result<Self, RuleErrors> {
        load(Origin {
            shipped: SHIPPED,
            ..Origin::default()
        })
    }

    /// Rules from files, and from all `*.yml` and `*.yaml` files below directories, by name; and lists
    /// of values, from `*.list`.
    pub fn load(paths: &[PathBuf]) -> Result<Self, RuleErrors> {
        Self::default().and_load(paths)
    }

    /// These rules and those of [`RuleSet::load`], read together: what comes later may refer to what
    /// came before, and change it by its id.
    pub fn and_load(self, paths: &[PathBuf]) -> Result<Self, RuleErrors> {
        let mut origin = self.origin;
        origin.paths.extend_from_slice(paths);
        load(origin)
    }

    /// Reads everything again, from where it came.
    pub fn read_again(&self) -> Result<Self, RuleErrors> {
        load(self.origin.clone())
    }

    /// These rules and that of one document.
    #[cfg(test)]
    pub(crate) fn with_document(self, document: &Document<'_>) -> Result<Self, RuleErrors> {
        load_nodes(self.origin, document.file, vec![document.node.clone()])
    }

    /// These rules and those of a file's text; the file is named in errors.
    pub fn and_parse(self, file: &Path, text: &str) -> Result<Self, RuleErrors> {
        let mut origin = self.origin;
        origin.texts.push((file.to_owned(), text.to_owned()));
        load(origin)
    }

    pub(crate) fn new(mut parts: Parts, graph: Graph, origin: Origin) -> Result<Self, RuleErrors> {
        let failed = |problem| RuleError {
            file: PathBuf::new(),
            line: 0,
            problem: format!("the rules are too many: {problem}"),
        };
        let finished = parts.engines.finish();
        finished.map_err(|problem| RuleErrors(vec![failed(problem)]))?;
        Ok(Self {
            parts,
            graph,
            origin,
        })
    }

    /// The rules that match and raise an alert of their own. Of rules with the same title, which are
    /// one alert, the gravest speaks.
    pub fn evaluate(&self, observation: &Observation) -> Vec<Finding> {
        self.evaluate_all(std::slice::from_ref(observation))
    }

    /// The rules that match any observation of one event, each once, as [`RuleSet::evaluate`] says.
    pub fn evaluate_all(&self, observations: &[Observation]) -> Vec<Finding> {
        let all = observations.iter().flat_map(|o| self.matches(o));
        gravest(all.filter(|finding| !self.is_silent(&finding.rule.id)))
    }

    /// Every rule that matches, those that only feed correlations among them.
    pub(crate) fn matches(&self, observation: &Observation) -> Vec<Finding> {
        self.parts.engines.evaluate(observation)
    }

    /// Whether a rule only feeds correlations.
    pub(crate) fn is_silent(&self, id: &str) -> bool {
        self.parts.silent.contains(id)
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The rule that is called so: its id, its alias or its title.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<RuleMeta>> {
        let same = |rule: &RuleMeta| {
            rule.id.eq_ignore_ascii_case(name)
                || rule.alias.as_deref() == Some(name)
                || rule.title == name
        };
        let all = self.parts.rules.iter().chain(&self.parts.correlations);
        all.into_iter().find(|rule| same(rule))
    }

    /// What a rule is about.
    #[must_use]
    pub fn category(&self, id: &str) -> Option<Category> {
        let nothing = Observation::new(Category::ProcessCreation);
        self.explain(id, &nothing).map(|why| why.category)
    }

    /// Why a rule, named by its id, matches an observation, or does not.
    #[must_use]
    pub fn explain(&self, id: &str, observation: &Observation) -> Option<Explanation> {
        self.parts.engines.explain(id, observation)
    }

    /// Whether one rule, named by its id, matches an observation: without the index, so that tests
    /// can tell what the index is worth.
    #[must_use]
    pub fn matches_alone(&self, id: &str, observation: &Observation) -> Option<bool> {
        self.parts.engines.matches(id, observation)
    }

    /// How many rules are tried on every event of their category, because no value excludes them.
    #[must_use]
    pub fn tried_always(&self) -> usize {
        self.parts.engines.tried_always()
    }

    /// What must be seen for every rule to work.
    pub fn interest(&self) -> &Interest {
        &self.parts.interest
    }

    /// How many of what there are.
    #[must_use]
    pub fn counts(&self) -> RuleCounts {
        RuleCounts {
            rules: self.parts.rules.len(),
            correlations: self.parts.correlations.len(),
            exceptions: self.parts.exceptions,
            overridden: self.parts.overridden,
            lists: self.parts.lists,
        }
    }

    /// Every correlation, in the order they were read.
    pub fn correlations(&self) -> &[Arc<RuleMeta>] {
        &self.parts.correlations
    }

    /// Every detection rule, in the order they were read.
    pub fn rules(&self) -> &[Arc<RuleMeta>] {
        &self.parts.rules
    }
}

/// One finding for each title.
fn gravest(all: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for new in all {
        match findings.iter_mut().find(|f| f.rule.title == new.rule.title) {
            Some(old) if old.rule.level < new.rule.level => *old = new,
            Some(_) => {}
            None => findings.push(new),
        }
    }
    findings
}

/// The text of a rule's document, as it was written.
///
/// # Errors
/// Its file can't be read any more, or the rule is not in it any more.
pub fn source(rule: &RuleMeta) -> io::Result<String> {
    let shipped = SHIPPED
        .iter()
        .find(|(file, _)| Path::new(file) == rule.file);
    let text = match shipped {
        Some((_, text)) => (*text).to_owned(),
        None => fs::read_to_string(&rule.file)?,
    };
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let found = documents.into_iter().find(|text| text.contains(&rule.id));
    found.ok_or_else(|| io::Error::other("the rule is not there any more"))
}
