//! The `condition` of a correlation: comparisons, and the fields that they are about.
use super::{
    keys::{Word, known_keys, words},
    measure::{Bound, Op, Threshold},
    spec::{Kind, When},
};
use crate::sigma::{
    scalar::Scalar,
    yaml::{Entry, Kind as NodeKind, Node, Problem},
};

/// Events, and values, that one group may have to keep.
pub(crate) const MAX_EVENTS: usize = 65_536;
pub(crate) const MAX_VALUES: usize = 4096;
/// When it fires, the fields of the condition, and the percentile that is asked for.
type Condition = (When, Vec<Word>, Option<u8>);

pub(super) fn condition(
    block: &Node,
    line: usize,
    kind: Kind,
    rules: usize,
) -> Result<Condition, Problem> {
    let Some(entry) = block.entry("condition") else {
        if kind.is_temporal() {
            return Ok((When::All, Vec::new(), None));
        }
        let problem = format!("a {} needs a condition", kind.name());
        return Err(Problem::new(line, problem));
    };
    if let Some(text) = entry.value.str() {
        if kind != Kind::Temporal {
            let problem = "only a temporal correlation takes a condition over rules";
            return Err(Problem::new(entry.line, problem));
        }
        let text = text.to_owned();
        let line = entry.value.line;
        return Ok((When::Rules(Word { text, line }), Vec::new(), None));
    }
    let node = &entry.value;
    known_keys(
        node,
        &["gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"],
        "condition.",
    )?;
    let fields = words(node, "field")?;
    check_fields(entry, kind, &fields)?;
    let threshold = threshold(entry, kind, rules)?;
    let percentile = percentile(node, kind)?;
    Ok((When::Threshold(threshold), fields, percentile))
}

fn check_fields(entry: &Entry, kind: Kind, fields: &[Word]) -> Result<(), Problem> {
    let name = kind.name();
    let problem = match (kind.wants_field(), fields.len()) {
        (true, 0) => format!("a {name} needs a field in its condition"),
        (false, 1..) => format!("a {name} takes no field in its condition"),
        (true, 2..) if kind != Kind::ValueCount => format!("a {name} takes one field"),
        _ => return Ok(()),
    };
    Err(Problem::new(entry.line, problem))
}

fn threshold(entry: &Entry, kind: Kind, rules: usize) -> Result<Threshold, Problem> {
    let mut parts = Vec::new();
    for (name, op) in Op::NAMES {
        let Some(part) = entry.value.entry(name) else {
            continue;
        };
        let bound = match part.value.kind {
            NodeKind::Scalar(Scalar::Int(n), _) if n >= 0 || !kind.counts() => Bound::Whole(n),
            NodeKind::Scalar(Scalar::Float(x), _) if !kind.counts() => Bound::Real(x),
            _ => {
                let what = if kind.counts() {
                    "a whole number"
                } else {
                    "a number"
                };
                let problem = format!("condition.{name} is {what}, 0 or more for counts");
                return Err(Problem::new(part.line, problem));
            }
        };
        parts.push((op, bound));
    }
    if parts.is_empty() {
        let problem = "the condition compares with nothing: gt, gte, lt, lte, eq or neq";
        return Err(Problem::new(entry.line, problem));
    }
    let threshold = Threshold(parts);
    let reach = if kind.is_temporal() {
        rules
    } else {
        usize::MAX
    };
    if kind.counts() && !threshold.can_hold(reach) {
        let problem = match kind.is_temporal() {
            true => format!("the condition can never hold: there are {rules} rules"),
            false => "the condition can never hold".to_owned(),
        };
        return Err(Problem::new(entry.line, problem));
    }
    let most = match kind {
        Kind::EventCount => MAX_EVENTS,
        Kind::ValueCount => MAX_VALUES,
        _ => usize::MAX,
    };
    if kind.counts() && threshold.count_needed() > most {
        let problem = format!("a {} counts to {} at most", kind.name(), most - 1);
        return Err(Problem::new(entry.line, problem));
    }
    Ok(threshold)
}

fn percentile(node: &Node, kind: Kind) -> Result<Option<u8>, Problem> {
    let Some(entry) = node.entry("percentile") else {
        return Ok(None);
    };
    if kind != Kind::ValuePercentile {
        let problem = format!("a {} takes no percentile", kind.name());
        return Err(Problem::new(entry.line, problem));
    }
    match entry.value.kind {
        NodeKind::Scalar(Scalar::Int(n @ 0..=100), _) => Ok(u8::try_from(n).ok()),
        _ => Err(Problem::new(
            entry.line,
            "percentile is a whole number from 0 to 100",
        )),
    }
}
