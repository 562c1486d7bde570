//! Reads one line: auditctl's options. Sources: `setopt`, `fileopt`, `preprocess` in
//! audit-userspace's src/auditctl.c, whose messages these are where it has one; lib/strsplit.c.

use auklet_rules::printable;
use bytes::Bytes;

use super::{
    build::Builder,
    host::Host,
    rule::{Action, List, Rule},
    value,
};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Add {
        rule: Rule,
        prepend: bool,
    },
    Delete(Rule),
    DeleteAll(Option<Bytes>),
    Enabled(u8),
    Failure(u8),
    Rate(u32),
    Backlog(u32),
    BacklogWait(u32),
    LoginuidImmutable,
    /// Resets a counter of the kernel's audit, or trims its trees: nothing to Auklet.
    Nothing(&'static str),
    IgnoreErrors,
    ContinueOnErrors,
}

/// A line's commands, and what should be said about them.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) commands: Vec<Command>,
    pub(super) notes: Vec<String>,
}

/// auditctl's LINE_SIZE, less newline and NUL.
const LONGEST_LINE: usize = 6142;
/// Options that take an argument, as in auditctl's getopt string.
const WITH_ARGUMENT: &[u8] = b"CefrbaAdSFmRwWkpq";
const LONG_WITH_ARGUMENT: [&str; 2] = ["backlog_wait_time", "signal"];

/// Reads a line that is neither blank nor a comment.
pub(super) fn parse(line: &[u8], host: &dyn Host) -> Result<Parsed, String> {
    if line.len() > LONGEST_LINE {
        return Err(format!("line is longer than {LONGEST_LINE} bytes"));
    }
    if line.contains(&b'\t') {
        return Err("a tab: auditctl separates by spaces only".into());
    }
    if line.contains(&b'\r') {
        return Err("a carriage return within the line".into());
    }
    if line.contains(&0) {
        return Err("a NUL byte".into());
    }
    let mut words = Words {
        words: split(line),
        at: 0,
        rest: Vec::new(),
    };
    let mut builder = Builder::new(host);
    while let Some(option) = words.option()? {
        apply(&mut builder, &option, &mut words)?;
    }
    builder.finish()
}

/// Splits at spaces; `\ ` is a space and `\\` a backslash within a word. Quotes have no meaning.
fn split(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = bytes.next_if(|next| byte == b'\\' && matches!(next, b' ' | b'\\'));
        match (escaped, byte) {
            (None, b' ') => words.push(Vec::new()),
            (escaped, byte) => {
                if let Some(word) = words.last_mut() {
                    word.push(escaped.unwrap_or(byte));
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// An option as getopt_long(3) tells it.
#[derive(Debug)]
enum Opt {
    Short(u8, Vec<u8>),
    Long(String, Vec<u8>),
}

struct Words {
    words: Vec<Vec<u8>>,
    at: usize,
    /// Further letters of a word like `-ic`.
    rest: Vec<u8>,
}

impl Words {
    fn next(&mut self) -> Option<Vec<u8>> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn option(&mut self) -> Result<Option<Opt>, String> {
        if self.rest.is_empty() {
            let Some(word) = self.next() else {
                return Ok(None);
            };
            if let Some(long) = word.strip_prefix(b"--") {
                return self.long(long).map(Some);
            }
            match word.strip_prefix(b"-") {
                Some(letters) if !letters.is_empty() => self.rest = letters.to_vec(),
                _ => {
                    let word = printable(&word);
                    return Err(format!("parameter passed without an option given: {word}"));
                }
            }
        }
        let letter = self.rest.remove(0);
        let mut argument = Vec::new();
        if WITH_ARGUMENT.contains(&letter) {
            argument = std::mem::take(&mut self.rest);
            if argument.is_empty() {
                let missing = || format!("option -{} needs a value", printable(&[letter]));
                argument = self.next().ok_or_else(missing)?;
            }
        }
        Ok(Some(Opt::Short(letter, argument)))
    }

    fn long(&mut self, text: &[u8]) -> Result<Opt, String> {
        let mut parts = text.splitn(2, |b| *b == b'=');
        let name = printable(parts.next().unwrap_or_default());
        let mut argument = parts.next().map(<[u8]>::to_vec);
        let takes = LONG_WITH_ARGUMENT.contains(&name.as_str());
        if !takes && argument.is_some() {
            return Err(format!("option --{name} takes no value"));
        }
        if takes && argument.is_none() {
            argument = self.next();
        }
        match argument {
            None if takes => Err(format!("option --{name} needs a value")),
            argument => Ok(Opt::Long(name, argument.unwrap_or_default())),
        }
    }
}

fn apply(builder: &mut Builder<'_>, option: &Opt, words: &mut Words) -> Result<(), String> {
    let (letter, text) = match option {
        Opt::Long(name, text) => return long_option(builder, name, text),
        Opt::Short(letter, text) => (*letter, text.as_slice()),
    };
    let only = |what| Err(format!("-{}: {what}", char::from(letter)));
    match letter {
        b'a' => builder.list(list_and_action("Append rule", text)?, false),
        b'A' => builder.list(list_and_action("Add rule", text)?, true),
        b'd' => builder.delete(list_and_action("Delete rule", text)?),
        b'S' => builder.calls(text),
        b'F' => builder.field(text),
        b'C' => builder.comparison(text),
        b'k' => builder.key_option(text),
        b'w' => builder.watch(text, false),
        b'W' => builder.watch(text, true),
        b'p' => builder.permissions(text),
        b'D' => builder.delete_all(match words.next() {
            None => None,
            Some(word) if word == b"-k" => Some(words.next().ok_or("key option needs a value")?),
            Some(_) => return Err("Only the -k option is allowed".into()),
        }),
        b'e' => builder.setting(Command::Enabled(level("Enable", text)?)),
        b'f' => builder.setting(Command::Failure(level("Failure", text)?)),
        b'r' => builder.setting(Command::Rate(number("Rate", text)?)),
        b'b' => builder.setting(Command::Backlog(number("Backlog", text)?)),
        b'i' => builder.setting(Command::IgnoreErrors),
        b'c' => builder.setting(Command::ContinueOnErrors),
        b't' => builder.setting(Command::Nothing(
            "-t trims nothing: dir= follows paths here",
        )),
        b'q' => equivalent(text).and_then(|()| {
            builder.setting(Command::Nothing(
                "-q is not needed: dir= sees across mounts here",
            ))
        }),
        b'R' => Err("Error - nested rule files not supported".into()),
        b'h' => only("help is for the command line, not for a rules file"),
        b'l' => only("lists rules; it is for the command line, not for a rules file"),
        b's' => only("shows a status; it is for the command line, not for a rules file"),
        b'v' => only("shows a version; it is for the command line, not for a rules file"),
        b'm' => only("sends a message; it is for the command line, not for a rules file"),
        other => Err(format!("Option -{} is invalid", printable(&[other]))),
    }
}

fn long_option(builder: &mut Builder<'_>, name: &str, text: &[u8]) -> Result<(), String> {
    match name {
        "loginuid-immutable" => builder.setting(Command::LoginuidImmutable),
        "backlog_wait_time" => {
            builder.setting(Command::BacklogWait(number("Backlog_wait_time", text)?))
        }
        "reset-lost" => builder.setting(Command::Nothing(
            "--reset-lost resets a counter of the kernel's audit, which Auklet does not use",
        )),
        "reset_backlog_wait_time_actual" => builder.setting(Command::Nothing(
            "--reset_backlog_wait_time_actual resets a counter of the kernel's audit, which Auklet does not use",
        )),
        "signal" => Err("--signal is for the command line, not for a rules file".into()),
        _ => Err(format!("Option --{name} is invalid")),
    }
}

/// `LIST,ACTION` in either order.
fn list_and_action(what: &str, text: &[u8]) -> Result<(List, Action), String> {
    let bad = || format!("{what} - bad keyword {}", printable(text));
    let words: Vec<&[u8]> = text.split(|b| *b == b',').collect();
    if words.contains(&&b"possible"[..]) {
        return Err(format!("{what} - possible is deprecated"));
    }
    if words.contains(&&b"entry"[..]) {
        return Err(format!("{} (the entry list is gone: use exit)", bad()));
    }
    let [first, second] = words.as_slice() else {
        return Err(bad());
    };
    let action = |word: &[u8]| match word {
        b"always" => Some(Action::Always),
        b"never" => Some(Action::Never),
        _ => None,
    };
    let either = List::parse(first).zip(action(second));
    either
        .or_else(|| List::parse(second).zip(action(first)))
        .ok_or_else(bad)
}

fn level(what: &str, text: &[u8]) -> Result<u8, String> {
    match text {
        b"0" => Ok(0),
        b"1" => Ok(1),
        b"2" => Ok(2),
        _ => Err(format!("{what} must be 0, 1, or 2 was {}", printable(text))),
    }
}

fn number(what: &str, text: &[u8]) -> Result<u32, String> {
    let not = || format!("{what} must be a numeric value was {}", printable(text));
    value::unsigned(text).ok_or_else(not)
}

fn equivalent(text: &[u8]) -> Result<(), String> {
    let parts: Vec<&[u8]> = text.split(|b| *b == b',').collect();
    match parts.as_slice() {
        [mount, part] if !mount.is_empty() && !part.is_empty() => Ok(()),
        _ => Err("Error parsing equivalent parts".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_auditctl_does() {
        let check = |line: &str, expect: &[&str]| {
            let words = split(line.as_bytes());
            let expect: Vec<Vec<u8>> = expect.iter().map(|w| w.as_bytes().to_vec()).collect();
            assert_eq!(words, expect, "{line}");
        };
        check("  -w  /a -k x ", &["-w", "/a", "-k", "x"]);
        check(r"-w /a\ b -k x\\y\z", &["-w", "/a b", "-k", r"x\y\z"]);
        check(r#"-k "a b""#, &["-k", "\"a", "b\""]);
        check(r"-k \\ x", &["-k", r"\", "x"]);
        check("", &[]);
    }
}
