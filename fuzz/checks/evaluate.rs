//! What must hold of any event: evaluation ends, and the index finds the rules that match when each is
//! evaluated by itself.
use std::{path::Path, sync::LazyLock};

use auklet_rules::{Category, FieldId, Kind, Observation, RuleSet, Value};

/// Rules with every modifier.
static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let text = include_str!("../../rules/tests/evaluate/rules.yml");
    let rules = RuleSet::default().and_parse(Path::new("rules.yml"), text);
    rules.unwrap_or_else(|errors| panic!("{errors}"))
});

const FIELDS: [&str; 9] = [
    "CommandLine",
    "Image",
    "ParentImage",
    "User",
    "CurrentDirectory",
    "AncestorImages",
    "UserId",
    "Exit",
    "Success",
];

/// A byte for the field, then its value up to the next byte that no text has.
pub(crate) fn check(data: &[u8]) {
    let mut event = Observation::new(Category::ProcessCreation);
    for part in data.split(|byte| *byte == 0xf5) {
        if let Some((first, rest)) = part.split_first() {
            let name = FIELDS[usize::from(*first) % FIELDS.len()];
            let id = FieldId::find(name).expect("a field");
            event.set(id, value(id.field().kind, rest));
        }
    }
    let rules = &*RULES;
    let found = rules.evaluate(&event);
    for (number, rule) in rules.rules().iter().enumerate() {
        let alone = rules.matches_alone(&rule.id, &event);
        let together = found.iter().any(|f| f.rule.id == rule.id);
        assert_eq!(Some(together), alone, "{}: {event:?}", rule.title);
        // It compiles every value anew: one rule an event is enough.
        if number == data.len() % rules.rules().len() {
            let explained = rules.explain(&rule.id, &event).map(|e| e.matched);
            assert_eq!(explained, alone, "{}: {event:?}", rule.title);
        }
    }
}

fn value(kind: Kind, bytes: &[u8]) -> Value {
    match kind {
        Kind::Bytes => Value::Bytes(bytes.to_vec()),
        Kind::List => Value::List(bytes.split(|b| *b == 0xf6).map(<[u8]>::to_vec).collect()),
        Kind::Bool => Value::Bool(bytes.first().is_some_and(|b| b % 2 == 1)),
        Kind::Int => {
            let mut eight = [0; 8];
            let length = bytes.len().min(8);
            eight[..length].copy_from_slice(&bytes[..length]);
            Value::Int(i64::from_le_bytes(eight))
        }
    }
}
