//! The `name=value` pairs of a record's body (kernel/audit.c: audit_log_n_untrustedstring): values
//! are quoted, hexadecimal without quotes, `'…'` for a message, or plain words like `(null)`.

use std::str::FromStr;

use bytes::Bytes;

/// A value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Between double quotes; the kernel lets none stand inside.
    Quoted(&'a [u8]),
    /// Between single quotes: from the first to the last of the body.
    Message(&'a [u8]),
    /// Up to the next space.
    Bare(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The text between the quotes, if there are any.
    pub(crate) fn text(self) -> &'a [u8] {
        match self {
            Self::Quoted(text) | Self::Message(text) | Self::Bare(text) => text,
        }
    }

    /// A string that the kernel takes for untrusted; `None` is `(null)`. `home` is what the value is a
    /// part of.
    pub(crate) fn untrusted(self, home: &Bytes) -> Option<Bytes> {
        match self {
            Self::Quoted(text) | Self::Message(text) => Some(home.slice_ref(text)),
            Self::Bare(b"(null)" | b"") => None,
            Self::Bare(text) => Some(match hex::decode(text) {
                Ok(bytes) => bytes.into(),
                // Not as audit writes it; better than nothing.
                Err(_) => home.slice_ref(text),
            }),
        }
    }

    /// A string that the kernel made itself and doesn't encode.
    pub(crate) fn trusted(self, home: &Bytes) -> Bytes {
        home.slice_ref(self.text())
    }

    pub(crate) fn decimal<N: FromStr>(self) -> Option<N> {
        std::str::from_utf8(self.text()).ok()?.parse().ok()
    }

    /// An id: some records have it signed, and say −1 for what others call 4294967295.
    pub(crate) fn id(self) -> Option<u32> {
        let signed = || self.decimal().map(i32::cast_unsigned);
        self.decimal().or_else(signed)
    }

    /// With or without `0x`.
    pub(crate) fn hexadecimal(self) -> Option<u64> {
        self.radix(16)
    }

    /// C's `%#o`.
    pub(crate) fn octal(self) -> Option<u64> {
        self.radix(8)
    }

    fn radix(self, radix: u32) -> Option<u64> {
        let text = std::str::from_utf8(self.text()).ok()?;
        let text = text.strip_prefix("0x").unwrap_or(text);
        u64::from_str_radix(text, radix).ok()
    }
}

/// The pairs of a body, in its order; words without `=` are passed over.
pub(crate) fn fields(body: &[u8]) -> Fields<'_> {
    Fields(body)
}

/// See [`fields`].
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.0.iter().position(|b| *b != b' ')?;
            let rest = &self.0[start..];
            let end = rest.iter().position(|b| *b == b'=' || *b == b' ');
            let end = end.unwrap_or(rest.len());
            if rest.get(end) != Some(&b'=') {
                self.0 = &rest[end..];
                continue;
            }
            let (value, after) = value(&rest[end + 1..]);
            self.0 = after;
            return Some((&rest[..end], value));
        }
    }
}

fn value(rest: &[u8]) -> (Value<'_>, &[u8]) {
    let closed = match rest.first() {
        Some(b'"') => rest[1..].iter().position(|b| *b == b'"'),
        Some(b'\'') => rest[1..].iter().rposition(|b| *b == b'\''),
        _ => None,
    };
    if let Some(len) = closed {
        let (text, after) = (&rest[1..=len], &rest[len + 2..]);
        if rest[0] == b'"' {
            return (Value::Quoted(text), after);
        }
        return (Value::Message(text), after);
    }
    let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    (Value::Bare(&rest[..end]), &rest[end..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_every_kind() {
        let body = Bytes::from_static(
            b" a=1  key=(null) comm=\"x=y\" exe=2F78 word msg='op=\"z\" it''s' res=1 open=\"no",
        );
        let found: Vec<_> = fields(&body).collect();
        let expect: [(&[u8], Value<'_>); 7] = [
            (b"a", Value::Bare(b"1")),
            (b"key", Value::Bare(b"(null)")),
            (b"comm", Value::Quoted(b"x=y")),
            (b"exe", Value::Bare(b"2F78")),
            (b"msg", Value::Message(b"op=\"z\" it''s")),
            (b"res", Value::Bare(b"1")),
            (b"open", Value::Bare(b"\"no")),
        ];
        assert_eq!(found, expect);
        assert_eq!(found[1].1.untrusted(&body), None);
        assert_eq!(found[3].1.untrusted(&body).as_deref(), Some(&b"/x"[..]));
        assert_eq!(Value::Bare(b"-1").id(), Some(u32::MAX));
        assert_eq!(Value::Bare(b"x").id(), None);
        assert_eq!(Value::Bare(b"0x1f").hexadecimal(), Some(31));
        assert_eq!(Value::Bare(b"0100644").octal(), Some(0o100_644));
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(body in proptest::collection::vec(prop_oneof![
            Just(b' '), Just(b'='), Just(b'"'), Just(b'\''), any::<u8>()
        ], 0..80)) {
            let body = Bytes::from(body);
            for (name, value) in fields(&body) {
                prop_assert!(!name.contains(&b' '));
                prop_assert!(value.text().len() < body.len());
                value.untrusted(&body);
            }
        }
    }
}
