//! What is wrong with a file of audit rules, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use auklet_rules::printable;

/// One thing about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub file: PathBuf,
    /// From 1; 0 is the file as a whole.
    pub line: usize,
    /// Printable: what came from the file is escaped.
    pub text: String,
}

impl Remark {
    pub(super) fn new(file: &Path, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = printable(self.file.as_os_str().as_encoded_bytes());
        match self.line {
            0 => write!(f, "{file}: {}", self.text),
            line => write!(f, "{file}:{line}: {}", self.text),
        }
    }
}

/// Everything that is wrong, in the order of the lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<Remark>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, remark) in self.0.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            write!(f, "{newline}{remark}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}
