//! From an item of a rule to the test that is made of an event.
use super::{
    bytes::Case,
    date::Part,
    encode::{encode, fold_letters},
    matcher::{Matcher, Place, network, sorted},
    number::{Number, Relation},
    regex::Expression,
};
use crate::{
    fields::FieldId,
    sigma::{
        detection::{Item, Literal},
        modifier::Modifier,
        scalar::Scalar,
        text::{Pattern, Piece, pattern, push},
        yaml::Problem,
    },
};

/// What an item asks of an event.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    /// None: any field will do (keywords).
    pub(crate) field: Option<FieldId>,
    /// All of the matchers, not one of them.
    pub(crate) all: bool,
    /// The field is there, and none of the matchers holds (`|neq`).
    pub(crate) negated: bool,
    pub(crate) matchers: Vec<Matcher>,
}

/// Compiles an item whose placeholders are gone.
pub(crate) fn test(item: &Item) -> Result<Test, Problem> {
    let field = match &item.field {
        Some(name) => {
            let id = FieldId::find(name);
            let unknown = || Problem::new(item.line, format!("unknown field {name}"));
            Some(id.ok_or_else(unknown)?)
        }
        None => None,
    };
    let mut matchers = Vec::new();
    let mut whole = Vec::new();
    let case = case(item);
    for literal in &item.values {
        let made = matcher(item, literal, &mut whole);
        let bad = |problem| Problem::new(literal.line, problem);
        let mut made = made.map_err(bad)?;
        if item.has(Modifier::All) {
            made.extend(
                whole
                    .drain(..)
                    .map(|text| Matcher::Text(text, Place::Whole, case)),
            );
            made = vec![Matcher::Any(made)];
        }
        matchers.extend(made);
    }
    if !whole.is_empty() {
        matchers.insert(0, Matcher::OneOf(sorted(whole), case));
    }
    Ok(Test {
        field,
        all: item.has(Modifier::All),
        negated: item.has(Modifier::Neq),
        matchers,
    })
}

/// Two items with the same key make the same test.
pub(crate) fn key(item: &Item) -> String {
    let mut modifiers: Vec<&str> = item.modifiers.iter().map(|m| m.name()).collect();
    // Their order matters to encodings alone, and those keep it among themselves.
    modifiers.retain(|name| *name != "expand");
    let values = item
        .values
        .iter()
        .map(|l| format!("{:?}\u{1}{}", l.value, l.text));
    let values: Vec<String> = values.collect();
    let field = item.field.as_deref().unwrap_or_default();
    format!(
        "{field}\u{0}{}\u{0}{}",
        modifiers.join("|"),
        values.join("\u{0}")
    )
}

fn case(item: &Item) -> Case {
    match item.has(Modifier::Cased) {
        true => Case::Kept,
        false => Case::Ignored,
    }
}

/// The matchers of one value; whole texts are put aside, since many of them are found at once.
fn matcher(
    item: &Item,
    literal: &Literal,
    whole: &mut Vec<Vec<u8>>,
) -> Result<Vec<Matcher>, String> {
    if item.has(Modifier::Exists) {
        return exists(item, literal);
    }
    if literal.value == Scalar::Null {
        return match item.modifiers.iter().find(|m| **m != Modifier::All) {
            Some(m) => Err(format!("null cannot be compared by |{}", m.name())),
            None => Ok(vec![Matcher::Absent]),
        };
    }
    if item.has(Modifier::FieldRef) {
        return field_reference(item, literal);
    }
    if item.has(Modifier::Re) {
        let expression = Expression::new(text(literal)?, &item.modifiers)?;
        return Ok(vec![Matcher::Regex(Box::new(expression))]);
    }
    if item.has(Modifier::Cidr) {
        return Ok(vec![Matcher::Net(network(text(literal)?)?)]);
    }
    let relation = item.modifiers.iter().find_map(|m| Relation::of(*m));
    if let Some(part) = item.modifiers.iter().find_map(|m| Part::of(*m)) {
        let number = number(literal)?;
        return Ok(vec![Matcher::Date(
            part,
            number,
            relation.unwrap_or(Relation::Equal),
        )]);
    }
    if let Some(relation) = relation {
        return Ok(vec![Matcher::Number(
            number(literal)?,
            relation,
            Vec::new(),
        )]);
    }
    let compared_as_text = item.field.is_none()
        || item
            .modifiers
            .iter()
            .any(|m| !matches!(m, Modifier::Neq | Modifier::All | Modifier::Cased));
    match (literal.value, compared_as_text) {
        (Scalar::Bool(b), false) => Ok(vec![Matcher::Bool(b)]),
        (Scalar::Bool(_), true) => Err(format!(
            "{} is a boolean; quote it if it is text",
            literal.text
        )),
        (Scalar::Int(_) | Scalar::Float(_), false) => {
            let text = literal.text.clone().into_bytes();
            Ok(vec![Matcher::Number(
                number(literal)?,
                Relation::Equal,
                text,
            )])
        }
        (value, _) => {
            let pattern = match value {
                Scalar::Text => pattern(&literal.text),
                // A number has no wildcards.
                _ => vec![Piece::Literal(literal.text.clone().into_bytes())],
            };
            texts(item, pattern, whole)
        }
    }
}

fn exists(item: &Item, literal: &Literal) -> Result<Vec<Matcher>, String> {
    match (literal.value, item.values.len()) {
        (Scalar::Bool(true), 1) => Ok(vec![Matcher::Present]),
        (Scalar::Bool(false), 1) => Ok(vec![Matcher::Absent]),
        _ => Err("|exists takes true or false".to_owned()),
    }
}

fn field_reference(item: &Item, literal: &Literal) -> Result<Vec<Matcher>, String> {
    let name = text(literal)?;
    let other = FieldId::find(name).ok_or_else(|| format!("unknown field {name}"))?;
    Ok(vec![Matcher::Field(other, place(item), case(item))])
}

fn text(literal: &Literal) -> Result<&str, String> {
    match literal.value {
        Scalar::Text => Ok(&literal.text),
        _ => Err(format!("{} is not a string; quote it", literal.text)),
    }
}

fn number(literal: &Literal) -> Result<Number, String> {
    let not_one = || {
        format!(
            "{} is not a number, as the modifier needs one",
            literal.text
        )
    };
    Number::of(literal.value).ok_or_else(not_one)
}

fn place(item: &Item) -> Place {
    if item.has(Modifier::Contains) || item.field.is_none() {
        Place::Anywhere
    } else if item.has(Modifier::StartsWith) {
        Place::Start
    } else if item.has(Modifier::EndsWith) {
        Place::End
    } else {
        Place::Whole
    }
}

fn texts(item: &Item, pattern: Pattern, whole: &mut Vec<Vec<u8>>) -> Result<Vec<Matcher>, String> {
    let case = case(item);
    let mut matchers = Vec::new();
    for pattern in encode(pattern, &item.modifiers)? {
        let pattern = match case {
            Case::Ignored => fold_letters(pattern),
            Case::Kept => pattern,
        };
        match classify(anchored(pattern, place(item)), case) {
            Matcher::Text(text, Place::Whole, _) => whole.push(text),
            matcher => matchers.push(matcher),
        }
    }
    Ok(matchers)
}

/// "Puts `*` wildcards around the values", or on one side.
fn anchored(pattern: Pattern, place: Place) -> Pattern {
    let mut new = Pattern::new();
    if matches!(place, Place::Anywhere | Place::End) {
        push(&mut new, Piece::Many);
    }
    pattern.into_iter().for_each(|piece| push(&mut new, piece));
    if matches!(place, Place::Anywhere | Place::Start) {
        push(&mut new, Piece::Many);
    }
    new
}

/// The cheapest way to look for a pattern.
fn classify(pattern: Pattern, case: Case) -> Matcher {
    use Piece::{Literal, Many};
    let fold = |text: &Vec<u8>| case.fold(text.clone());
    match &pattern[..] {
        [] => Matcher::Text(Vec::new(), Place::Whole, case),
        [Many] => Matcher::Anything,
        [Literal(text)] => Matcher::Text(fold(text), Place::Whole, case),
        [Literal(text), Many] => Matcher::Text(fold(text), Place::Start, case),
        [Many, Literal(text)] => Matcher::Text(fold(text), Place::End, case),
        [Many, Literal(text), Many] => Matcher::Text(fold(text), Place::Anywhere, case),
        _ => {
            let fold = |piece| match piece {
                Literal(text) => Literal(case.fold(text)),
                other => other,
            };
            Matcher::Wildcards(pattern.into_iter().map(fold).collect(), case)
        }
    }
}
