//! The condition of a rule: `selection and not 1 of filter_*`.
//!
//! Sigma specification, "Condition". Operators from weakest to strongest: or, and, not, `x of`,
//! brackets.
use super::detection::Selection;

/// Brackets and `not`s within each other.
const MAX_DEPTH: usize = 64;
const MAX_BYTES: usize = 64 * 1024;

/// A condition over a rule's selections, which are named by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Selection(usize),
    /// At least `count` of the selections.
    Of {
        count: usize,
        members: Vec<usize>,
    },
}

/// Reads a condition; an error says what is wrong with it.
pub(crate) fn parse(text: &str, selections: &[Selection]) -> Result<Expr, String> {
    if text.len() > MAX_BYTES {
        return Err("it is longer than 64 KiB".to_owned());
    }
    let mut reader = Reader {
        words: words(text)?,
        next: 0,
        selections,
    };
    let expr = reader.any(0)?;
    match reader.take() {
        None => Ok(expr),
        Some(")") => Err("a closing bracket without an opening one".to_owned()),
        Some("|") => Err(AGGREGATION.to_owned()),
        Some(word) => Err(format!("expected and, or or the end, found {word}")),
    }
}

const AGGREGATION: &str =
    "aggregation after | belongs to Sigma 1; write a correlation rule instead";

/// Names, brackets and bars.
fn words(text: &str) -> Result<Vec<&str>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '|' => 1,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => return Err(format!("{c:?} has no meaning in a condition")),
        };
        words.push(&rest[..length]);
        if first == '|' {
            // Whatever follows, what is wrong is this.
            break;
        }
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '.')
}

fn is_reserved(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "of" | "them" | "(" | ")" | "|")
}

struct Reader<'a> {
    words: Vec<&'a str>,
    next: usize,
    selections: &'a [Selection],
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self) -> Option<&'a str> {
        let word = self.peek();
        self.next += 1;
        word
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = vec![self.all(depth)?];
        while self.eat("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts, Expr::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = vec![self.one(depth)?];
        while self.eat("and") {
            parts.push(self.one(depth)?);
        }
        Ok(single(parts, Expr::All))
    }

    fn one(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > MAX_DEPTH {
            return Err("it is nested more than 64 deep".to_owned());
        }
        if self.eat("not") {
            return Ok(Expr::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.eat("(") {
            let inner = self.any(depth + 1)?;
            return match self.eat(")") {
                true => Ok(inner),
                false => Err("a bracket is not closed".to_owned()),
            };
        }
        let word = self.take();
        let word = word.ok_or("expected a selection, found the end")?;
        if self.eat("of") {
            return self.of(word);
        }
        if is_reserved(word) {
            return Err(format!("expected a selection, found {word}"));
        }
        let found = self.selections.iter().position(|s| s.name == word);
        found
            .map(Expr::Selection)
            .ok_or_else(|| format!("no selection {word}"))
    }

    /// After `1 of`.
    fn of(&mut self, quantifier: &str) -> Result<Expr, String> {
        let pattern = self.take().filter(|w| *w == "them" || !is_reserved(w));
        let pattern = pattern.ok_or("expected them or a pattern of selections after of")?;
        let chosen = |name: &str| match pattern {
            // "excluded by convention"
            "them" => !name.starts_with('_'),
            pattern => matches(pattern.as_bytes(), name.as_bytes()),
        };
        let names = self.selections.iter().enumerate();
        let members: Vec<usize> = names
            .filter(|(_, s)| chosen(&s.name))
            .map(|(i, _)| i)
            .collect();
        if members.is_empty() {
            return Err(format!("no selection is one of {pattern}"));
        }
        let count = match quantifier {
            "all" => members.len(),
            "any" => 1,
            number => number
                .parse()
                .map_err(|_| format!("{number} of: expected a number, any or all before of"))?,
        };
        if count == 0 || count > members.len() {
            let have = members.len();
            return Err(format!(
                "{count} of {pattern}: there are {have}, so it says nothing"
            ));
        }
        Ok(Expr::Of { count, members })
    }
}

fn single(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// "Matching is done with * wildcards (any number of characters) at arbitrary positions".
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when a later part does not fit: after the last star, one character further.
    let mut retry = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, n + 1));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after, from)) = retry {
            (p, n) = (after, from);
            retry = Some((after, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}
