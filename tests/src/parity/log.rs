//! Reading audit.log: events, records, fields, as text.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context as _, Result};

/// A record: its type, and its fields in order.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// `SEC.mmm:SERIAL`
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Record {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    /// As it stands in the log, without its id.
    pub(crate) fn text(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}", self.kind, fields.collect::<String>())
    }
}

/// The records of one `audit(SEC.mmm:SERIAL)`, in order.
pub(crate) type Event = Vec<Record>;

/// All events of a log, in the order of their first records. What is not a record is an error: both
/// logs are well-formed or the comparison says nothing.
pub(crate) fn read(path: &Path) -> Result<Vec<Event>> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    let text = String::from_utf8_lossy(&text);
    let mut order = Vec::new();
    let mut events: HashMap<&str, Event> = HashMap::new();
    for line in text.lines() {
        let (id, record) = record(line).with_context(|| format!("not a record: {line}"))?;
        let event = events.entry(id).or_insert_with(|| {
            order.push(id);
            Vec::new()
        });
        event.push(record);
    }
    Ok(order.iter().filter_map(|id| events.remove(id)).collect())
}

fn record(line: &str) -> Option<(&str, Record)> {
    let (kind, rest) = line.strip_prefix("type=")?.split_once(" msg=audit(")?;
    let (id, body) = rest.split_once("): ")?;
    let fields = body.split(' ').filter(|word| !word.is_empty());
    let fields = fields.map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        (name.to_owned(), value.to_owned())
    });
    let record = Record {
        id: id.to_owned(),
        kind: kind.to_owned(),
        fields: fields.collect(),
    };
    Some((id, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_an_event_are_together_and_in_order() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        let text = "type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall=2\n\
                    type=SYSCALL msg=audit(1.000:8): syscall=3\n\
                    type=EXECVE msg=audit(1.000:7):  a2=\"x\"\n";
        fs::write(&path, text).expect("write");
        let events = read(&path).expect("events");
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].len(), 2);
        assert_eq!(events[0][1].get("a2"), Some("\"x\""));
        fs::write(&path, "type=SYSCALL\n").expect("write");
        assert!(read(&path).is_err());
    }
}
