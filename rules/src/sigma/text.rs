//! Strings of rules: wildcards and their escapes.
//!
//! Sigma specification, "String Wildcard" and "Escaping".

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Piece {
    Literal(Vec<u8>),
    /// `?`: one character.
    One,
    /// `*`: any number of characters, line breaks included.
    Many,
    /// One of these: the forms of a letter outside ASCII, or of a dash (`|windash`).
    Class(Vec<Vec<u8>>),
}

/// A pattern; two literals never stand side by side.
pub(crate) type Pattern = Vec<Piece>;

/// Reads a string's wildcards. A backslash before `*`, `?` or a backslash takes their meaning
/// away; before anything else it is a backslash.
pub(crate) fn pattern(text: &str) -> Pattern {
    let mut pattern = Pattern::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'*' => push(&mut pattern, Piece::Many),
            b'?' => push(&mut pattern, Piece::One),
            b'\\' => {
                let escaped = bytes.next_if(|b| matches!(b, b'*' | b'?' | b'\\'));
                push_byte(&mut pattern, escaped.unwrap_or(b'\\'));
            }
            byte => push_byte(&mut pattern, byte),
        }
    }
    pattern
}

/// Adds a piece, so that literals stay joined and `**` is `*`.
pub(crate) fn push(pattern: &mut Pattern, piece: Piece) {
    match (pattern.last_mut(), piece) {
        (Some(Piece::Literal(end)), Piece::Literal(more)) => end.extend(more),
        (Some(Piece::Many), Piece::Many) => {}
        (_, Piece::Literal(empty)) if empty.is_empty() => {}
        (_, piece) => pattern.push(piece),
    }
}

fn push_byte(pattern: &mut Pattern, byte: u8) {
    match pattern.last_mut() {
        Some(Piece::Literal(end)) => end.push(byte),
        _ => pattern.push(Piece::Literal(vec![byte])),
    }
}
