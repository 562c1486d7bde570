//! The YAML documents of a rule file, and errors that name their lines.
use std::path::Path;

use crate::{
    error::RuleError,
    sigma::yaml::{self, Node, Problem},
};

/// One YAML document of a file.
pub(crate) struct Document<'a> {
    pub(crate) file: &'a Path,
    pub(crate) node: Node,
}

impl<'a> Document<'a> {
    /// The documents of a file; those that hold nothing but comments are left out.
    pub(crate) fn split(file: &'a Path, text: &str) -> Result<Vec<Self>, RuleError> {
        let nodes = yaml::documents(text).map_err(|problem| error(file, problem))?;
        Ok(nodes.into_iter().map(|node| Self { file, node }).collect())
    }

    /// An error at the line that holds `key`, or at the document's first line.
    pub(crate) fn error_at(&self, key: &str, problem: impl Into<String>) -> RuleError {
        self.error(Problem::new(self.line_of(key), problem))
    }

    /// The line of `key`, or the document's first.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        line_of(&self.node, key).unwrap_or(self.node.line)
    }

    /// An error whose line is known.
    pub(crate) fn error(&self, problem: Problem) -> RuleError {
        error(self.file, problem)
    }
}

fn error(file: &Path, Problem { line, problem }: Problem) -> RuleError {
    // What a file says is quoted: it must not move a terminal's cursor, nor make a second line.
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    RuleError {
        file: file.to_owned(),
        line,
        problem: problem.chars().map(shown).collect(),
    }
}

/// The line of the first key of that name, with or without modifiers.
fn line_of(node: &Node, key: &str) -> Option<usize> {
    let entries = node.map().unwrap_or_default();
    let name = |entry: &str| entry.split('|').next() == Some(key);
    let own = entries.iter().find(|e| name(&e.key)).map(|e| e.line);
    let values = entries.iter().map(|e| &e.value);
    let mut inner = values.chain(node.list().unwrap_or_default());
    own.or_else(|| inner.find_map(|value| line_of(value, key)))
}
