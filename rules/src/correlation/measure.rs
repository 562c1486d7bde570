//! What a correlation's condition compares: a whole number or a quotient of two, exactly.
use std::{cmp::Ordering, fmt};

/// A count, a sum, a mean: `num / den`, with `den` above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    num: i128,
    den: i128,
}

impl Measure {
    pub(crate) fn whole(n: impl Into<i128>) -> Self {
        Self {
            num: n.into(),
            den: 1,
        }
    }

    /// A count of things.
    pub(crate) fn count(n: usize) -> Self {
        Self::whole(i128::try_from(n).unwrap_or(i128::MAX))
    }

    /// `num / den`; none when there is nothing to divide by.
    pub(crate) fn quotient(num: i128, den: usize) -> Option<Self> {
        let den = i128::try_from(den).ok().filter(|den| *den > 0)?;
        Some(Self { num, den })
    }

    fn compare(self, bound: Bound) -> Option<Ordering> {
        match bound {
            // No sum of windows comes near what overflows here.
            Bound::Whole(n) => Some(self.num.cmp(&i128::from(n).saturating_mul(self.den))),
            Bound::Real(x) => (self.num as f64 / self.den as f64).partial_cmp(&x),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.num % self.den == 0 {
            return write!(f, "{}", self.num / self.den);
        }
        write!(f, "{:.2}", self.num as f64 / self.den as f64)
    }
}

/// What it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    Whole(i64),
    Real(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Gt,
    Gte,
    Lt,
    Lte,
    Eq,
    Neq,
}

impl Op {
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("eq", Self::Eq),
        ("neq", Self::Neq),
    ];

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Gt => order.is_gt(),
            Self::Gte => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Lte => order.is_le(),
            Self::Eq => order.is_eq(),
            Self::Neq => order.is_ne(),
        }
    }
}

/// Comparisons that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Threshold(pub(crate) Vec<(Op, Bound)>);

impl Threshold {
    /// At least that many.
    pub(crate) fn at_least(n: usize) -> Self {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        Self(vec![(Op::Gte, Bound::Whole(n))])
    }

    pub(crate) fn holds(&self, measure: Measure) -> bool {
        let holds =
            |(op, bound): &(Op, Bound)| measure.compare(*bound).is_some_and(|o| op.holds(o));
        self.0.iter().all(holds)
    }

    /// For counts: above this all are alike, so no more things than this need to be kept.
    pub(crate) fn count_needed(&self) -> usize {
        let most = self.0.iter().map(|(_, bound)| match bound {
            Bound::Whole(n) => usize::try_from(*n).unwrap_or(0),
            Bound::Real(_) => 0,
        });
        most.max().unwrap_or(0).saturating_add(1)
    }

    /// For counts: whether any from 1 to `most` passes. Between bounds all counts are alike, so those
    /// beside the bounds are enough.
    pub(crate) fn can_hold(&self, most: usize) -> bool {
        let beside = self.0.iter().flat_map(|(_, bound)| {
            let Bound::Whole(n) = bound else {
                return [1, 1, 1];
            };
            [n.saturating_sub(1), *n, n.saturating_add(1)]
        });
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut counts = beside.chain([1, most]).filter(|n| (1..=most).contains(n));
        counts.any(|n| self.holds(Measure::whole(n)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(parts: &[(Op, i64)]) -> Threshold {
        Threshold(
            parts
                .iter()
                .map(|(op, n)| (*op, Bound::Whole(*n)))
                .collect(),
        )
    }

    #[test]
    fn comparisons_are_exact() {
        let third = Measure::quotient(1, 3).expect("not by 0");
        assert!(!threshold(&[(Op::Eq, 0)]).holds(third));
        assert!(threshold(&[(Op::Gt, 0), (Op::Lt, 1), (Op::Neq, 1)]).holds(third));
        assert!(Threshold(vec![(Op::Gt, Bound::Real(0.33))]).holds(third));
        assert!(!Threshold(vec![(Op::Gt, Bound::Real(0.34))]).holds(third));
        let huge = Measure::whole(i64::MAX);
        assert!(threshold(&[(Op::Gte, i64::MAX)]).holds(huge));
        assert!(!threshold(&[(Op::Gt, i64::MAX)]).holds(huge));
        assert_eq!(Measure::quotient(7, 0), None);
        let texts = [third, Measure::whole(7)].map(|m| m.to_string());
        assert_eq!(texts, ["0.33", "7"]);
    }

    #[test]
    fn conditions_that_can_never_hold_are_known() {
        assert!(threshold(&[(Op::Gt, 100), (Op::Lte, 200)]).can_hold(usize::MAX));
        assert!(!threshold(&[(Op::Gt, 5), (Op::Lt, 6)]).can_hold(usize::MAX));
        assert!(!threshold(&[(Op::Lt, 1)]).can_hold(usize::MAX));
        assert!(threshold(&[(Op::Neq, 1)]).can_hold(usize::MAX));
        assert!(!threshold(&[(Op::Neq, 1)]).can_hold(1));
        assert!(!threshold(&[(Op::Gte, 4)]).can_hold(3));
        assert_eq!(
            threshold(&[(Op::Gt, 100), (Op::Lte, 200)]).count_needed(),
            201
        );
    }
}
