//! `auklet rules list` and `auklet rules show`.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result, anyhow};
use auklet_rules::{RuleMeta, RuleSet, source};

/// One line for each rule.
pub(super) fn list(set: &RuleSet) -> Result<()> {
    let mut out = io::stdout().lock();
    for rule in set.rules() {
        let alias = rule.alias.as_deref().unwrap_or("-");
        let (id, level) = (&rule.id, rule.level.name());
        writeln!(out, "{id}  {level:<13} {alias:<36} {}", rule.title)?;
    }
    Ok(())
}

/// The rule of that id, alias or title.
pub(super) fn find<'a>(set: &'a RuleSet, name: &str) -> Result<&'a RuleMeta> {
    let found = set.find(name);
    let found = found.ok_or_else(|| {
        anyhow!("no rule has the id, alias or title {name:?}; `auklet rules list` lists them")
    })?;
    Ok(found)
}

/// What the rule says about itself, and its text.
pub(super) fn show(set: &RuleSet, name: &str) -> Result<()> {
    let rule = find(set, name)?;
    let text = source(rule).with_context(|| format!("read {}", rule.file.display()))?;
    let mut out = io::stdout().lock();
    let category = set.category(&rule.id).map(|category| category.name());
    let rows = [
        ("title", rule.title.clone()),
        ("id", rule.id.clone()),
        ("alias", rule.alias.clone().unwrap_or_default()),
        ("level", rule.level.name().to_owned()),
        ("file", rule.file.display().to_string()),
        ("about", category.unwrap_or_default().to_owned()),
        ("tactics", rule.tactics.join(", ")),
        ("techniques", rule.techniques.join(", ")),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{name:<11} {value}")?;
    }
    writeln!(out, "\n{}", text.trim_end())?;
    Ok(())
}
