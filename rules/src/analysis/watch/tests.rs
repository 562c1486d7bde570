//! Every way in which a watched file can change, and what is told of it.

mod evasions;
mod fake;
mod fields;
mod limits;
mod time;

use crate::{Value, analysis::Change};

/// `PATH METHOD FIELD=…` of each change; fields of `wanted` only, those that are there.
fn shown(changes: &[Change<&'static str>], wanted: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for change in changes {
        let path = String::from_utf8_lossy(&change.path).into_owned();
        let mut line = format!("{path} {}", change.method.name());
        for (name, value) in change.fields() {
            if wanted.contains(&name) {
                line.push_str(&format!(" {name}={}", text(&value)));
            }
        }
        lines.push(line);
    }
    lines
}

fn text(value: &Value) -> String {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Value::Bytes(bytes) => text(bytes),
        Value::Int(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::List(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}
