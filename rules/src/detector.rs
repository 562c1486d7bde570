//! Rules at work: what the observations of an event raise, on their own and with events before it.
use std::collections::HashSet;

use crate::{
    correlation::{
        link::Correlation,
        state::{CorrelationCounts, Fired, Moment, State},
    },
    engine::{Finding, Matched},
    error::{RuleError, RuleErrors},
    evidence::EventRef,
    fields::FieldId,
    observation::Observation,
    printable::Text,
    ruleset::RuleSet,
};

/// Events that an alert names as its proof: as many first ones, and as many latest.
const PROOF: usize = 16;

/// Bytes for the memory of all correlations, unless told otherwise.
pub const DEFAULT_CORRELATION_BYTES: usize = 32 << 20;

/// What a correlation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// `12 events in 10m`.
    pub says: Option<Text>,
    /// The values of the group's fields.
    pub group: Vec<String>,
    /// The events, or the first and the latest of them.
    pub events: Vec<EventRef>,
}

/// A rule that matched, or a correlation that fired.
#[derive(Debug, Clone)]
pub struct Raised {
    /// Which, and why.
    pub finding: Finding,
    /// Which of the event's observations did it.
    pub observation: usize,
    /// For a correlation.
    pub proof: Option<Proof>,
}

impl From<Finding> for Raised {
    fn from(finding: Finding) -> Self {
        Self {
            finding,
            observation: 0,
            proof: None,
        }
    }
}

/// A rule set with what its correlations remember.
pub struct Detector {
    rules: RuleSet,
    state: State,
}

impl Detector {
    /// Nothing seen yet. `correlation_bytes` is what correlations may remember, in all.
    ///
    /// # Errors
    /// The bytes are too few for a correlation's smallest memory.
    pub fn new(rules: RuleSet, correlation_bytes: usize) -> Result<Self, RuleErrors> {
        let state = State::new(rules.graph(), correlation_bytes).map_err(one_error)?;
        Ok(Self { rules, state })
    }

    /// What an event raises. Of rules with the same title, which are one alert, the gravest speaks.
    pub fn event(&mut self, observations: &[Observation], moment: &Moment<'_>) -> Vec<Raised> {
        let mut all: Vec<Raised> = Vec::new();
        for (at, observation) in observations.iter().enumerate() {
            let found = self.rules.matches(observation);
            all.extend(found.into_iter().map(|finding| Raised {
                finding,
                observation: at,
                proof: None,
            }));
        }
        if all.is_empty() {
            return all;
        }
        let matched = all
            .iter()
            .map(|r| (r.finding.rule.id.as_str(), r.observation));
        let graph = self.rules.graph();
        let fired = self.state.event(graph, matched, observations, moment);
        let loud = fired
            .iter()
            .filter(|f| graph.correlations[f.correlation].loud);
        let fired: Vec<Raised> = loud
            .map(|fired| {
                let correlation = &graph.correlations[fired.correlation];
                raised(fired, correlation, &observations[fired.observation])
            })
            .collect();
        all.retain(|raised| !self.rules.is_silent(&raised.finding.rule.id));
        all.extend(fired);
        gravest(all)
    }

    /// Goes on with other rules; correlations that stay the same keep what they remember.
    ///
    /// # Errors
    /// The bytes are too few for the new correlations; nothing changed then.
    pub fn replace(&mut self, rules: RuleSet) -> Result<(), RuleErrors> {
        self.state.check(rules.graph()).map_err(one_error)?;
        self.state.carry_over(self.rules.graph(), rules.graph());
        self.rules = rules;
        Ok(())
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What correlations remember.
    #[must_use]
    pub fn counts(&self) -> CorrelationCounts {
        self.state.counts()
    }
}

fn one_error(problem: String) -> RuleErrors {
    RuleErrors(vec![RuleError {
        file: "correlations".into(),
        line: 0,
        problem,
    }])
}

fn raised(fired: &Fired, correlation: &Correlation, observation: &Observation) -> Raised {
    let says = Text::from(fired.says(correlation).as_str());
    let fields = correlation.group_of(fired.input);
    let shown = |field: &FieldId| match observation.get(*field) {
        Some(value) => value.shown(),
        None => String::new(),
    };
    let group: Vec<String> = fields.iter().map(shown).collect();
    let names = correlation.group.iter().zip(&group);
    let matched = names.map(|(name, value)| Matched {
        field: name.clone(),
        value: Text::shown(value.clone()),
    });
    Raised {
        finding: Finding {
            rule: correlation.meta.clone(),
            matched: matched.collect(),
        },
        observation: fired.observation,
        proof: Some(Proof {
            says: Some(says),
            group,
            events: ends(&fired.events),
        }),
    }
}

/// The first and the latest.
fn ends(events: &[EventRef]) -> Vec<EventRef> {
    if events.len() <= 2 * PROOF {
        return events.to_vec();
    }
    let (first, latest) = (&events[..PROOF], &events[events.len() - PROOF..]);
    [first, latest].concat()
}

/// One of each title.
fn gravest(all: Vec<Raised>) -> Vec<Raised> {
    let title = |raised: &Raised| raised.finding.rule.title.clone();
    let mut titles = HashSet::new();
    if all.len() < 2 || all.iter().all(|raised| titles.insert(title(raised))) {
        return all;
    }
    let mut kept: Vec<Raised> = Vec::new();
    for new in all {
        let level = new.finding.rule.level;
        match kept.iter_mut().find(|old| title(old) == title(&new)) {
            Some(old) if old.finding.rule.level < level => *old = new,
            Some(_) => {}
            None => kept.push(new),
        }
    }
    kept
}
