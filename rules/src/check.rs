//! What a rule must have before it may run: nothing that would make it silently useless passes.
use crate::{
    document::Document,
    error::RuleError,
    fields::{Category, FieldId},
    sigma::{
        detection::{Detections, Item},
        modifier::Modifier,
        rule::{LogSource, Rule},
        yaml::Problem,
    },
};

/// The parts of a rule that its checks establish.
pub(crate) struct Checked {
    pub(crate) category: Category,
}

pub(crate) fn check(rule: &Rule, document: &Document<'_>) -> Result<Checked, RuleError> {
    if rule.title.trim().is_empty() {
        return Err(document.error_at("title", "the title is empty"));
    }
    let category = category(&rule.logsource, document)?;
    known_fields(&rule.detections, category).map_err(|problem| document.error(problem))?;
    Ok(Checked { category })
}

/// Where the rule's events come from.
fn category(source: &LogSource, document: &Document<'_>) -> Result<Category, RuleError> {
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

/// Whether events of the category carry all the fields that are asked for.
pub(crate) fn known_fields(detections: &Detections, category: Category) -> Result<(), Problem> {
    for item in detections.items() {
        for (name, line) in names(item) {
            let id = FieldId::find(name).map(FieldId::field);
            if !id.is_some_and(|field| field.categories.contains(&category)) {
                let problem = format!("unknown field {name} for category {category}");
                return Err(Problem::new(line, problem));
            }
        }
    }
    Ok(())
}

/// Every field that an item asks for, and every field it compares one with; with their lines.
fn names(item: &Item) -> Vec<(&str, usize)> {
    let field = item.field.iter().map(|name| (name.as_str(), item.line));
    let mut names: Vec<(&str, usize)> = field.collect();
    if item.has(Modifier::FieldRef) {
        names.extend(
            item.values
                .iter()
                .map(|value| (value.text.as_str(), value.line)),
        );
    }
    names
}

/// Sigma's ids are UUIDs, of any version.
pub(crate) fn is_uuid(id: &str) -> bool {
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
