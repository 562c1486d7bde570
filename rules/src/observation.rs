//! One event as rules see it: a category and named values.
//!
//! Paths and arguments are bytes, and are compared as bytes.
use crate::{category::Category, fields::FieldId, printable::printable};

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
}
