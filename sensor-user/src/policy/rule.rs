//! What one rule says: the types behind a line of auditctl's language (auditctl(8);
//! include/uapi/linux/audit.h's `struct audit_rule_data`).

use bytes::Bytes;

use super::{field::Name, perm::CallMask};

/// The list a rule stands in: when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// A task is made.
    Task,
    /// A system call ends; watches are rules of this list.
    Exit,
    /// A program sends a message.
    User,
    /// A record is about to be written.
    Exclude,
    /// A file is about to become a PATH item.
    Filesystem,
    /// An io_uring operation ends.
    IoUring,
}

impl List {
    const NAMES: [(Self, &str); 6] = [
        (Self::Task, "task"),
        (Self::Exit, "exit"),
        (Self::User, "user"),
        (Self::Exclude, "exclude"),
        (Self::Filesystem, "filesystem"),
        (Self::IoUring, "io_uring"),
    ];

    /// As `-a` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, name)| name.as_bytes() == text);
        found.map(|(list, _)| *list)
    }
}

/// What a matching rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Always,
    Never,
}

impl Action {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// Comparison operators, `audit_comparator` in kernel/auditfilter.c.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `&`: any of the bits is set.
    AnyBit,
    /// `&=`: all of the bits are set.
    AllBits,
}

impl Op {
    /// In the order in which auditctl looks for them.
    pub(super) const TOKENS: [(Self, &str); 8] = [
        (Self::NotEqual, "!="),
        (Self::GreaterOrEqual, ">="),
        (Self::LessOrEqual, "<="),
        (Self::AllBits, "&="),
        (Self::Equal, "="),
        (Self::Greater, ">"),
        (Self::Less, "<"),
        (Self::AnyBit, "&"),
    ];

    /// As it is written.
    #[must_use]
    pub fn token(self) -> &'static str {
        let found = Self::TOKENS.iter().find(|(op, _)| *op == self);
        found.map_or("=", |(_, token)| token)
    }

    /// The kernel's comparison: both sides are unsigned 32-bit numbers.
    #[must_use]
    pub fn compare(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::AnyBit => left & right != 0,
            Self::AllBits => left & right == right,
        }
    }

    /// Whether it is `&` or `&=`.
    #[must_use]
    pub fn is_bits(self) -> bool {
        matches!(self, Self::AnyBit | Self::AllBits)
    }

    /// Whether it is `=` or `!=`.
    #[must_use]
    pub fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Number(u32),
    Text(Bytes),
    /// `-C`: another field of the same event.
    Field(Name),
}

/// One condition: `-F`, `-C`, `-p` or the path of `-w`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    pub name: Name,
    pub op: Op,
    pub value: Value,
}

impl Field {
    /// The number it is compared with, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Text(_) | Value::Field(_) => None,
        }
    }

    /// The text it is compared with, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&Bytes> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Field(_) => None,
        }
    }
}

/// A rule as loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub list: List,
    pub action: Action,
    /// The numbers that `-S` names (system calls, or operations of io_uring); all without `-S`.
    pub calls: CallMask,
    /// All must hold.
    pub fields: Vec<Field>,
    /// Keys, joined by 0x01.
    pub key: Option<Bytes>,
}

impl Rule {
    /// The first field of a name.
    #[must_use]
    pub fn field(&self, name: Name) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The `AUDIT_ARCH_*` whose table `-S` was read with: the last `arch=` before it.
    #[must_use]
    pub fn arch(&self) -> Option<u32> {
        let mut fields = self.fields.iter();
        fields.rfind(|field| field.name == Name::Arch)?.number()
    }

    /// Whether it is what `-w` makes: `auditctl -l` prints such a rule as a watch.
    #[must_use]
    pub fn is_watch(&self) -> bool {
        let [place, perm] = self.fields.as_slice() else {
            return false;
        };
        self.list == List::Exit
            && self.action == Action::Always
            && self.calls.is_all()
            && matches!(place.name, Name::Path | Name::Dir)
            && perm.name == Name::Perm
    }
}
