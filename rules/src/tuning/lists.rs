//! Lists of values for placeholders: `NAME.list` in a rule directory is what `%NAME%` stands for.
//!
//! One value a line, without the spaces around it. Lines that are empty or begin with `#` are none;
//! `\#` begins a value with `#`. Values are Sigma strings: `*` and `?` are wildcards.
use std::path::Path;

use crate::error::RuleError;

/// Longest value.
const MAX_BYTES: usize = 4096;

/// Reads a list.
pub(crate) fn parse(file: &Path, bytes: &[u8]) -> Result<Vec<String>, Vec<RuleError>> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let value = if line.starts_with(b"\\#") {
            &line[1..]
        } else {
            line
        };
        let problem = match std::str::from_utf8(value) {
            _ if value.len() > MAX_BYTES => format!("longer than {MAX_BYTES} bytes"),
            Err(_) => "not UTF-8".to_owned(),
            Ok(value) => {
                values.push(value.to_owned());
                continue;
            }
        };
        errors.push(RuleError {
            file: file.to_owned(),
            line: number,
            problem,
        });
    }
    if errors.is_empty() && values.is_empty() {
        errors.push(RuleError {
            file: file.to_owned(),
            line: 1,
            problem: "no value in this list".to_owned(),
        });
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_line_by_line() {
        let text = b"# admins\nalice\n\n  adm_* \r\n\\#odd\n";
        let values = parse(Path::new("a.list"), text).expect("a list");
        assert_eq!(values, ["alice", "adm_*", "#odd"]);
        let errors = |text: &[u8]| {
            let errors = parse(Path::new("a.list"), text).expect_err("errors");
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(errors(b"# nobody\n"), ["a.list:1: no value in this list"]);
        assert_eq!(errors(b"a\n\xff\nb\n"), ["a.list:2: not UTF-8"]);
        assert_eq!(errors(&[b'x'; 5000]), ["a.list:1: longer than 4096 bytes"]);
    }
}
