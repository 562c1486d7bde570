//! What a rule must have before it may run: nothing that would make it silently useless passes.
use rsigma_parser::{Detection, Detections, SigmaRule};

use crate::{
    document::Document,
    error::RuleError,
    fields::{Category, field},
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
    let category = category(rule, document)?;
    extra_keys(rule, document)?;
    known_fields(&rule.detection, category, document)?;
    Ok(Checked {
        id,
        level,
        category,
    })
}

/// Where the rule's events come from.
fn category(rule: &SigmaRule, document: &Document<'_>) -> Result<Category, RuleError> {
    let source = &rule.logsource;
    if let Some(other) = source.product.as_deref().filter(|p| *p != "linux") {
        return Err(document.error_at("product", format!("product {other}: only linux is seen")));
    }
    if let Some(service) = &source.service {
        let problem = format!("service {service}: the sensor reads no service's log");
        return Err(document.error_at("service", problem));
    }
    let Some(name) = &source.category else {
        return Err(document.error_at("logsource", "no logsource category"));
    };
    Category::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Category::ALL.iter().map(|c| c.name()).collect();
        let known = known.join(", ");
        document.error_at(
            "category",
            format!("unknown category {name}; known: {known}"),
        )
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
        for name in names(detection) {
            let known = field(name).is_some_and(|f| f.categories.contains(&category));
            if !known {
                let problem = format!("unknown field {name} for category {category}");
                return Err(document.error_at(name, problem));
            }
        }
    }
    Ok(())
}

/// Every field that a detection asks for, and every field it compares one with.
fn names(detection: &Detection) -> Vec<&str> {
    match detection {
        Detection::AllOf(items) => items.iter().flat_map(item_names).collect(),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().flat_map(names).collect(),
        Detection::Keywords(_) => Vec::new(),
        // Inside the block, names are members of the list's elements, and ours have none.
        Detection::ArrayMatch { field, .. } => vec![field],
        Detection::Conditional { named, .. } => named.values().flat_map(names).collect(),
    }
}

fn item_names(item: &rsigma_parser::DetectionItem) -> Vec<&str> {
    let mut names: Vec<&str> = item.field.name.iter().map(String::as_str).collect();
    if item.field.has_modifier(rsigma_parser::Modifier::FieldRef) {
        names.extend(item.values.iter().filter_map(|value| match value {
            rsigma_parser::SigmaValue::String(s) => Some(s.original.as_str()),
            _ => None,
        }));
    }
    names
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
