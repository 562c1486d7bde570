//! From documents to what runs: compiled rules, and the graph of correlations.
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Loader, Origin, part::What};
use crate::{
    check,
    correlation::{
        link::{Graph, Leaf, Linked, Target},
        spec::Spec,
    },
    engine,
    error::{RuleError, RuleErrors},
    meta::{About, Level, RuleMeta},
    ruleset::{Parts, RuleSet},
    sigma::yaml::Problem,
    tuning::exception::Exception,
};

impl Loader<'_> {
    pub(super) fn build(mut self, origin: Origin) -> Result<RuleSet, RuleErrors> {
        let exceptions = self.exceptions();
        let specs = self.specs();
        self.silence(&specs);
        let mut parts = Parts::default();
        let metas = self.rules(&exceptions, &mut parts);
        let graph = self.link(&specs, &metas, &mut parts);
        parts.lists = self.lists.names().count();
        if self.errors.is_empty() {
            return RuleSet::new(parts, graph, origin);
        }
        self.errors
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self.errors.dedup();
        Err(RuleErrors(self.errors))
    }

    /// The correlations in force, with what their rules' names mean.
    fn specs(&mut self) -> Vec<(usize, Spec, Vec<usize>)> {
        let mut specs = Vec::new();
        for at in 0..self.parts.len() {
            let What::Correlation(spec) = &self.parts[at].what else {
                continue;
            };
            if self.parts[at].disabled {
                continue;
            }
            let spec = spec.as_ref().clone();
            let found: Vec<Option<usize>> =
                spec.rules.iter().map(|word| self.find(at, word)).collect();
            let found: Option<Vec<usize>> = found.into_iter().collect();
            if let Some(targets) = found {
                specs.push((at, spec, targets));
            }
        }
        specs
    }

    /// Rules that correlations name raise nothing themselves, unless the correlation says `generate`;
    /// but what was shipped is not silenced from elsewhere.
    fn silence(&mut self, specs: &[(usize, Spec, Vec<usize>)]) {
        let mut silenced = HashSet::new();
        let mut generated = HashSet::new();
        for (at, spec, targets) in specs {
            for target in targets {
                if spec.generate {
                    generated.insert(*target);
                } else if self.shipped(*at) == self.shipped(*target) {
                    silenced.insert(*target);
                }
            }
        }
        for target in silenced.difference(&generated) {
            self.parts[*target].silent = true;
        }
    }

    /// Compiles the rules in force; by part, what they say about themselves.
    fn rules(
        &mut self,
        exceptions: &HashMap<usize, Vec<Exception>>,
        into: &mut Parts,
    ) -> HashMap<usize, Arc<RuleMeta>> {
        let mut metas = HashMap::new();
        into.exceptions = self.count(|what| matches!(what, What::Exception(_)));
        into.overridden = self.parts.iter().filter(|part| part.disabled).count();
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            let What::Rule(rule, checked) = &part.what else {
                continue;
            };
            if part.disabled {
                continue;
            }
            let meta = match self.meta(at, About::of_rule(rule)) {
                Ok(meta) => Arc::new(meta),
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            let category = checked.category;
            let mut detections = rule.detections.clone();
            let expanded = engine::expand(&mut detections, &self.lists);
            let added = expanded.and_then(|()| {
                for exception in exceptions.get(&at).into_iter().flatten() {
                    exception.apply(&mut detections);
                }
                into.interest.add(category, &detections);
                into.engines.add(category, detections, Arc::clone(&meta))
            });
            if let Err(problem) = added {
                self.errors.push(self.parts[at].document.error(problem));
            }
            if self.parts[at].silent {
                into.silent.insert(meta.id.clone());
            }
            into.rules.push(Arc::clone(&meta));
            metas.insert(at, meta);
        }
        metas
    }

    fn count(&self, is: impl Fn(&What) -> bool) -> usize {
        self.parts.iter().filter(|part| is(&part.what)).count()
    }

    /// What a rule says about itself. One that raises an alert needs an id and a level.
    fn meta(&self, at: usize, about: About<'_>) -> Result<RuleMeta, RuleError> {
        let part = &self.parts[at];
        let document = &part.document;
        let source = &self.sources[part.source];
        let id = match about.id {
            Some(id) if check::is_uuid(id) => id.to_owned(),
            Some(_) => return Err(document.error_at("id", "the id is not a UUID")),
            None if part.silent => format!("{}:{}", source.file.display(), document.node.line),
            None => return Err(document.error_at("id", "no id, or not a UUID")),
        };
        let written = match about.level {
            Some(level) => Some(
                Level::parse(level)
                    .ok_or_else(|| document.error_at("level", format!("invalid level {level}")))?,
            ),
            None => None,
        };
        let level = match part.level.or(written) {
            Some(level) => level,
            None if part.silent => Level::Informational,
            None => return Err(document.error_at("level", "no level")),
        };
        let file = source.file.clone();
        Ok(RuleMeta::new(
            about,
            id,
            level,
            file,
            source.version.clone(),
        ))
    }

    fn link(
        &mut self,
        specs: &[(usize, Spec, Vec<usize>)],
        metas: &HashMap<usize, Arc<RuleMeta>>,
        into: &mut Parts,
    ) -> Graph {
        let mut leaves = Vec::new();
        let mut targets = HashMap::new();
        for (at, meta) in metas {
            if let What::Rule(_, checked) = &self.parts[*at].what {
                targets.insert(*at, Target::Rule(leaves.len()));
                leaves.push(Leaf {
                    id: meta.id.clone(),
                    category: checked.category,
                });
            }
        }
        for (place, (at, ..)) in specs.iter().enumerate() {
            targets.insert(*at, Target::Correlation(place));
        }
        let mut linked = Vec::new();
        for (at, spec, named) in specs {
            let meta = match self.meta(*at, About::of_correlation(spec)) {
                Ok(meta) => Arc::new(meta),
                Err(error) => {
                    self.errors.push(error);
                    continue;
                }
            };
            let found: Option<Vec<Target>> = named
                .iter()
                .map(|part| targets.get(part).copied())
                .collect();
            let Some(targets) = found else { continue };
            into.correlations.push(Arc::clone(&meta));
            let loud = !self.parts[*at].silent;
            linked.push(Linked {
                spec,
                meta,
                targets,
                loud,
            });
        }
        if !self.errors.is_empty() {
            return Graph::default();
        }
        Graph::new(&linked, &leaves).unwrap_or_else(|problems| {
            for (place, Problem { line, problem }) in problems {
                self.error(specs[place].0, line, problem);
            }
            Graph::default()
        })
    }
}
