//! What a rule must have before it may run: nothing that would make it silently useless passes.
use rsigma_parser::{Detections, SigmaRule};

use crate::{
    category::Category,
    document::Document,
    error::RuleError,
    fields::{FieldId, NOT_OFFERED, field_names},
    interest, logsource,
    meta::Level,
};

/// The parts of a rule that its checks establish.
pub(crate) struct Checked {
    pub(crate) id: String,
    pub(crate) level: Level,
    pub(crate) category: Category,
}

/// Top-level keys outside Sigma's schema that are known: ours, and two that SigmaHQ uses.
const EXTRA_KEYS: [&str; 3] = ["auklet", "regression_tests_path", "simulation"];
const AUKLET_KEYS: [&str; 2] = ["alias", "remediation"];

pub(crate) fn check(rule: &SigmaRule, document: &Document<'_>) -> Result<Checked, RuleError> {
    if rule.title.trim().is_empty() {
        return Err(document.error_at("title", "the title is empty"));
    }
    let id = rule.id.clone().filter(|id| is_uuid(id));
    let id = id.ok_or_else(|| document.error_at("id", "no id, or not a UUID"))?;
    let level = rule.level.map(Level::from);
    let level = level.ok_or_else(|| document.error_at("level", "no level"))?;
    let category = logsource::category(&rule.logsource)
        .map_err(|(key, problem)| document.error_at(key, problem))?;
    extra_keys(rule, document)?;
    known_fields(&rule.detection, category, document)?;
    if category == Category::Auditd
        && interest::types(&rule.detection).is_some_and(|t| t.is_empty())
    {
        let problem = "the rule needs two types of records at once, but is asked of each record alone; leave one type out: exe, comm, uid, key, cwd and the like are there in every record";
        return Err(document.error_at("condition", problem));
    }
    Ok(Checked {
        id,
        level,
        category,
    })
}

fn extra_keys(rule: &SigmaRule, document: &Document<'_>) -> Result<(), RuleError> {
    for (key, value) in &rule.custom_attributes {
        if !EXTRA_KEYS.contains(&key.as_str()) {
            return Err(document.error_at(key, format!("unknown key {key}")));
        }
        if key != "auklet" {
            continue;
        }
        let Some(block) = value.as_mapping() else {
            return Err(document.error_at(key, "auklet must be a mapping"));
        };
        for (name, value) in block {
            let name = name.as_str().unwrap_or_default();
            if !AUKLET_KEYS.contains(&name) || value.as_str().is_none() {
                let known = AUKLET_KEYS.join(", ");
                let problem = format!("auklet.{name}: not one of {known}, or not a string");
                return Err(document.error_at(name, problem));
            }
        }
    }
    Ok(())
}

fn known_fields(
    detections: &Detections,
    category: Category,
    document: &Document<'_>,
) -> Result<(), RuleError> {
    for detection in detections.named.values() {
        for name in field_names(detection) {
            let id = FieldId::find(name).map(FieldId::field);
            if !id.is_some_and(|field| field.categories.contains(&category)) {
                return Err(document.error_at(name, no_field(name, category)));
            }
        }
    }
    Ok(())
}

/// Why there is no such field, as far as that can be told.
fn no_field(name: &str, category: Category) -> String {
    let why = NOT_OFFERED.iter().find(|(field, _)| *field == name);
    let elsewhere = FieldId::find(name).map(|id| id.field().categories);
    let more = match (why, elsewhere) {
        (Some((_, why)), _) => format!(": {why}"),
        (None, Some(categories)) => {
            let names: Vec<&str> = categories.iter().map(|c| c.name()).collect();
            format!("; it is one of {}", names.join(", "))
        }
        (None, None) => String::new(),
    };
    format!("unknown field {name} for category {category}{more}")
}

fn is_uuid(id: &str) -> bool {
    let dash = |i| matches!(i, 8 | 13 | 18 | 23);
    let valid = |(i, b): (usize, u8)| {
        if dash(i) {
            b == b'-'
        } else {
            b.is_ascii_hexdigit()
        }
    };
    id.len() == 36 && id.bytes().enumerate().all(valid)
}
