//! Keys of rule documents: which are known, what is under them, on which line.
use crate::sigma::{
    rule::text,
    scalar::Scalar,
    yaml::{Kind, Node, Problem},
};

/// A word of the file and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Refuses keys that are not known; what has no keys is an error, too.
pub(crate) fn known_keys(node: &Node, known: &[&str], within: &str) -> Result<(), Problem> {
    let entries = node.map().ok_or_else(|| {
        let name = within.trim_end_matches('.');
        let name = if name.is_empty() { "a rule" } else { name };
        Problem::new(
            node.line,
            format!("{name} is a mapping, not {}", node.what()),
        )
    })?;
    let unknown = entries.iter().find(|e| !known.contains(&e.key.as_str()));
    if let Some(entry) = unknown {
        let hint = match entry.key.as_str() {
            "timeframe" => "; Sigma 2 calls it timespan".to_owned(),
            _ => format!("; known: {}", known.join(", ")),
        };
        let problem = format!("unknown key {within}{}{hint}", entry.key);
        return Err(Problem::new(entry.line, problem));
    }
    Ok(())
}

/// The string under a key, with its line.
pub(crate) fn word(node: &Node, key: &str) -> Result<Option<Word>, Problem> {
    let line = node.entry(key).map_or(node.line, |e| e.line);
    Ok(text(node, key)?.map(|text| Word { text, line }))
}

/// The strings under a key, one or several, each with its line; none twice.
pub(crate) fn words(node: &Node, key: &str) -> Result<Vec<Word>, Problem> {
    let Some(value) = node.get(key) else {
        return Ok(Vec::new());
    };
    let items = value.list().unwrap_or(std::slice::from_ref(value));
    let mut words: Vec<Word> = Vec::new();
    for item in items {
        let Some(text) = item.str().filter(|text| !text.is_empty()) else {
            let problem = format!("{key} is a list of names, not of {}", item.what());
            return Err(Problem::new(item.line, problem));
        };
        if words.iter().any(|word| word.text == text) {
            return Err(Problem::new(item.line, format!("{key} has {text} twice")));
        }
        words.push(Word {
            text: text.to_owned(),
            line: item.line,
        });
    }
    Ok(words)
}

pub(crate) fn flag(node: &Node, key: &str) -> Result<bool, Problem> {
    match node.get(key).map(|value| (&value.kind, value)) {
        None => Ok(false),
        Some((Kind::Scalar(Scalar::Bool(flag), _), _)) => Ok(*flag),
        Some((_, value)) => {
            let problem = format!("{key} is true or false, not {}", value.what());
            Err(Problem::new(value.line, problem))
        }
    }
}
