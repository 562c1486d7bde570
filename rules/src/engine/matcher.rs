//! One comparison of a field with one value of a rule.
use std::{
    cmp::Ordering,
    io::Write as _,
    net::{IpAddr, Ipv6Addr},
};

use super::{
    bytes::{Case, find},
    date::Part,
    glob,
    number::{Number, Relation},
    regex::Expression,
};
use crate::{
    fields::FieldId,
    observation::{Observation, Value},
    sigma::text::Pattern,
};
use ipnet::IpNet;

/// Where a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
}

/// A comparison, ready to be made.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    /// Any text at all.
    Anything,
    /// One of these is the whole text; in the order of [`Case::order`].
    OneOf(Vec<Vec<u8>>, Case),
    Text(Vec<u8>, Place, Case),
    Wildcards(Pattern, Case),
    Regex(Box<Expression>),
    Net(IpNet),
    /// A number; where the field is a text, equality is that of the two texts.
    Number(Number, Relation, Vec<u8>),
    Bool(bool),
    /// There is no such field.
    Absent,
    /// There is one.
    Present,
    Field(FieldId, Place, Case),
    Date(Part, Number, Relation),
    /// What one value became.
    Any(Vec<Matcher>),
}

impl Matcher {
    /// Whether the field's value, or its absence, is what the rule asks for.
    pub(crate) fn holds(&self, value: Option<&Value>, event: &Observation) -> bool {
        match (self, value) {
            (Self::Any(parts), value) => parts.iter().any(|part| part.holds(value, event)),
            (Self::Absent, value) => value.is_none(),
            (_, None) => false,
            (Self::Present, Some(_)) => true,
            (Self::Field(other, place, case), Some(value)) => {
                let other = event.get(*other);
                other.is_some_and(|other| fields(value, other, *place, *case))
            }
            (_, Some(Value::Bytes(text))) => self.text(text),
            (_, Some(Value::List(texts))) => texts.iter().any(|text| self.text(text)),
            (_, Some(Value::Int(n))) => self.int(*n),
            (Self::Bool(wanted), Some(Value::Bool(b))) => b == wanted,
            (_, Some(Value::Bool(b))) => self.text(bool_text(*b)),
        }
    }

    /// Whether a text is what the rule asks for.
    pub(crate) fn text(&self, text: &[u8]) -> bool {
        match self {
            Self::Anything => true,
            Self::OneOf(texts, case) => texts
                .binary_search_by(|t| case.order(text, t).reverse())
                .is_ok(),
            Self::Text(wanted, place, case) => placed(text, wanted, *place, *case),
            Self::Wildcards(pattern, case) => glob::matches(pattern, text, *case),
            Self::Regex(expression) => expression.regex.is_match(text),
            Self::Net(net) => address(text).is_some_and(|a| within(net, a)),
            Self::Number(_, Relation::Equal, wanted) => text == wanted,
            Self::Number(wanted, relation, _) => {
                Number::parse(text).is_some_and(|n| relation.holds(n.order(*wanted)))
            }
            Self::Bool(wanted) => text.eq_ignore_ascii_case(bool_text(*wanted)),
            Self::Date(part, wanted, relation) => {
                let found = part.of_text(text);
                found.is_some_and(|n| relation.holds(Number::Int(n).order(*wanted)))
            }
            Self::Any(parts) => parts.iter().any(|part| part.text(text)),
            Self::Absent | Self::Present | Self::Field(..) => false,
        }
    }

    fn int(&self, n: i64) -> bool {
        match self {
            Self::Number(wanted, relation, _) => relation.holds(Number::Int(n).order(*wanted)),
            Self::Date(part, wanted, relation) => {
                let found = part.of_seconds(n);
                found.is_some_and(|n| relation.holds(Number::Int(n).order(*wanted)))
            }
            Self::Bool(_) => false,
            _ => self.text(decimal(n, &mut [0; 20])),
        }
    }
}

fn placed(text: &[u8], wanted: &[u8], place: Place, case: Case) -> bool {
    match place {
        Place::Whole => text.len() == wanted.len() && case.same(text, wanted),
        Place::Start => case.starts(text, wanted),
        Place::End => case.ends(text, wanted),
        Place::Anywhere => find(text, wanted, case).is_some(),
    }
}

/// Two fields: any text of the one with any of the other.
fn fields(value: &Value, other: &Value, place: Place, case: Case) -> bool {
    if let (Value::Int(a), Value::Int(b), Place::Whole) = (value, other, place) {
        return a == b;
    }
    let mut found = false;
    each_text(value, &mut |text| {
        each_text(other, &mut |wanted| {
            // The wanted side of `Case` is in small letters; a field's is not.
            found |= match case {
                Case::Kept => placed(text, wanted, place, case),
                Case::Ignored => loosely(text, wanted, place),
            };
        });
    });
    found
}

fn loosely(text: &[u8], wanted: &[u8], place: Place) -> bool {
    let Some(last) = text.len().checked_sub(wanted.len()) else {
        return false;
    };
    let at = |from: usize| text[from..from + wanted.len()].eq_ignore_ascii_case(wanted);
    match place {
        Place::Whole => last == 0 && at(0),
        Place::Start => at(0),
        Place::End => at(last),
        Place::Anywhere => (0..=last).any(at),
    }
}

/// The texts of a value: those of a list, else its one.
pub(crate) fn each_text(value: &Value, see: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Bytes(text) => see(text),
        Value::List(texts) => texts.iter().for_each(|text| see(text)),
        Value::Int(n) => see(decimal(*n, &mut [0; 20])),
        Value::Bool(b) => see(bool_text(*b)),
    }
}

/// A number's digits; twenty bytes hold every i64.
pub(crate) fn decimal(n: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = &mut buffer[..];
    // PANIC: no, and no error: twenty bytes hold the sign and the nineteen digits of any i64.
    let written = match write!(rest, "{n}") {
        Ok(()) => 20 - rest.len(),
        Err(_) => 0,
    };
    &buffer[..written]
}

pub(crate) fn bool_text(b: bool) -> &'static [u8] {
    if b { b"true" } else { b"false" }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An IPv4 address that is written as an IPv6 one (`::ffff:10.0.0.1`) is in the IPv4 network, too.
fn within(net: &IpNet, address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    net.contains(&address) || mapped.is_some_and(|v4| net.contains(&v4))
}

/// Reads `10.0.0.0/8`, `fe80::/10`, or one address.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let net: IpNet = text
        .parse()
        .map_err(|_| format!("{text} is no network, like 10.0.0.0/8"))?;
    if net.trunc() != net {
        return Err(format!(
            "{text} has bits set behind its prefix; is {} meant?",
            net.trunc()
        ));
    }
    Ok(mapped_network(net))
}

/// `::ffff:10.0.0.0/104` is 10.0.0.0/8.
fn mapped_network(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else {
        return net;
    };
    let v4 = Ipv6Addr::to_ipv4_mapped(&v6.addr());
    match (v4, v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix)) => ipnet::Ipv4Net::new(v4, prefix).map_or(net, IpNet::V4),
        _ => net,
    }
}

/// Sorts texts for [`Matcher::OneOf`].
pub(crate) fn sorted(mut texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    texts.sort_by(|a, b| -> Ordering { a.cmp(b) });
    texts.dedup();
    texts
}
