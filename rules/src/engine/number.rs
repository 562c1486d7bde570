//! Numbers of rules against numbers of events.
use std::cmp::Ordering;

use crate::sigma::{modifier::Modifier, scalar::Scalar};

/// A number that a rule names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    /// Finite.
    Float(f64),
}

/// How it is compared with the field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(crate) fn of(modifier: Modifier) -> Option<Self> {
        Some(match modifier {
            Modifier::Lt => Self::Less,
            Modifier::Lte => Self::LessOrEqual,
            Modifier::Gt => Self::Greater,
            Modifier::Gte => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it holds when the field's number stands so to the rule's.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Number {
    pub(crate) fn of(value: Scalar) -> Option<Self> {
        match value {
            Scalar::Int(n) => Some(Self::Int(n)),
            Scalar::Float(n) => Some(Self::Float(n)),
            _ => None,
        }
    }

    /// Reads a field's text; other bases than ten are not numbers here.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Ok(n) = text.parse() {
            return Some(Self::Int(n));
        }
        let digits = text.bytes().any(|b| b.is_ascii_digit());
        let n = text
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite() && digits)?;
        Some(Self::Float(n))
    }

    /// The order of two numbers, exactly: no integer is rounded to be compared.
    pub(crate) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Float(b)) => order(a, b),
            (Self::Float(a), Self::Int(b)) => order(b, a).reverse(),
        }
    }
}

fn order(int: i64, float: f64) -> Ordering {
    // 2^63 is the first float above every i64; -2^63 is one.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float >= LIMIT {
        return Ordering::Less;
    }
    if float < -LIMIT {
        return Ordering::Greater;
    }
    // Within the limits, so exact.
    let whole = float.trunc();
    let fraction = float - whole;
    int.cmp(&(whole as i64))
        .then_with(|| 0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::Number::{self, Float, Int};

    #[test]
    fn integers_and_floats_are_ordered_exactly() {
        let check = |a: Number, b: Number, want| assert_eq!(a.order(b), want, "{a:?} {b:?}");
        check(Int(1), Float(1.0), Equal);
        check(Int(1), Float(1.5), Less);
        check(Int(-1), Float(-1.5), Greater);
        check(Float(1.5), Int(1), Greater);
        check(Int(i64::MAX), Float(9_223_372_036_854_775_808.0), Less);
        check(Int(i64::MIN), Float(-9_223_372_036_854_775_808.0), Equal);
        check(
            Int(9_007_199_254_740_993),
            Float(9_007_199_254_740_992.0),
            Greater,
        );
    }

    #[test]
    fn only_decimal_text_is_a_number() {
        assert_eq!(Number::parse(b"-13"), Some(Int(-13)));
        assert_eq!(Number::parse(b"1.5"), Some(Float(1.5)));
        for text in [&b""[..], b"0x10", b"inf", b"NaN", b" 1", b"1\xff"] {
            assert_eq!(Number::parse(text), None);
        }
    }
}
