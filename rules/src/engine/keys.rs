//! What a rule cannot match without: the keys by which the index finds it.
//!
//! Of everything that a rule demands, the one thing is chosen that harmless events have most seldom.
//! Keys ignore case and, where a rule asks for a pattern, are a part of it: an event that has one may
//! match, an event that has none cannot.
use super::{
    compile::Test,
    matcher::{Matcher, Place, bool_text},
    number::{Number, Relation},
    program::{Program, Tests},
};
use crate::{
    fields::{FieldId, Kind},
    sigma::{condition::Expr, text::Piece},
};

/// A text, in small letters, that a field must have somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// None: any field.
    pub(crate) field: Option<FieldId>,
    pub(crate) text: Vec<u8>,
    pub(crate) place: Anchor,
}

/// Where in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Anchor {
    /// It is the whole.
    Whole,
    /// It is the last `/` and what follows.
    LastComponent,
    Start,
    End,
    Anywhere,
}

/// Some keys, one of which must be there, and how often harmless events have one.
struct Choice {
    cost: f64,
    keys: Vec<Key>,
}

/// Keys of one choice; with more of them the rule is tried on every event.
const MAX_KEYS: usize = 4096;

/// The keys of a rule; none: it has to be tried on every event.
pub(crate) fn of(program: &Program, tests: &Tests) -> Option<Vec<Key>> {
    let chooser = Chooser { program, tests };
    let conditions = program.conditions().iter().map(|c| chooser.expr(&c.expr));
    either(conditions).map(|choice| choice.keys)
}

struct Chooser<'a> {
    program: &'a Program,
    tests: &'a Tests,
}

impl Chooser<'_> {
    fn expr(&self, expr: &Expr) -> Option<Choice> {
        match expr {
            Expr::All(parts) => best(parts.iter().map(|p| self.expr(p))),
            Expr::Any(parts) => either(parts.iter().map(|p| self.expr(p))),
            Expr::Not(_) => None,
            Expr::Selection(index) => self.selection(*index),
            Expr::Of { count, members } => {
                // Of `n`, `count` hold: of any `n - count + 1`, one does. The cheapest are asked.
                let mut known: Vec<Choice> =
                    members.iter().filter_map(|m| self.selection(*m)).collect();
                let needed = members.len() - count + 1;
                known.sort_by(|a, b| a.cost.total_cmp(&b.cost));
                known.truncate(needed);
                (known.len() == needed).then(|| either(known.into_iter().map(Some)))?
            }
        }
    }

    fn selection(&self, index: usize) -> Option<Choice> {
        let alternatives = self.program.alternatives(index).iter();
        either(alternatives.map(|items| best(items.iter().map(|id| test(self.tests.get(*id))))))
    }
}

/// One of them holds: the keys of all.
fn either(parts: impl Iterator<Item = Option<Choice>>) -> Option<Choice> {
    let mut all = Choice {
        cost: 0.0,
        keys: Vec::new(),
    };
    for part in parts {
        let part = part?;
        all.cost += part.cost;
        all.keys.extend(part.keys);
    }
    (!all.keys.is_empty() && all.keys.len() <= MAX_KEYS).then_some(all)
}

/// All of them hold: the keys of one.
fn best(parts: impl Iterator<Item = Option<Choice>>) -> Option<Choice> {
    parts.flatten().min_by(|a, b| a.cost.total_cmp(&b.cost))
}

fn test(test: &Test) -> Option<Choice> {
    if test.negated {
        return None;
    }
    let choices = test.matchers.iter().map(|m| matcher(test.field, m));
    if test.all {
        best(choices)
    } else {
        either(choices)
    }
}

fn matcher(field: Option<FieldId>, matcher: &Matcher) -> Option<Choice> {
    match matcher {
        Matcher::OneOf(texts, _) => {
            either(texts.iter().map(|text| choice(field, text, Place::Whole)))
        }
        Matcher::Text(text, place, _) => choice(field, text, *place),
        Matcher::Wildcards(pattern, _) => {
            let literals = pattern.iter().filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text),
                _ => None,
            });
            choice(
                field,
                literals.max_by_key(|text| text.len())?,
                Place::Anywhere,
            )
        }
        Matcher::Regex(expression) => {
            let literals = expression.literals.as_ref()?.iter();
            either(literals.map(|text| choice(field, text, Place::Anywhere)))
        }
        Matcher::Number(number, Relation::Equal, text) => {
            let as_written = choice(field, text, Place::Whole);
            let same = whole_number(*number).filter(|same| same != text);
            let same = same.map(|same| choice(field, &same, Place::Whole));
            either(std::iter::once(as_written).chain(same))
        }
        Matcher::Bool(b) => choice(field, bool_text(*b), Place::Whole),
        Matcher::Any(parts) => either(parts.iter().map(|part| self::matcher(field, part))),
        Matcher::Anything
        | Matcher::Net(_)
        | Matcher::Number(..)
        | Matcher::Absent
        | Matcher::Present
        | Matcher::Field(..)
        | Matcher::Date(..) => None,
    }
}

/// The text of the integer that equals the number.
fn whole_number(number: Number) -> Option<Vec<u8>> {
    match number {
        Number::Int(n) => Some(n.to_string().into_bytes()),
        // A float that is an i64 prints as one, without a fraction.
        Number::Float(n) if n.fract() == 0.0 => Some(format!("{n:.0}").into_bytes()),
        Number::Float(_) => None,
    }
}

fn choice(field: Option<FieldId>, text: &[u8], place: Place) -> Option<Choice> {
    let place = match place {
        Place::Whole => Anchor::Whole,
        Place::End if is_component(text) => Anchor::LastComponent,
        // An empty text is in every one.
        _ if text.is_empty() => return None,
        Place::Start => Anchor::Start,
        Place::End => Anchor::End,
        Place::Anywhere => Anchor::Anywhere,
    };
    let text = text.to_ascii_lowercase();
    let cost = cost(field, &text, place);
    let keys = vec![Key { field, text, place }];
    Some(Choice { cost, keys })
}

/// `/curl`: the last component of a path, if any ends so.
fn is_component(text: &[u8]) -> bool {
    text.first() == Some(&b'/') && !text[1..].contains(&b'/')
}

/// Where most programs and files are.
const COMMON_STARTS: [&[u8]; 12] = [
    b"/",
    b"/usr",
    b"/usr/",
    b"/usr/bin",
    b"/usr/bin/",
    b"/usr/sbin/",
    b"/usr/lib/",
    b"/bin/",
    b"/etc/",
    b"/var/",
    b"/home/",
    b"/tmp/",
];
/// What starts most others.
const COMMON_PROGRAMS: [&[u8]; 6] = [
    b"/sh",
    b"/bash",
    b"/dash",
    b"/systemd",
    b"/sudo",
    b"/python3",
];

/// About how often a harmless event has the key. Only the order of these matters.
fn cost(field: Option<FieldId>, text: &[u8], place: Anchor) -> f64 {
    match field.map(|id| id.field().kind) {
        Some(Kind::Bool) => return 0.5,
        Some(Kind::Int) => return 0.05,
        _ => {}
    }
    let length = text.len().min(24) as i32;
    let seldom = 0.7_f64.powi(length);
    match place {
        Anchor::Whole | Anchor::LastComponent if COMMON_PROGRAMS.contains(&text) => 0.1,
        Anchor::Whole | Anchor::LastComponent => 0.001,
        Anchor::Start if COMMON_STARTS.contains(&text) => 0.4,
        Anchor::Start | Anchor::End => 0.2 * seldom + 0.001,
        Anchor::Anywhere => seldom + 0.001,
    }
}
