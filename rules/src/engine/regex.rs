//! Regular expressions: how they are built, and which literals a text must have for one to match.
//!
//! They work on bytes, as PCRE does without its UTF mode: `.` is any byte but a line break, `\w`,
//! `\d` and `\s` are of ASCII, so no byte that is not UTF-8 hides a text from a rule. Letters
//! outside ASCII may stand anywhere but in a class.
use std::collections::BTreeSet;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

use crate::sigma::modifier::Modifier;

/// Bytes that one compiled expression may take.
const MAX_COMPILED: usize = 1 << 20;
/// Bytes for the states that one expression builds while it runs.
const MAX_CACHE: usize = 256 << 10;
/// Brackets within brackets.
const MAX_NESTING: u32 = 64;

/// An expression, ready to be matched.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) regex: Regex,
    /// In small letters: every text that matches has at least one, whatever its case.
    pub(crate) literals: Option<Vec<Vec<u8>>>,
}

impl Expression {
    /// Compiles a pattern; an error says which feature there is not.
    pub(crate) fn new(pattern: &str, modifiers: &[Modifier]) -> Result<Self, String> {
        Ok(Self {
            regex: build(pattern, modifiers)?,
            literals: literals(pattern, modifiers),
        })
    }
}

fn build(pattern: &str, modifiers: &[Modifier]) -> Result<Regex, String> {
    let has = |m| modifiers.contains(&m);
    let built = RegexBuilder::new(pattern)
        .unicode(false)
        .case_insensitive(has(Modifier::IgnoreCase))
        .multi_line(has(Modifier::Multiline))
        .dot_matches_new_line(has(Modifier::DotAll))
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(MAX_NESTING)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "the regex takes more than 1 MiB when compiled; split it, or repeat less".to_owned()
        }
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("bad regex: {}", last.trim_start_matches("error: "))
        }
    })
}

fn literals(pattern: &str, modifiers: &[Modifier]) -> Option<Vec<Vec<u8>>> {
    let has = |m| modifiers.contains(&m);
    let parsed = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(has(Modifier::IgnoreCase))
        .multi_line(has(Modifier::Multiline))
        .dot_matches_new_line(has(Modifier::DotAll))
        .nest_limit(MAX_NESTING)
        .build()
        .parse(pattern)
        .ok()?;
    let best = Facts::of(&parsed).best()?;
    Some(best.into_iter().collect())
}

type Set = BTreeSet<Vec<u8>>;

/// Texts of a set; more of them tell little.
const MAX_SET: usize = 64;
/// Capital and small, and the like; a class of more says nothing.
const MAX_CLASS: usize = 4;

/// What is known of the texts that a part of an expression matches, in small letters.
struct Facts {
    /// Each is one of these, whole.
    exact: Option<Set>,
    /// Each has one of these in it.
    has: Option<Set>,
}

impl Facts {
    const NOTHING: Self = Self {
        exact: None,
        has: None,
    };

    fn exactly(set: Set) -> Self {
        Self {
            exact: Some(set),
            has: None,
        }
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::exactly(Set::from([Vec::new()])),
            HirKind::Literal(literal) => Self::exactly(Set::from([literal.0.to_ascii_lowercase()])),
            HirKind::Class(class) => members(class).map_or(Self::NOTHING, Self::exactly),
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Repetition(r) => Self::repeated(Self::of(&r.sub), r.min, r.max),
            HirKind::Alternation(parts) => Self::either(parts.iter().map(Self::of)),
            HirKind::Concat(parts) => Self::joined(parts.iter().map(Self::of)),
        }
    }

    fn repeated(inner: Self, min: u32, max: Option<u32>) -> Self {
        match (min, max, inner.exact) {
            (0, Some(1), Some(mut exact)) => {
                exact.insert(Vec::new());
                Self::exactly(exact)
            }
            (0, ..) => Self::NOTHING,
            (1, Some(1), exact) => Self {
                exact,
                has: inner.has,
            },
            (_, _, exact) => Self {
                exact: None,
                has: better(exact, inner.has),
            },
        }
    }

    fn either(parts: impl Iterator<Item = Self>) -> Self {
        let mut exact = Some(Set::new());
        let mut has = Some(Set::new());
        for part in parts {
            exact = merge(exact, part.exact.clone());
            has = merge(has, part.best());
        }
        Self { exact, has }
    }

    fn joined(parts: impl Iterator<Item = Self>) -> Self {
        let mut run = Set::from([Vec::new()]);
        let mut whole = true;
        let mut has = None;
        for part in parts {
            match part.exact {
                Some(next) if run.len() * next.len() <= MAX_SET => run = product(&run, &next),
                exact => {
                    whole = false;
                    has = better(has, Some(std::mem::take(&mut run)));
                    has = better(has, part.has);
                    run = exact.unwrap_or_else(|| Set::from([Vec::new()]));
                }
            }
        }
        if whole {
            return Self::exactly(run);
        }
        Self {
            exact: None,
            has: better(has, Some(run)),
        }
    }

    fn best(self) -> Option<Set> {
        better(self.exact, self.has)
    }
}

fn members(class: &Class) -> Option<Set> {
    let bytes: Vec<u8> = match class {
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            ranges
                .flat_map(|r| r.start()..=r.end())
                .take(2 * MAX_CLASS + 1)
                .collect()
        }
        Class::Unicode(class) => {
            let ranges = class.ranges().iter();
            let chars = ranges
                .flat_map(|r| r.start()..=r.end())
                .take(2 * MAX_CLASS + 1);
            chars
                .map(|c| u8::try_from(c).ok().filter(u8::is_ascii))
                .collect::<Option<_>>()?
        }
    };
    let folded: Set = bytes.iter().map(|b| vec![b.to_ascii_lowercase()]).collect();
    (!folded.is_empty() && bytes.len() <= 2 * MAX_CLASS && folded.len() <= MAX_CLASS)
        .then_some(folded)
}

fn product(starts: &Set, ends: &Set) -> Set {
    let longer = |start: &Vec<u8>| {
        ends.iter()
            .map(|end| [&start[..], end].concat())
            .collect::<Vec<_>>()
    };
    starts.iter().flat_map(longer).collect()
}

fn merge(all: Option<Set>, more: Option<Set>) -> Option<Set> {
    let mut all = all?;
    all.extend(more?);
    (all.len() <= MAX_SET).then_some(all)
}

/// The set that says more: long texts, few of them. A text of one byte says nothing.
fn better(a: Option<Set>, b: Option<Set>) -> Option<Set> {
    let worth = |set: &Set| {
        let shortest = set.iter().map(Vec::len).min().unwrap_or(0);
        // Eight times as many texts are worth two bytes less.
        shortest as f64 - (set.len() as f64).log2() * 2.0 / 3.0
    };
    let usable = |set: &Set| set.iter().all(|text| text.len() > 1) && !set.is_empty();
    match (a.filter(usable), b.filter(usable)) {
        (Some(a), Some(b)) => Some(if worth(&a) >= worth(&b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::{build, literals};
    use crate::sigma::modifier::Modifier;

    #[track_caller]
    fn check(pattern: &str, want: &[&str]) {
        let got = literals(pattern, &[Modifier::IgnoreCase]);
        let want: Vec<Vec<u8>> = want.iter().map(|s| s.as_bytes().to_vec()).collect();
        assert_eq!(got.unwrap_or_default(), want, "{pattern}");
    }

    #[test]
    fn literals_that_a_match_must_have() {
        check(r"/(nc|socat)$", &["/nc", "/socat"]);
        check(
            r"\s--donate-level[= ]",
            &["--donate-level ", "--donate-level="],
        );
        check(r"(curl|wget)\s+http", &["http"]);
        check(r"^(\S*/)?homectl\s", &["homectl"]);
        check(r"a|bcd", &[]);
        check(r".*", &[]);
        check(r"(?:abc)+x?", &["abc"]);
        check(r"x{3}ab", &["ab"]);
        check(r"[a-z]+\d", &[]);
        check(r"\\x[0-9a-f]{2}", &["\\x"]);
    }

    #[test]
    fn what_there_is_not_is_an_error() {
        let check = |pattern: &str, want: &str| {
            let error = build(pattern, &[]).expect_err(pattern);
            assert!(error.contains(want), "{pattern}: {error}");
        };
        check("(?=a)", "look-around");
        check(r"(a)\1", "backreferences are not supported");
        check("(", "unclosed group");
        check("[é]", "Unicode");
        check(r"\p{L}", "Unicode");
        check("(a{1000}){1000}", "1 MiB");
        assert!(build("é+", &[]).is_ok());
    }
}
