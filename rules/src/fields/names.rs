//! The fields that a rule names.
use crate::sigma::{detection::Item, modifier::Modifier};

/// Every field that an item asks for, and every field it compares one with; with their lines.
pub(crate) fn field_names(item: &Item) -> Vec<(&str, usize)> {
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
