//! The fields that a rule names.
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaValue};

/// Every field that a detection asks for, and every field it compares one with.
pub(crate) fn field_names(detection: &Detection) -> Vec<&str> {
    match detection {
        Detection::AllOf(items) => items.iter().flat_map(item_names).collect(),
        Detection::AnyOf(parts) | Detection::And(parts) => {
            parts.iter().flat_map(field_names).collect()
        }
        Detection::Keywords(_) => Vec::new(),
        // Inside the block, names are members of the list's elements, and ours have none.
        Detection::ArrayMatch { field, .. } => vec![field],
        Detection::Conditional { named, .. } => named.values().flat_map(field_names).collect(),
    }
}

fn item_names(item: &DetectionItem) -> Vec<&str> {
    let mut names: Vec<&str> = item.field.name.iter().map(String::as_str).collect();
    if item.field.has_modifier(Modifier::FieldRef) {
        names.extend(item.values.iter().filter_map(|value| match value {
            SigmaValue::String(s) => Some(s.original.as_str()),
            _ => None,
        }));
    }
    names
}
