//! Cuts a rule file into its YAML documents and parses each, so that every error has a line.
//!
//! rsigma reports most problems without a position. Parsing one document at a time, and looking
//! for the offending key in its text, gives the line that an administrator needs.
use std::path::Path;

use rsigma_parser::{SigmaRule, parse_sigma_yaml};

use crate::error::RuleError;

/// One YAML document of a file.
pub(crate) struct Document<'a> {
    pub(crate) file: &'a Path,
    /// Lines of the file before this document.
    skipped_lines: usize,
    text: String,
}

impl<'a> Document<'a> {
    /// The documents of a file; those that hold nothing but comments are left out.
    pub(crate) fn split(file: &'a Path, text: &str) -> Vec<Self> {
        let mut documents = vec![Self::starting_at(file, 0)];
        for (number, line) in text.lines().enumerate() {
            let marker = line == "---" || line.starts_with("--- ");
            if marker {
                documents.push(Self::starting_at(file, number));
            }
            if let Some(document) = documents.last_mut() {
                document.text.push_str(line);
                document.text.push('\n');
            }
        }
        documents.retain(Self::says_something);
        documents
    }

    fn starting_at(file: &'a Path, skipped_lines: usize) -> Self {
        let text = String::new();
        Self {
            file,
            skipped_lines,
            text,
        }
    }

    fn says_something(&self) -> bool {
        let empty = |l: &str| l.is_empty() || l == "---" || l.starts_with('#');
        !self.text.lines().all(|l| empty(l.trim()))
    }

    /// The one detection rule in it.
    pub(crate) fn rule(&self) -> Result<SigmaRule, RuleError> {
        let found = parse_sigma_yaml(&self.text).map_err(|e| self.parse_error(&e.to_string()))?;
        if let Some(problem) = found.errors.first() {
            return Err(self.parse_error(problem));
        }
        if !found.correlations.is_empty() || !found.filters.is_empty() {
            let problem = "correlations and filters are not supported yet";
            return Err(self.error_at("correlation", problem));
        }
        match <[SigmaRule; 1]>::try_from(found.rules) {
            Ok([rule]) => Ok(rule),
            Err(_none) => Err(self.error_at("", "no rule in this document")),
        }
    }

    /// An error at the line that holds `key`, or at the document's first line.
    pub(crate) fn error_at(&self, key: &str, problem: impl Into<String>) -> RuleError {
        let line = self.text.lines().position(|line| has_key(line, key));
        let line = line.unwrap_or_else(|| self.first_line());
        self.error(line + 1, problem.into())
    }

    fn first_line(&self) -> usize {
        let said = |line: &str| !line.is_empty() && !line.starts_with("---");
        self.text.lines().position(said).unwrap_or(0)
    }

    fn error(&self, line: usize, problem: String) -> RuleError {
        RuleError {
            file: self.file.to_owned(),
            line: self.skipped_lines + line,
            problem,
        }
    }

    /// An error that rsigma reported: its line if it names one, else that of a key it mentions.
    fn parse_error(&self, problem: &str) -> RuleError {
        if problem.starts_with("YAML") {
            let (what, line) = position(problem);
            return self.error(line, format!("bad YAML: {what}"));
        }
        if problem.starts_with("Condition") {
            // A drawing of several lines; the last says what was expected.
            let expected = problem.lines().last().unwrap_or(problem);
            let expected = expected.trim_start_matches([' ', '=']);
            return self.error_at("condition", format!("bad condition: {expected}"));
        }
        let mut words = problem.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let line = words.find_map(|word| self.text.lines().position(|l| mentions(l, word)));
        let line = line.unwrap_or_else(|| self.first_line());
        let problem: Vec<&str> = problem.split_whitespace().collect();
        self.error(line + 1, problem.join(" "))
    }
}

/// Splits `YAML parse error: WHAT at line 3 column 7` into WHAT and the line.
fn position(problem: &str) -> (&str, usize) {
    let what = problem.split_once(": ").map_or(problem, |(_, what)| what);
    let Some((head, tail)) = what.split_once(" at line ") else {
        return (what, 1);
    };
    let digits = tail.split(|c: char| !c.is_ascii_digit()).next();
    (head, digits.and_then(|d| d.parse().ok()).unwrap_or(1))
}

/// Whether a line of YAML is `key:`, `key|modifier:` or `- key…:`.
fn has_key(line: &str, key: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ").trim_start();
    let rest = line.trim_start_matches(['\'', '"']).strip_prefix(key);
    !key.is_empty() && rest.is_some_and(|rest| rest.starts_with([':', '|', '[', '\'', '"']))
}

/// Whether a line has `word` as its key or as a modifier of its key.
fn mentions(line: &str, word: &str) -> bool {
    let modifier = |part: &str| !word.is_empty() && part.trim_end_matches(':') == word;
    let key = line.split_once(": ").map_or(line, |(key, _)| key);
    has_key(line, word) || key.split('|').skip(1).any(modifier)
}
