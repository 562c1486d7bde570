//! One event as rules see it: a category and named values.
//!
//! Paths and arguments are bytes; Sigma compares strings. Bytes that are not UTF-8 are compared as
//! if each invalid sequence were U+FFFD. That is deterministic, and safe in the direction that
//! matters: no trusted path in a filter contains U+FFFD, so a strange path can fail to be excused
//! but can never pass for a trusted one.
use std::borrow::Cow;

use rsigma_eval::{Event, EventValue};

use crate::{
    fields::{Category, FieldId},
    printable::printable,
};

/// A field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A byte string.
    Bytes(Vec<u8>),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// Several byte strings.
    List(Vec<Vec<u8>>),
}

/// What the sensor tells rules about one event. Fields are those of [`crate::FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What happened.
    pub category: Category,
    /// A field that is not known is left out.
    fields: Vec<(FieldId, Value)>,
}

impl Observation {
    /// Nothing known yet.
    #[must_use]
    pub fn new(category: Category) -> Self {
        Self {
            category,
            fields: Vec::with_capacity(32),
        }
    }

    /// Gives a field a value, in place of one that it may have.
    pub fn set(&mut self, field: FieldId, value: Value) {
        match self.fields.iter_mut().find(|(id, _)| *id == field) {
            Some((_, old)) => *old = value,
            None => self.fields.push((field, value)),
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: FieldId) -> Option<&Value> {
        let found = self.fields.iter().find(|(id, _)| *id == field);
        found.map(|(_, value)| value)
    }

    /// Every field that is known, in the order in which they were set.
    #[must_use]
    pub fn fields(&self) -> &[(FieldId, Value)] {
        &self.fields
    }
}

impl Value {
    /// How a person reads it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Bytes(bytes) => printable(bytes),
            Self::Int(n) => n.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|i| printable(i)).collect();
                items.join(", ")
            }
        }
    }

    fn strings(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Bytes(bytes) => vec![String::from_utf8_lossy(bytes)],
            Self::List(items) => items.iter().map(|i| String::from_utf8_lossy(i)).collect(),
            Self::Int(_) | Self::Bool(_) => Vec::new(),
        }
    }
}

/// An observation in the form that rsigma reads.
pub(crate) struct View<'a>(pub(crate) &'a Observation);

impl Event for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        Some(match self.0.get(FieldId::find(path)?)? {
            Value::Bytes(bytes) => EventValue::Str(String::from_utf8_lossy(bytes)),
            Value::Int(n) => EventValue::Int(*n),
            Value::Bool(b) => EventValue::Bool(*b),
            list @ Value::List(_) => {
                EventValue::Array(list.strings().into_iter().map(EventValue::Str).collect())
            }
        })
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        let mut values = self.0.fields.iter().flat_map(|(_, v)| v.strings());
        values.any(|s| pred(&s))
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.0
            .fields
            .iter()
            .flat_map(|(_, v)| v.strings())
            .collect()
    }

    fn to_json(&self) -> serde_json::Value {
        let pair = |(id, value): &(FieldId, Value)| {
            let shown = serde_json::Value::String(value.shown());
            (id.name().to_owned(), shown)
        };
        serde_json::Value::Object(self.0.fields.iter().map(pair).collect())
    }
}
