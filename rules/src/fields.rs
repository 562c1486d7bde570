//! Fields: what the sensor tells rules about an event, under which name and type.
//!
//! A rule that asks for a field that is not in the table, or not given for its category, would never
//! match and nobody would notice; loading refuses it instead. docs/fields.md is made of the table.
mod names;
mod table;

use std::fmt;

pub(crate) use self::names::field_names;
pub use self::table::{FIELDS, NOT_OFFERED};
use crate::category::Category;

/// The type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A byte string: a path, a command line.
    Bytes,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// Several byte strings; a rule matches if any of them does.
    List,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "a string",
            Self::Int => "a number",
            Self::Bool => "true or false",
            Self::List => "a list of strings",
        })
    }
}

/// One field that rules may ask for.
#[derive(Debug)]
pub struct Field {
    /// Its name in rules.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// The categories whose events carry it.
    pub categories: &'static [Category],
    /// What it says.
    pub doc: &'static str,
}

/// A field's place in [`FIELDS`]: what observations and compiled rules hold in place of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

impl FieldId {
    /// The field of that name. For names that are written in code, [`id!`](crate::id) looks once, when
    /// it is compiled.
    #[must_use]
    pub const fn find(name: &str) -> Option<Self> {
        let mut at = 0;
        while at < FIELDS.len() {
            if same(FIELDS[at].name.as_bytes(), name.as_bytes()) {
                return Some(Self(at as u16));
            }
            at += 1;
        }
        None
    }

    /// Its place in [`FIELDS`]; less than its length.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its row of the table.
    #[must_use]
    pub const fn field(self) -> &'static Field {
        &FIELDS[self.0 as usize]
    }

    /// Its name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.field().name
    }
}

/// The [`FieldId`] of a name; a name that is not in the table does not compile.
#[macro_export]
macro_rules! id {
    ($name:literal) => {
        const {
            match $crate::FieldId::find($name) {
                Some(id) => id,
                None => panic!("no such field"),
            }
        }
    };
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The field of that name.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    FieldId::find(name).map(FieldId::field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ids_lead_back() {
        assert!(u16::try_from(FIELDS.len()).is_ok());
        for (index, field) in FIELDS.iter().enumerate() {
            let id = FieldId::find(field.name).expect("a field");
            assert_eq!((id.index(), id.name()), (index, field.name));
        }
        assert_eq!(FieldId::find("image"), None);
        assert_eq!(crate::id!("Image").name(), "Image");
    }
}
