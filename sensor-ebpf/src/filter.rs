//! The policy's part of the kernel's filter: for each call the rules that could want it, as comparisons of
//! registers and ids. What needs paths, owners or labels is left to user space, which decides in the end.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Rules of one call that are looked at; with more, the call is let through.
pub const ALTERNATIVES: usize = 8;
/// Comparisons of one rule; what is beyond is not looked at.
pub const CONDITIONS: usize = 8;
/// Room for registers, a power of two.
pub const REGISTERS: usize = 32;

/// Places of the values that rules compare, 32 bits each.
pub mod register {
    /// The first of four.
    pub const A0: usize = 0;
    pub const PID: usize = 4;
    pub const AUID: usize = 5;
    /// 1 if the login uid is set.
    pub const AUID_SET: usize = 6;
    pub const SESSION_ID: usize = 7;
    /// What is from here on is known at the call's end only.
    pub const LATE: usize = 8;
    pub const PPID: usize = 8;
    pub const PERSONALITY: usize = 9;
    /// `struct cred`'s order: uid gid suid sgid euid egid fsuid fsgid.
    pub const CRED: usize = 10;
    pub const EXIT: usize = 18;
    /// 1: succeeded, 2: failed.
    pub const RESULT: usize = 19;
}

/// When a comparison holds: bits for what the left side may be to the right one.
pub mod holds {
    pub const LESS: u32 = 1;
    pub const EQUAL: u32 = 2;
    pub const GREATER: u32 = 4;
    /// They have a bit in common.
    pub const ANY_BIT: u32 = 8;
    /// The left one has all bits of the right one.
    pub const ALL_BITS: u32 = 16;
    pub const ALWAYS: u32 = LESS | EQUAL | GREATER;
}

/// A comparison. 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Condition {
    /// A [`register`].
    pub register: u32,
    /// [`holds`] bits.
    pub holds: u32,
    pub value: u32,
}

impl Condition {
    /// Holds for anything.
    pub const ALWAYS: Self = Self {
        register: 0,
        holds: holds::ALWAYS,
        value: 0,
    };
}

/// A rule. 100 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Alternative {
    pub conditions: [Condition; CONDITIONS],
    /// Not 0: a call that it matches is not wanted.
    pub never: u32,
}

/// What is wanted of a call. 824 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallFilter {
    pub alternatives: [Alternative; ALTERNATIVES],
    /// How many of them there are.
    pub count: u32,
    /// Not 0: every one of these calls.
    pub all: u32,
    /// Of a call that opens, with its flags in a register: what must hold of these for any alternative to
    /// match. Asked before anything else is done.
    pub gate: Condition,
    /// Not 0: of a call that opens, only files of the names that the policy watches, or of many names.
    pub named: u32,
}

impl CallFilter {
    /// None of these calls.
    pub const NOTHING: Self = Self {
        alternatives: [Alternative {
            conditions: [Condition::ALWAYS; CONDITIONS],
            never: 0,
        }; ALTERNATIVES],
        count: 0,
        all: 0,
        gate: Condition::ALWAYS,
        named: 0,
    };
}

const _: () = {
    assert!(size_of::<Alternative>() == 100);
    assert!(size_of::<CallFilter>() == 824);
};

/// 1 if a comparison holds. Without branches: the kernel's verifier would follow each.
#[inline(always)]
#[must_use]
pub fn compare(left: u32, holds: u32, right: u32) -> u32 {
    let less = (u64::from(left).wrapping_sub(u64::from(right)) >> 63) as u32;
    let greater = (u64::from(right).wrapping_sub(u64::from(left)) >> 63) as u32;
    let equal = 1 ^ (less | greater);
    let common = u64::from(left & right);
    let any = (common.wrapping_neg() >> 63) as u32;
    let lacking = u64::from(right & !left);
    let all = 1 ^ (lacking.wrapping_neg() >> 63) as u32;
    (holds & less | holds >> 1 & equal | holds >> 2 & greater | holds >> 3 & any | holds >> 4 & all)
        & 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        const NUMBERS: [u32; 8] = [0, 1, 2, 3, 1000, 0x7fff_ffff, 0x8000_0000, u32::MAX];
        for left in NUMBERS {
            for right in NUMBERS {
                let check = |holds, expect: bool| {
                    assert_eq!(
                        compare(left, holds, right),
                        u32::from(expect),
                        "{left} {right}"
                    );
                };
                check(holds::EQUAL, left == right);
                check(holds::LESS | holds::GREATER, left != right);
                check(holds::LESS, left < right);
                check(holds::LESS | holds::EQUAL, left <= right);
                check(holds::GREATER, left > right);
                check(holds::GREATER | holds::EQUAL, left >= right);
                check(holds::ANY_BIT, left & right != 0);
                check(holds::ALL_BITS, left & right == right);
                check(holds::ALWAYS, true);
                check(0, false);
            }
        }
    }
}
