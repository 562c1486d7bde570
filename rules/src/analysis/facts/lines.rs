//! Files whose lines are what they say: crontabs, units, sudoers, scripts.

use super::{Collector, Facts, short_digest, text_lines};

/// Lines that are not blank and not comments; `#!` is none, nor what tells init when to start a script.
pub(super) fn plain(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    if content.contains(&0) {
        // A program.
        facts.add(b"binary", &short_digest(content));
        return facts.finish();
    }
    for line in text_lines(content) {
        let comment = line.starts_with(b"#") && !line.starts_with(b"#!") && !is_lsb(line);
        if !line.is_empty() && !comment {
            facts.add(line, b"");
        }
    }
    facts.finish()
}

/// The same, with lines that a backslash continues joined, and white space made one space: sudoers(5).
pub(super) fn continued(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    let mut whole: Vec<u8> = Vec::new();
    for line in text_lines(content) {
        if let Some(part) = line.strip_suffix(b"\\") {
            whole.extend_from_slice(part);
            whole.push(b' ');
            continue;
        }
        whole.extend_from_slice(line);
        // #include and #uid are no comments.
        let digit = whole.get(1).is_some_and(u8::is_ascii_digit);
        let comment = whole.starts_with(b"#") && !whole.starts_with(b"#include") && !digit;
        if !whole.trim_ascii().is_empty() && !comment {
            facts.add(&one_space(&whole), b"");
        }
        whole.clear();
    }
    if !whole.trim_ascii().is_empty() {
        facts.add(&one_space(&whole), b"");
    }
    facts.finish()
}

fn one_space(line: &[u8]) -> Vec<u8> {
    let words = line.split(u8::is_ascii_whitespace);
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// What a start-up file says of when and what it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StartupFacts {
    /// Run levels (`Default-Start:` of LSB, `chkconfig:` of Red Hat).
    pub levels: Vec<Vec<u8>>,
    /// Targets (`WantedBy=`, `RequiredBy=`, `UpheldBy=`).
    pub targets: Vec<Vec<u8>>,
    /// Programs that it runs (`Exec…=`), without systemd's prefixes.
    pub programs: Vec<Vec<u8>>,
}

/// Most of each that are kept.
const KEPT: usize = 32;

/// Reads them from an init script or a unit.
#[must_use]
pub(crate) fn startup_facts(content: &[u8]) -> StartupFacts {
    let mut facts = StartupFacts::default();
    for line in text_lines(content) {
        if let Some(levels) = lsb_value(line, b"Default-Start:") {
            extend(&mut facts.levels, levels.split(u8::is_ascii_whitespace));
        } else if let Some(value) = lsb_value(line, b"chkconfig:") {
            let levels = value
                .split(u8::is_ascii_whitespace)
                .next()
                .unwrap_or_default();
            let known = levels.iter().all(u8::is_ascii_digit);
            extend(&mut facts.levels, levels.chunks(1).filter(|_| known));
        } else if let Some((name, value)) = assignment(line) {
            match name {
                b"WantedBy" | b"RequiredBy" | b"UpheldBy" => {
                    extend(&mut facts.targets, value.split(u8::is_ascii_whitespace));
                }
                _ if name.starts_with(b"Exec") => {
                    let value = value.trim_ascii_start();
                    let start = value.iter().position(|b| !b"@-:+!|".contains(b));
                    let value = &value[start.unwrap_or(value.len())..];
                    extend(&mut facts.programs, [value].into_iter());
                }
                _ => {}
            }
        }
    }
    facts
}

fn extend<'a>(list: &mut Vec<Vec<u8>>, words: impl Iterator<Item = &'a [u8]>) {
    for word in words.filter(|word| !word.is_empty()) {
        if list.len() < KEPT && !list.iter().any(|known| known == word) {
            list.push(super::bounded(word));
        }
    }
}

/// Comments of init scripts that say when they run.
fn is_lsb(line: &[u8]) -> bool {
    lsb_value(line, b"Default-Start:").is_some() || lsb_value(line, b"chkconfig:").is_some()
}

/// `# Default-Start: 2 3` → `2 3`.
fn lsb_value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let line = line.strip_prefix(b"#")?.trim_ascii_start();
    line.strip_prefix(name).map(<[u8]>::trim_ascii)
}

fn assignment(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == b'=')?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}
