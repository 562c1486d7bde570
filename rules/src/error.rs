//! What is wrong with a rule, and where.
use std::{fmt, path::PathBuf};

/// One thing wrong with one rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {problem}", file.display())]
pub struct RuleError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 when the file could not be read.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Everything wrong with a set of rules; never empty. One line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}
