//! A second opinion, for tests: rsigma's answer to the same rule and event.
use rsigma_eval::{JsonEvent, compile_rule, evaluate_rule};
use serde_json::{Value as Json, json};

use crate::{
    observation::{Observation, Value},
    sigma::{
        scalar::Scalar,
        yaml::{Kind, Node},
    },
};

/// Whether the rule matches; an error when rsigma refuses it.
pub(crate) fn matches(rule: &str, event: &Observation) -> Result<bool, String> {
    let found = rsigma_parser::parse_sigma_yaml(rule).map_err(|e| e.to_string())?;
    if let Some(error) = found.errors.first() {
        return Err(error.clone());
    }
    let rule = compile_rule(&found.rules[0]).map_err(|e| e.to_string())?;
    let event = json(event);
    // Not its `Engine`: that one's index passes over rules that match by what is not there.
    Ok(evaluate_rule(&rule, &JsonEvent::borrow(&event)).is_some())
}

fn json(event: &Observation) -> Json {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = |value: &Value| match value {
        Value::Bytes(bytes) => json!(text(bytes)),
        Value::Int(n) => json!(n),
        Value::Bool(b) => json!(b),
        Value::List(items) => items.iter().map(|i| text(i)).collect(),
    };
    let fields = event.fields().iter();
    fields
        .map(|(id, v)| (id.name().to_owned(), value(v)))
        .collect()
}

/// The node as JSON, which is YAML too, so that rsigma reads what we read.
pub(crate) fn yaml(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(Scalar::Text, text) => serde_json::to_string(text).unwrap(),
        Kind::Scalar(Scalar::Null, _) => "null".to_owned(),
        Kind::Scalar(_, text) => text.clone(),
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(yaml).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map(entries) => {
            let entry = |e: &crate::sigma::yaml::Entry| {
                format!(
                    "{}: {}",
                    serde_json::to_string(&e.key).unwrap(),
                    yaml(&e.value)
                )
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}
