//! Value modifiers: which there are, and which may stand beside each other.
//!
//! Sigma specification 2.1.0, appendix "Sigma Modifiers".

/// What a modifier does, and so what may stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// How the field and the value are compared; one at most.
    Operator,
    /// Changes the value before it is compared as text.
    Encoding,
    /// A flag of `re`.
    RegexFlag,
    /// Takes a number out of a date; one at most.
    TimePart,
    Other,
}

macro_rules! modifiers {
    ($($variant:ident, $role:ident, $($name:literal)|+;)*) => {
        /// A value modifier.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Modifier { $($variant),* }

        impl Modifier {
            /// Every name.
            pub(crate) const NAMES: &[&str] = &[$($($name),+),*];

            /// The modifier of that name.
            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name {
                    $($($name)|+ => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name by which it is known first.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => [$($name),+][0],)*
                }
            }

            fn role(self) -> Role {
                match self {
                    $(Self::$variant => Role::$role,)*
                }
            }
        }
    };
}

modifiers! {
    All, Other, "all";
    StartsWith, Operator, "startswith";
    EndsWith, Operator, "endswith";
    Contains, Operator, "contains";
    Exists, Operator, "exists";
    Cased, Other, "cased";
    Neq, Other, "neq";
    WindAsh, Encoding, "windash";
    Re, Operator, "re";
    IgnoreCase, RegexFlag, "i" | "ignorecase";
    Multiline, RegexFlag, "m" | "multiline";
    DotAll, RegexFlag, "s" | "dotall";
    Base64, Encoding, "base64";
    Base64Offset, Encoding, "base64offset";
    Utf16Le, Encoding, "utf16le" | "wide";
    Utf16Be, Encoding, "utf16be";
    Utf16, Encoding, "utf16";
    Lt, Operator, "lt";
    Lte, Operator, "lte";
    Gt, Operator, "gt";
    Gte, Operator, "gte";
    Minute, TimePart, "minute";
    Hour, TimePart, "hour";
    Day, TimePart, "day";
    Week, TimePart, "week";
    Month, TimePart, "month";
    Year, TimePart, "year";
    Cidr, Operator, "cidr";
    Expand, Other, "expand";
    FieldRef, Other, "fieldref";
}

use Modifier::{
    All, Base64Offset, Cased, Cidr, Contains, EndsWith, Exists, Expand, FieldRef, Gt, Gte, Lt, Lte,
    Neq, Re, StartsWith,
};

/// Why the modifiers of one field cannot stand together.
pub(crate) fn contradiction(modifiers: &[Modifier]) -> Option<String> {
    let has = |m| modifiers.contains(&m);
    let of = |role| modifiers.iter().copied().filter(move |m| m.role() == role);
    for (i, modifier) in modifiers.iter().enumerate() {
        if modifiers[..i].contains(modifier) {
            return Some(format!("|{} is there twice", modifier.name()));
        }
    }
    let operators = names(of(Role::Operator));
    if of(Role::Operator).count() > 1 {
        return Some(format!("{operators} exclude each other; use one"));
    }
    if of(Role::TimePart).count() > 1 {
        return Some(format!(
            "{} exclude each other; use one",
            names(of(Role::TimePart))
        ));
    }
    if of(Role::RegexFlag).next().is_some() && !has(Re) {
        return Some(format!("{} needs |re", names(of(Role::RegexFlag))));
    }
    if has(Base64Offset) && !has(Contains) {
        return Some("|base64offset finds a part of a text; add |contains".to_owned());
    }
    let operator = of(Role::Operator).next();
    let textual = matches!(operator, None | Some(Contains | StartsWith | EndsWith));
    let compares = matches!(operator, Some(Lt | Lte | Gt | Gte));
    let time = of(Role::TimePart).next();
    let beside = |what: String| Some(format!("{what} cannot stand beside {operators}"));
    if of(Role::Encoding).next().is_some() && !textual {
        return beside(names(of(Role::Encoding)));
    }
    if has(Expand) && !(textual || has(Cidr)) {
        return beside("|expand".to_owned());
    }
    if has(Cased) && !(textual || has(Re)) {
        return beside("|cased".to_owned());
    }
    if has(FieldRef) && !textual {
        return beside("|fieldref".to_owned());
    }
    if has(Neq) && !textual {
        return Some(format!(
            "|neq cannot stand beside {operators}; write not in the condition"
        ));
    }
    if has(All) && matches!(operator, Some(Exists | Lt | Lte | Gt | Gte)) {
        return beside("|all".to_owned());
    }
    if has(All) && has(Neq) {
        return Some("|neq already means different from every value; leave |all out".to_owned());
    }
    if has(All) && has(Expand) {
        return Some(
            "|all cannot stand beside |expand; use a selection for each value and all of"
                .to_owned(),
        );
    }
    if has(FieldRef) && (of(Role::Encoding).next().is_some() || has(Expand) || has(All)) {
        return Some("|fieldref takes the name of a field; it goes with |neq, |cased, |contains, |startswith and |endswith only".to_owned());
    }
    if let Some(time) = time {
        let allowed = |m: &Modifier| *m == time || *m == Neq || matches!(m, Lt | Lte | Gt | Gte);
        if !modifiers.iter().all(allowed) || !(operator.is_none() || compares) {
            let time = time.name();
            return Some(format!(
                "|{time} is a number; it goes with |neq, |lt, |lte, |gt and |gte only"
            ));
        }
    }
    None
}

/// Why they cannot stand without a field, over the whole event.
pub(crate) fn needs_a_field(modifiers: &[Modifier]) -> Option<String> {
    let anywhere = |m: &Modifier| {
        matches!(m, All | Cased | Contains | Expand | Re)
            || matches!(m.role(), Role::Encoding | Role::RegexFlag)
    };
    let refused = modifiers.iter().find(|m| !anywhere(m))?;
    Some(format!("|{} needs a field before it", refused.name()))
}

fn names(modifiers: impl Iterator<Item = Modifier>) -> String {
    let names: Vec<String> = modifiers.map(|m| format!("|{}", m.name())).collect();
    names.join(", ")
}
