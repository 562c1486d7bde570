//! Comparing bytes with and without regard to case.
//!
//! Sigma compares without regard to case. Letters of ASCII are folded here; a letter outside ASCII
//! becomes a class of its forms when a rule is compiled (`Piece::Class`).
use std::cmp::Ordering;

use memchr::{memchr2_iter, memmem};

/// Whether capital and small letters of ASCII are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Case {
    /// What it is compared with is in small letters.
    Ignored,
    Kept,
}

impl Case {
    /// Whether two texts of the same length are the same.
    pub(crate) fn same(self, text: &[u8], wanted: &[u8]) -> bool {
        match self {
            Self::Ignored => text.eq_ignore_ascii_case(wanted),
            Self::Kept => text == wanted,
        }
    }

    /// The order of a text among wanted ones.
    pub(crate) fn order(self, text: &[u8], wanted: &[u8]) -> Ordering {
        match self {
            Self::Ignored => text
                .iter()
                .map(u8::to_ascii_lowercase)
                .cmp(wanted.iter().copied()),
            Self::Kept => text.cmp(wanted),
        }
    }

    /// A wanted text as it is compared.
    pub(crate) fn fold(self, mut wanted: Vec<u8>) -> Vec<u8> {
        if self == Self::Ignored {
            wanted.make_ascii_lowercase();
        }
        wanted
    }

    pub(crate) fn starts(self, text: &[u8], wanted: &[u8]) -> bool {
        text.get(..wanted.len())
            .is_some_and(|start| self.same(start, wanted))
    }

    pub(crate) fn ends(self, text: &[u8], wanted: &[u8]) -> bool {
        let from = text.len().checked_sub(wanted.len());
        from.is_some_and(|from| self.same(&text[from..], wanted))
    }
}

/// Where `wanted` is first found.
pub(crate) fn find(text: &[u8], wanted: &[u8], case: Case) -> Option<usize> {
    let Some(&first) = wanted.first() else {
        return Some(0);
    };
    if case == Case::Kept {
        return memmem::find(text, wanted);
    }
    let last = text.len().checked_sub(wanted.len())?;
    let starts = memchr2_iter(first, first.to_ascii_uppercase(), &text[..=last]);
    let mut fitting = starts.filter(|at| case.starts(&text[*at..], wanted));
    fitting.next()
}
