//! Patterns with wildcards, against bytes.
//!
//! A character is a UTF-8 sequence, or a single byte where the text is not UTF-8, so that no text can
//! evade a `?`.
use super::bytes::{Case, find};
use crate::sigma::text::Piece;

/// Whether the whole text fits the pattern. Literals of a pattern that ignores case are in small
/// letters. Time is bounded by the product of the two lengths: only the last `*` is ever retried.
pub(crate) fn matches(pattern: &[Piece], text: &[u8], case: Case) -> bool {
    let (mut p, mut t) = (0, 0);
    // After the last `*`, and where what follows it was tried.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(p) {
            None if t == text.len() => return true,
            Some(Piece::Many) if p + 1 == pattern.len() => return true,
            Some(Piece::Many) => {
                p += 1;
                let Some(from) = candidate(&pattern[p], text, t, case) else {
                    return false;
                };
                t = from;
                retry = Some((p, from));
                continue;
            }
            Some(piece) => {
                if let Some(length) = fits(piece, &text[t..], case) {
                    (p, t) = (p + 1, t + length);
                    continue;
                }
            }
            None => {}
        }
        let Some((after, tried)) = retry.filter(|(_, tried)| *tried < text.len()) else {
            return false;
        };
        let next = tried + character(&text[tried..]);
        let Some(from) = candidate(&pattern[after], text, next, case) else {
            return false;
        };
        (p, t) = (after, from);
        retry = Some((after, from));
    }
}

/// The next place where the piece after a `*` may fit.
fn candidate(piece: &Piece, text: &[u8], from: usize, case: Case) -> Option<usize> {
    match piece {
        Piece::Literal(bytes) => find(&text[from..], bytes, case).map(|at| from + at),
        _ => Some(from),
    }
}

/// How many bytes the piece takes at the start of the text.
fn fits(piece: &Piece, text: &[u8], case: Case) -> Option<usize> {
    match piece {
        Piece::Literal(bytes) => {
            let start = text.get(..bytes.len())?;
            case.same(start, bytes).then_some(bytes.len())
        }
        Piece::One => (!text.is_empty()).then(|| character(text)),
        Piece::Class(members) => {
            let found = members.iter().find(|m| text.starts_with(m));
            found.map(|m| m.len())
        }
        Piece::Many => Some(0),
    }
}

/// Bytes of the first character.
fn character(text: &[u8]) -> usize {
    let length = match text.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return 1,
    };
    match text.get(..length) {
        Some(bytes) if std::str::from_utf8(bytes).is_ok() => length,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::{engine::bytes::Case, sigma::text};

    #[track_caller]
    fn check(pattern: &str, text: &[u8], want: bool) {
        let pattern = text::pattern(pattern);
        assert_eq!(matches(&pattern, text, Case::Ignored), want);
    }

    #[test]
    fn wildcards_are_found_wherever_they_stand() {
        check("a*c", b"abc", true);
        check("a*c", b"abcb", false);
        check("a*c", b"ac", true);
        check("*a*b*", b"xxaxxbxx", true);
        check("*a*b*", b"bbaa", false);
        check("*ab", b"aab", true);
        check("*aab", b"aaaaab", true);
        check("a?c", b"ac", false);
        check("a?c", "aéc".as_bytes(), true);
        check("a??c", "aéc".as_bytes(), false);
        check("a?c", b"a\xffc", true);
        check("a*?c", "aéc".as_bytes(), true);
        check("a*??c", "aéc".as_bytes(), false);
        check("a*b", b"a\n\nb", true);
        check("*", b"", true);
        check("?*", b"", false);
    }

    #[test]
    fn many_stars_on_a_long_text_end_soon() {
        let text = vec![b'a'; 100_000];
        check(&"*a".repeat(30), &text, true);
        check(&format!("{}b", "*a".repeat(30)), &text, false);
    }
}
