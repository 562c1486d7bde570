//! From correlations as they were written to a graph: which rule feeds which correlation, with which
//! of its fields.
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    keys::Word,
    measure::Threshold,
    spec::{Kind, Spec, When},
    window::{Shape, Statistic},
};
use crate::{
    category::Category,
    fields::{FieldId, Kind as FieldKind},
    meta::RuleMeta,
    sigma::{condition, condition::Expr, detection::Selection, yaml::Problem},
};

/// What a correlation's rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A detection rule, by its place among them.
    Rule(usize),
    /// A correlation, by its place among them.
    Correlation(usize),
}

/// A detection rule that correlations may name.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) id: String,
    pub(crate) category: Category,
}

/// A correlation and what its names mean.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) meta: Arc<RuleMeta>,
    /// In the order of the spec's rules.
    pub(crate) targets: Vec<Target>,
    /// Whether it raises an alert of its own.
    pub(crate) loud: bool,
}

/// When a compiled correlation fires.
#[derive(Debug)]
pub(crate) enum Fires {
    Threshold(Threshold),
    Rules(Expr),
}

/// The fields of one of a correlation's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) group: Vec<FieldId>,
    pub(crate) values: Vec<FieldId>,
}

/// A correlation, ready to run.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) meta: Arc<RuleMeta>,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) span_ms: i64,
    pub(crate) fires: Fires,
    pub(crate) inputs: Vec<Input>,
    /// How the group's fields are called, for alerts.
    pub(crate) group: Vec<String>,
    pub(crate) loud: bool,
    /// Correlations that this one feeds, and as which of their rules.
    pub(crate) feeds: Vec<(usize, usize)>,
    /// What makes it the same correlation after a reload.
    pub(crate) identity: String,
}

impl Correlation {
    /// The group's fields in the events of one of its rules.
    pub(crate) fn group_of(&self, input: usize) -> &[FieldId] {
        self.inputs.get(input).map_or(&[], |input| &input.group)
    }

    /// Whether it measures the latest value's share.
    pub(crate) fn is_share(&self) -> bool {
        self.shape == Shape::Share
    }
}

/// All correlations; those that feed others come before them.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) correlations: Vec<Correlation>,
    /// By a detection rule's id: what it feeds.
    pub(crate) by_rule: HashMap<String, Vec<(usize, usize)>>,
}

impl Graph {
    /// Puts correlations together; errors come with the place of the correlation they are in.
    pub(crate) fn new(
        linked: &[Linked<'_>],
        leaves: &[Leaf],
    ) -> Result<Self, Vec<(usize, Problem)>> {
        let order = order(linked)?;
        let mut errors = Vec::new();
        let mut graph = Self::default();
        let mut place = vec![0; linked.len()];
        let mut categories = vec![BTreeSet::new(); linked.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
            let of = |target: &Target| match target {
                Target::Rule(rule) => BTreeSet::from([leaves[*rule].category]),
                Target::Correlation(from) => categories[*from].clone(),
            };
            let sources: Vec<BTreeSet<Category>> = linked[*old].targets.iter().map(of).collect();
            categories[*old] = sources.iter().flatten().copied().collect();
            match correlation(*old, linked, leaves, &sources) {
                Ok(correlation) => graph.correlations.push(correlation),
                Err(problem) => errors.push((*old, problem)),
            }
        }
        if !errors.is_empty() {
            errors.sort_by_key(|(at, problem)| (*at, problem.line));
            return Err(errors);
        }
        for (old, one) in linked.iter().enumerate() {
            for (input, target) in one.targets.iter().enumerate() {
                let feeds = match target {
                    Target::Correlation(from) => &mut graph.correlations[place[*from]].feeds,
                    Target::Rule(rule) => {
                        let id = leaves[*rule].id.clone();
                        graph.by_rule.entry(id).or_default()
                    }
                };
                feeds.push((place[old], input));
            }
        }
        Ok(graph)
    }
}

/// Places in an order in which those that feed others come first.
fn order(linked: &[Linked<'_>]) -> Result<Vec<usize>, Vec<(usize, Problem)>> {
    let mut order = Vec::new();
    let mut done = vec![false; linked.len()];
    // Every round takes those whose sources are there; what is left is in a circle, or behind one.
    loop {
        let ready = |at: &usize| {
            let fed = |target: &Target| match target {
                Target::Rule(_) => true,
                Target::Correlation(from) => done[*from],
            };
            !done[*at] && linked[*at].targets.iter().all(fed)
        };
        let round: Vec<usize> = (0..linked.len()).filter(ready).collect();
        if round.is_empty() {
            break;
        }
        for at in round {
            done[at] = true;
            order.push(at);
        }
    }
    match done.iter().position(|done| !done) {
        None => Ok(order),
        Some(at) => Err(vec![(at, circle(at, linked, &done))]),
    }
}

fn circle(from: usize, linked: &[Linked<'_>], done: &[bool]) -> Problem {
    let next = |at: usize| {
        let waits = |target: &Target| match target {
            Target::Correlation(to) if !done[*to] => Some(*to),
            _ => None,
        };
        linked[at].targets.iter().find_map(waits)
    };
    let mut path = vec![from];
    while let Some(to) = path.last().and_then(|at| next(*at)) {
        if let Some(start) = path.iter().position(|at| *at == to) {
            path.drain(..start);
            path.push(to);
            break;
        }
        path.push(to);
    }
    let names: Vec<&str> = path
        .iter()
        .map(|at| linked[*at].spec.title.as_str())
        .collect();
    let problem = format!(
        "correlations that wait for each other: {}",
        names.join(" → ")
    );
    Problem::new(linked[from].spec.line, problem)
}

fn correlation(
    at: usize,
    linked: &[Linked<'_>],
    leaves: &[Leaf],
    sources: &[BTreeSet<Category>],
) -> Result<Correlation, Problem> {
    let one = &linked[at];
    let spec = one.spec;
    for alias in &spec.aliases {
        for (rule, _) in &alias.fields {
            if !spec.rules.iter().any(|named| named.text == rule.text) {
                let problem = format!(
                    "alias {}: {} is not one of the rules",
                    alias.name.text, rule.text
                );
                return Err(Problem::new(rule.line, problem));
            }
        }
    }
    let mut inputs = Vec::new();
    for (rule, categories) in spec.rules.iter().zip(sources) {
        let field = |word: &Word| field(spec, word, rule, categories);
        inputs.push(Input {
            group: spec.group_by.iter().map(field).collect::<Result<_, _>>()?,
            values: spec.fields.iter().map(field).collect::<Result<_, _>>()?,
        });
    }
    let shape = shape(spec);
    if matches!(shape, Shape::Numbers(_)) {
        numeric(spec, &inputs)?;
    }
    Ok(Correlation {
        meta: Arc::clone(&one.meta),
        kind: spec.kind,
        shape,
        span_ms: spec.span_ms,
        fires: fires(spec)?,
        inputs,
        group: spec.group_by.iter().map(|word| word.text.clone()).collect(),
        loud: one.loud,
        feeds: Vec::new(),
        identity: identity(one, leaves, linked),
    })
}

/// What a name of `group-by` or `field` means in the events of one rule.
fn field(
    spec: &Spec,
    word: &Word,
    rule: &Word,
    categories: &BTreeSet<Category>,
) -> Result<FieldId, Problem> {
    let alias = spec
        .aliases
        .iter()
        .find(|alias| alias.name.text == word.text);
    let (name, line) = match alias {
        None => (word.text.as_str(), word.line),
        Some(alias) => {
            let named = alias.fields.iter().find(|(of, _)| of.text == rule.text);
            match named {
                Some((of, name)) => (name.as_str(), of.line),
                None => {
                    let problem = format!("alias {} names no field of {}", word.text, rule.text);
                    return Err(Problem::new(alias.name.line, problem));
                }
            }
        }
    };
    let unknown = |category: &Category| {
        let problem = format!(
            "unknown field {name} for category {category}, which {} is about",
            rule.text
        );
        Problem::new(line, problem)
    };
    let id = FieldId::find(name);
    let carries = |id: FieldId, category: &Category| id.field().categories.contains(category);
    for category in categories {
        if !id.is_some_and(|id| carries(id, category)) {
            return Err(unknown(category));
        }
    }
    id.ok_or_else(|| Problem::new(line, format!("unknown field {name}")))
}

fn numeric(spec: &Spec, inputs: &[Input]) -> Result<(), Problem> {
    let all = inputs.iter().flat_map(|input| &input.values);
    let mut other = all.filter(|id| id.field().kind != FieldKind::Int);
    match (other.next(), spec.fields.first()) {
        (Some(id), Some(word)) => {
            let problem = format!(
                "a {} needs numbers; {} is none",
                spec.kind.name(),
                id.name()
            );
            Err(Problem::new(word.line, problem))
        }
        _ => Ok(()),
    }
}

fn shape(spec: &Spec) -> Shape {
    let keep = match &spec.when {
        When::Threshold(threshold) => threshold.count_needed(),
        _ => 1,
    };
    let rules = spec.rules.len();
    match (spec.kind, spec.percentile) {
        (Kind::EventCount, _) => Shape::Events { keep },
        (Kind::ValueCount, _) => Shape::Values { keep },
        (Kind::Temporal, _) => Shape::Together { rules },
        (Kind::TemporalOrdered, _) => {
            let whole = spec.when == When::All;
            Shape::InOrder { rules, whole }
        }
        (Kind::ValueSum, _) => Shape::Numbers(Statistic::Sum),
        (Kind::ValueMax, _) => Shape::Numbers(Statistic::Max),
        (Kind::ValueMin, _) => Shape::Numbers(Statistic::Min),
        (Kind::ValueAvg, _) => Shape::Numbers(Statistic::Average),
        (Kind::ValueMedian, _) => Shape::Numbers(Statistic::Percentile(50)),
        (Kind::ValuePercentile, Some(p)) => Shape::Numbers(Statistic::Percentile(p)),
        (Kind::ValuePercentile, None) => Shape::Share,
    }
}

fn fires(spec: &Spec) -> Result<Fires, Problem> {
    match &spec.when {
        When::All => Ok(Fires::Threshold(Threshold::at_least(spec.rules.len()))),
        When::Threshold(threshold) => Ok(Fires::Threshold(threshold.clone())),
        When::Rules(text) => {
            let named = |word: &Word| Selection {
                name: word.text.clone(),
                line: word.line,
                alternatives: Vec::new(),
            };
            let names: Vec<Selection> = spec.rules.iter().map(named).collect();
            let lower = |word: &str| match word {
                "AND" | "OR" | "NOT" => word.to_lowercase(),
                _ => word.to_owned(),
            };
            let words = text.text.split_whitespace().map(lower);
            let condition = words.collect::<Vec<_>>().join(" ");
            condition::parse(&condition, &names)
                .map(Fires::Rules)
                .map_err(|e| Problem::new(text.line, format!("bad condition: {e}")))
        }
    }
}

/// Two correlations with the same identity read each other's state rightly.
fn identity(one: &Linked<'_>, leaves: &[Leaf], linked: &[Linked<'_>]) -> String {
    let spec = one.spec;
    let source = |target: &Target| match target {
        Target::Rule(rule) => leaves[*rule].id.as_str(),
        Target::Correlation(at) => linked[*at].meta.id.as_str(),
    };
    let sources: Vec<&str> = one.targets.iter().map(source).collect();
    let group: Vec<&str> = spec.group_by.iter().map(|w| w.text.as_str()).collect();
    let fields: Vec<&str> = spec.fields.iter().map(|w| w.text.as_str()).collect();
    let alias = |a: &super::spec::Alias| {
        let fields: Vec<(&str, &str)> = a
            .fields
            .iter()
            .map(|(rule, field)| (rule.text.as_str(), field.as_str()))
            .collect();
        format!("{} {fields:?}", a.name.text)
    };
    let aliases: Vec<String> = spec.aliases.iter().map(alias).collect();
    let (kind, span) = (spec.kind, spec.span_ms);
    let shape = shape(spec);
    format!(
        "{} {kind:?} {shape:?} {span} {sources:?} {group:?} {fields:?} {aliases:?}",
        one.meta.id
    )
}
