//! What an unquoted YAML word means: the core schema of YAML 1.2.2, section 10.3.2.

/// A word's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Its text is its value.
    Text,
}

/// The value of an unquoted word; an error for a number that cannot be held exactly.
pub(super) fn resolve(word: &str) -> Result<Scalar, String> {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Scalar::Null),
        "true" | "True" | "TRUE" => return Ok(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Scalar::Bool(false)),
        _ => {}
    }
    if let Some(parsed) = integer(word) {
        let range = format!("{word} does not fit into 64 bits; quote it if it is text");
        return parsed.map(Scalar::Int).ok_or(range);
    }
    if is_float(word) {
        let parsed = word.parse().ok().filter(|f: &f64| f.is_finite());
        let range = format!("{word} is too large a number; quote it if it is text");
        return parsed.map(Scalar::Float).ok_or(range);
    }
    Ok(Scalar::Text)
}

/// `None`: no integer. `Some(None)`: one that does not fit.
fn integer(word: &str) -> Option<Option<i64>> {
    let based = |digits: &str, radix| {
        let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        valid.then(|| i64::from_str_radix(digits, radix).ok())
    };
    if let Some(digits) = word.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = word.strip_prefix("0o") {
        return based(digits, 8);
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| word.parse().ok())
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(word: &str) -> bool {
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let word = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (number, exponent) = match word.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (word, None),
    };
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let some = !whole.is_empty() || !fraction.is_empty();
    exponent_fits && some && digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::{Scalar, resolve};

    #[test]
    fn words_have_the_types_of_the_core_schema() {
        let check = |word: &str, want| assert_eq!(resolve(word), Ok(want), "{word}");
        check("", Scalar::Null);
        check("NULL", Scalar::Null);
        check("nuLL", Scalar::Text);
        check("True", Scalar::Bool(true));
        check("yes", Scalar::Text);
        check("0777", Scalar::Int(777));
        check("-13", Scalar::Int(-13));
        check("0x1F", Scalar::Int(31));
        check("0o17", Scalar::Int(15));
        check("0x", Scalar::Text);
        check("1.50", Scalar::Float(1.5));
        check(".5", Scalar::Float(0.5));
        check("1e3", Scalar::Float(1000.0));
        check("1.2.3.4", Scalar::Text);
        check("-", Scalar::Text);
        check(".", Scalar::Text);
        check("e5", Scalar::Text);
        check(".inf", Scalar::Text);
    }

    #[test]
    fn a_number_that_cannot_be_held_is_an_error() {
        assert!(resolve("9223372036854775808").is_err());
        assert!(resolve("1e999").is_err());
    }
}
