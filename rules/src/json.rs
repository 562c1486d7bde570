//! An observation as JSON: `{"category": "file_event", "fields": {"Image": "/bin/x", …}}`. Bytes that are
//! not UTF-8 are `{"hex": …}`, as in the JSON of events.
use serde_json::{Map, Value as Json, json};

use crate::{
    cases::unhex,
    category::Category,
    fields::{FieldId, Kind},
    observation::{Observation, Value},
};

impl Observation {
    /// Reads one.
    ///
    /// # Errors
    /// Says which field is wrong.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        let name = json["category"].as_str().ok_or("no category")?;
        let category = Category::parse(name).ok_or_else(|| format!("unknown category {name}"))?;
        let fields = json["fields"].as_object().ok_or("no fields")?;
        let mut observation = Self::new(category);
        for (name, json) in fields {
            let found = FieldId::find(name).filter(|id| id.field().categories.contains(&category));
            let id =
                found.ok_or_else(|| format!("unknown field {name} for category {category}"))?;
            let kind = id.field().kind;
            let value = value(kind, json).ok_or_else(|| format!("{name} is {kind}, not {json}"))?;
            observation.set(id, value);
        }
        Ok(observation)
    }

    /// Writes one.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let pair = |(id, value): &(FieldId, Value)| {
            let json = match value {
                Value::Bytes(bytes) => text(bytes),
                Value::Int(n) => (*n).into(),
                Value::Bool(b) => (*b).into(),
                Value::List(items) => items.iter().map(|item| text(item)).collect(),
            };
            (id.name().to_owned(), json)
        };
        let fields: Map<String, Json> = self.fields().iter().map(pair).collect();
        json!({"category": self.category.name(), "fields": fields})
    }
}

fn text(bytes: &[u8]) -> Json {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            json!({ "hex": digits })
        }
    }
}

fn value(kind: Kind, json: &Json) -> Option<Value> {
    let bytes = |json: &Json| match json.as_str() {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => unhex(json["hex"].as_str()?),
    };
    Some(match kind {
        Kind::Bytes => Value::Bytes(bytes(json)?),
        Kind::Int => Value::Int(json.as_i64()?),
        Kind::Bool => Value::Bool(json.as_bool()?),
        Kind::List => Value::List(json.as_array()?.iter().map(bytes).collect::<Option<_>>()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id;

    #[test]
    fn what_is_written_is_read() {
        let mut observation = Observation::new(Category::FileEvent);
        observation.set(id!("TargetFilename"), Value::Bytes(b"/tmp/\xff".to_vec()));
        observation.set(id!("Image"), Value::Bytes(b"/bin/x".to_vec()));
        observation.set(id!("UserId"), Value::Int(7));
        observation.set(id!("Created"), Value::Bool(true));
        let ancestors = vec![b"/a".to_vec(), b"\xfe".to_vec()];
        observation.set(id!("AncestorImages"), Value::List(ancestors));
        let read = Observation::from_json(&observation.to_json()).expect("an observation");
        let by_name = |o: &Observation| {
            let mut fields = o.fields().to_vec();
            fields.sort_by_key(|(id, _)| *id);
            fields
        };
        assert_eq!(by_name(&read), by_name(&observation));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expect) in [
            ("[]", "no category"),
            (r#"{"category": "x", "fields": {}}"#, "unknown category x"),
            (r#"{"category": "memory"}"#, "no fields"),
            (
                r#"{"category": "memory", "fields": {"Script": "x"}}"#,
                "unknown field Script",
            ),
            (
                r#"{"category": "memory", "fields": {"UserId": "x"}}"#,
                "UserId is a number, not",
            ),
            (
                r#"{"category": "memory", "fields": {"Image": {"hex": "0"}}}"#,
                "Image is a string",
            ),
        ] {
            let json = serde_json::from_str(text).expect("JSON");
            let problem = Observation::from_json(&json).expect_err("no observation");
            assert!(problem.starts_with(expect), "{problem}");
        }
    }
}
