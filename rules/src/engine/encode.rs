//! Modifiers that change a value before it is compared: `windash`, `base64`, `base64offset` and the
//! UTF-16 ones, in the order in which they are written.
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::sigma::{
    modifier::Modifier,
    text::{Pattern, Piece, push},
};

/// "the `-`, `/`, `–` (en dash), `—` (em dash), and `―` (horizontal bar) characters"
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// Texts that one value may become; windash gives five for every dash.
const MAX_TEXTS: usize = 625;

/// What the value becomes: any of these.
pub(crate) fn encode(pattern: Pattern, modifiers: &[Modifier]) -> Result<Vec<Pattern>, String> {
    let mut patterns = vec![pattern];
    for modifier in modifiers {
        patterns = match modifier {
            Modifier::WindAsh => patterns.iter().map(|p| windash(p)).collect(),
            Modifier::Base64 => {
                let texts = texts(&patterns, "base64")?;
                texts
                    .iter()
                    .map(|t| plain(STANDARD.encode(t).into_bytes()))
                    .collect()
            }
            Modifier::Base64Offset => {
                let texts = texts(&patterns, "base64offset")?;
                texts.iter().flat_map(|t| shifted(t)).map(plain).collect()
            }
            Modifier::Utf16Le => wide(&patterns, &[], u16::to_le_bytes)?,
            Modifier::Utf16Be => wide(&patterns, &[], u16::to_be_bytes)?,
            Modifier::Utf16 => wide(&patterns, &[0xff, 0xfe], u16::to_le_bytes)?,
            _ => continue,
        };
    }
    match patterns.is_empty() {
        true => Err("the value is too short to be found in base64".to_owned()),
        false => Ok(patterns),
    }
}

fn plain(bytes: Vec<u8>) -> Pattern {
    let mut pattern = Pattern::new();
    push(&mut pattern, Piece::Literal(bytes));
    pattern
}

fn windash(pattern: &[Piece]) -> Pattern {
    let mut new = Pattern::new();
    for piece in pattern {
        let Piece::Literal(bytes) = piece else {
            push(&mut new, piece.clone());
            continue;
        };
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                let utf8 = |c: &char| c.to_string().into_bytes();
                match DASHES.contains(&c) {
                    true => push(&mut new, Piece::Class(DASHES.iter().map(utf8).collect())),
                    false => push(&mut new, Piece::Literal(utf8(&c))),
                }
            }
            push(&mut new, Piece::Literal(chunk.invalid().to_vec()));
        }
    }
    new
}

/// Every text that the patterns mean.
fn texts(patterns: &[Pattern], encoding: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut all = Vec::new();
    for pattern in patterns {
        let mut texts = vec![Vec::new()];
        for piece in pattern {
            let ends = match piece {
                Piece::Literal(bytes) => vec![bytes.clone()],
                Piece::Class(members) => members.clone(),
                Piece::One | Piece::Many => {
                    let problem =
                        "|ENCODING cannot encode a wildcard; write \\* or \\? for the character";
                    return Err(problem.replace("ENCODING", encoding));
                }
            };
            let longer = |start: &Vec<u8>| {
                ends.iter()
                    .map(|end| [&start[..], end].concat())
                    .collect::<Vec<_>>()
            };
            texts = texts.iter().flat_map(longer).collect();
            if texts.len() + all.len() > MAX_TEXTS {
                return Err(format!(
                    "|windash makes more than {MAX_TEXTS} texts of the value"
                ));
            }
        }
        all.extend(texts);
    }
    Ok(all)
}

/// What of the text's encoding does not depend on what stands before and after it, for the three
/// places where it may begin: "except the first and last byte the encoded values have a static part
/// in the middle that can be recognized".
fn shifted(text: &[u8]) -> Vec<Vec<u8>> {
    let middle = |before: usize| {
        let padded = [&vec![0; before][..], text].concat();
        let encoded = STANDARD.encode(&padded).into_bytes();
        // Six bits a character: those that are the text's alone.
        let first = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        encoded.get(first..end).map(<[u8]>::to_vec)
    };
    (0..3)
        .filter_map(middle)
        .filter(|m| !m.is_empty())
        .collect()
}

fn wide(
    patterns: &[Pattern],
    mark: &[u8],
    bytes_of: fn(u16) -> [u8; 2],
) -> Result<Vec<Pattern>, String> {
    let wide = |bytes: &[u8]| -> Result<Vec<u8>, String> {
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| "a value is made UTF-16 once only".to_owned())?;
        Ok(text.encode_utf16().flat_map(bytes_of).collect())
    };
    let one = |pattern: &Pattern| {
        let mut new = plain(mark.to_vec());
        for piece in pattern {
            let piece = match piece {
                Piece::Literal(bytes) => Piece::Literal(wide(bytes)?),
                Piece::Class(members) => {
                    let members = members.iter().map(|m| wide(m));
                    Piece::Class(members.collect::<Result<_, _>>()?)
                }
                Piece::One => return Err("? has no meaning in UTF-16; write \\? or *".to_owned()),
                Piece::Many => Piece::Many,
            };
            push(&mut new, piece);
        }
        Ok(new)
    };
    patterns.iter().map(one).collect()
}

/// For a text that ignores case: every letter outside ASCII becomes a class of its forms.
pub(crate) fn fold_letters(pattern: Pattern) -> Pattern {
    if !pattern
        .iter()
        .any(|p| matches!(p, Piece::Literal(b) if !b.is_ascii()))
    {
        return pattern;
    }
    let mut new = Pattern::new();
    for piece in pattern {
        let Piece::Literal(bytes) = &piece else {
            push(&mut new, piece);
            continue;
        };
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                push(&mut new, forms(c));
            }
            push(&mut new, Piece::Literal(chunk.invalid().to_vec()));
        }
    }
    new
}

/// A letter in its small and its capital form, where these are one letter each.
fn forms(c: char) -> Piece {
    let utf8 = |c: char| c.to_string().into_bytes();
    let mut members = vec![utf8(c)];
    if !c.is_ascii() {
        let small: Vec<char> = c.to_lowercase().collect();
        let capital: Vec<char> = c.to_uppercase().collect();
        for form in [small, capital] {
            if let [form] = form[..]
                && !members.contains(&utf8(form))
            {
                members.push(utf8(form));
            }
        }
    }
    match members.len() {
        1 => Piece::Literal(utf8(c)),
        _ => Piece::Class(members),
    }
}
