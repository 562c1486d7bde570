//! What a rule must have before it may run: nothing that would make it silently useless passes.
use crate::{
    category::Category,
    document::Document,
    error::RuleError,
    fields::{FieldId, NOT_OFFERED, field_names},
    interest, logsource,
    sigma::{detection::Detections, rule::Rule, yaml::Problem},
};

/// The parts of a rule that its checks establish.
pub(crate) struct Checked {
    pub(crate) category: Category,
}

pub(crate) fn check(rule: &Rule, document: &Document<'_>) -> Result<Checked, RuleError> {
    if rule.title.trim().is_empty() {
        return Err(document.error_at("title", "the title is empty"));
    }
    let category = logsource::category(&rule.logsource)
        .map_err(|(key, problem)| document.error_at(key, problem))?;
    known_fields(&rule.detections, category).map_err(|problem| document.error(problem))?;
    if category == Category::Auditd
        && interest::types(&rule.detections).is_some_and(|types| types.is_empty())
    {
        let problem = "the rule needs two types of records at once, but is asked of each record alone; leave one type out: exe, comm, uid, key, cwd and the like are there in every record";
        return Err(document.error_at("condition", problem));
    }
    Ok(Checked { category })
}

/// Whether events of the category carry all the fields that are asked for.
pub(crate) fn known_fields(detections: &Detections, category: Category) -> Result<(), Problem> {
    for item in detections.items() {
        for (name, line) in field_names(item) {
            let id = FieldId::find(name).map(FieldId::field);
            if !id.is_some_and(|field| field.categories.contains(&category)) {
                return Err(Problem::new(line, no_field(name, category)));
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
