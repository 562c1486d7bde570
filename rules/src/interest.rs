//! What the rules need to see, for the kernel's filter to let through.
//!
//! The answer must be *sound*: a file that a rule could match must never be left out. So a name is
//! only taken from a comparison that the rule cannot match without, and only when that comparison
//! pins the whole last component of the path, case included. Anything else means "all of them".
use std::collections::BTreeSet;

use crate::{
    category::Category,
    fields::{FieldId, field_names},
    pins::{Need, Pins, either},
    sigma::{
        detection::{Detections, Item, Literal},
        modifier::Modifier,
        scalar::Scalar,
        text::{Piece, pattern},
    },
};

/// Names (the last component of the resolved path) of the files that rules want to see read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileNames {
    /// No rule asks for reads.
    #[default]
    Nothing,
    /// Files of exactly these names, in whatever directory.
    Only(BTreeSet<Vec<u8>>),
    /// A rule matches reads without naming a file.
    All,
}

/// What a rule set needs to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// Categories that a rule asks for.
    pub categories: BTreeSet<Category>,
    /// Files whose reads a rule asks for.
    pub reads: FileNames,
    /// Fields that a rule names.
    pub fields: BTreeSet<FieldId>,
    /// What rules of `service: auditd` ask for.
    pub audit: AuditInterest,
}

/// What rules of `service: auditd` need to see beside the records that are made anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditInterest {
    /// System calls that a rule pins by `syscall` or `SYSCALL`: names, or numbers as digits.
    pub calls: BTreeSet<Vec<u8>>,
    /// A rule asks for PATH records, whatever the call.
    pub paths: bool,
}

impl Interest {
    /// Adds what one rule needs.
    pub(crate) fn add(&mut self, category: Category, detections: &Detections) {
        self.categories.insert(category);
        let names = detections.items().flat_map(field_names);
        self.fields
            .extend(names.filter_map(|(name, _)| FieldId::find(name)));
        match category {
            Category::FileAccess => self.add_reads(detections),
            Category::Auditd => self.audit.add(detections),
            _ => {}
        }
    }

    /// Whether any rule names the field, or may mean it by a keyword.
    #[must_use]
    pub fn names(&self, field: FieldId) -> bool {
        self.fields.contains(&field)
    }

    fn add_reads(&mut self, detections: &Detections) {
        let need = Pins {
            detections,
            item: &of_item,
            single: true,
        };
        self.reads = match (std::mem::take(&mut self.reads), need.rule()) {
            (FileNames::All, _) | (_, None) => FileNames::All,
            (FileNames::Nothing, Some(names)) => FileNames::Only(names),
            (FileNames::Only(mut all), Some(names)) => {
                all.extend(names);
                FileNames::Only(all)
            }
        };
    }
}

impl AuditInterest {
    fn add(&mut self, detections: &Detections) {
        let calls = Pins {
            detections,
            item: &|item| exact(item, &["syscall", "SYSCALL"]),
            single: false,
        };
        let calls = calls.rule();
        // Records that do not come of a call that touches files.
        let without = |kind: &Vec<u8>| {
            kind == b"execve" || kind.starts_with(b"user_") || kind.starts_with(b"service_")
        };
        let elsewhere = types(detections).is_some_and(|types| types.iter().all(without));
        self.paths |= calls.is_none() && !elsewhere;
        self.calls.extend(calls.into_iter().flatten());
    }
}

/// The record types of which a rule of `service: auditd` needs one; none of them: it needs two at
/// once, and no record has that.
pub(crate) fn types(detections: &Detections) -> Need {
    let types = Pins {
        detections,
        item: &|item| exact(item, &["type"]),
        single: true,
    };
    types.rule()
}

/// What a comparison without modifiers says of one of these fields, in small letters: Sigma compares
/// without regard to case.
fn exact(item: &Item, fields: &[&str]) -> Need {
    let name = item.field.as_deref()?;
    if !fields.contains(&name) || !item.modifiers.is_empty() {
        return None;
    }
    either(item.values.iter().map(|value| {
        let word = match &pattern(&value.text)[..] {
            [Piece::Literal(word)] => word.to_ascii_lowercase(),
            _ => return None,
        };
        matches!(value.value, Scalar::Text | Scalar::Int(_)).then(|| BTreeSet::from([word]))
    }))
}

fn of_item(item: &Item) -> Need {
    let whole_path = item.field.as_deref() == Some("TargetFilename");
    let understood =
        |m: &Modifier| matches!(m, Modifier::Cased | Modifier::EndsWith | Modifier::Expand);
    if !whole_path || !item.has(Modifier::Cased) || !item.modifiers.iter().all(understood) {
        return None;
    }
    either(item.values.iter().map(of_value))
}

/// The last component, when the value ends in `/` and a literal.
fn of_value(value: &Literal) -> Need {
    if value.value != Scalar::Text {
        return None;
    }
    let pieces = pattern(&value.text);
    let Piece::Literal(end) = pieces.last()? else {
        return None;
    };
    let slash = end.iter().rposition(|b| *b == b'/')?;
    let name = &end[slash + 1..];
    (!name.is_empty()).then(|| BTreeSet::from([name.to_vec()]))
}
