//! System calls exactly as a table asks for them: a number and its words, as syscall(2) takes them. The C
//! library would look at some first, and make others in their place.

use std::{
    ffi::{CStr, CString},
    marker::PhantomData,
};

use libc::c_long;

use super::pace::paced;

/// One argument: a number, or the address of something that is borrowed for as long.
#[derive(Clone, Copy)]
pub(in crate::parity) struct Word<'a>(c_long, PhantomData<&'a [u8]>);

impl Word<'_> {
    /// Its bits.
    pub(in crate::parity) const fn value(self) -> u64 {
        self.0.cast_unsigned()
    }
}

/// No pointer.
pub(in crate::parity) const NULL: Word<'static> = Word(0, PhantomData);
/// No address: the first page is nobody's.
pub(in crate::parity) const BAD: Word<'static> = Word(1, PhantomData);

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Word<'_> {
            fn from(value: $number) -> Self {
                Self(value as c_long, PhantomData)
            }
        }
    )*};
}
numbers!(i32 u32 i64 u64 usize);

impl<'a> From<&'a CStr> for Word<'a> {
    fn from(text: &'a CStr) -> Self {
        Self(text.as_ptr() as c_long, PhantomData)
    }
}

impl<'a> From<&'a CString> for Word<'a> {
    fn from(text: &'a CString) -> Self {
        Self(text.as_ptr() as c_long, PhantomData)
    }
}

macro_rules! memory {
    ($($cell:ty)*) => {$(
        impl<'a> From<&'a [$cell]> for Word<'a> {
            fn from(cells: &'a [$cell]) -> Self {
                Self(cells.as_ptr() as c_long, PhantomData)
            }
        }
        impl<'a> From<&'a mut [$cell]> for Word<'a> {
            fn from(cells: &'a mut [$cell]) -> Self {
                Self(cells.as_mut_ptr() as c_long, PhantomData)
            }
        }
    )*};
}
memory!(u8 i32 u32 u64);

/// The result, or -1.
pub(in crate::parity) fn numbered(number: c_long, words: &[Word<'_>]) -> c_long {
    let word = |at: usize| words.get(at).map_or(0, |word| word.0);
    // SAFETY: an address among the words is that of a string with its NUL or of cells, which the word
    // borrows, and what the kernel writes are cells of a `&mut`, as many as the caller gives as the
    // length; numbers in the place of an address are null or the first page, which the kernel refuses;
    // no caller frees or maps memory that Rust knows of.
    paced(|| unsafe { libc::syscall(number, word(0), word(1), word(2), word(3), word(4), word(5)) })
}

/// `call!(SYS_rename, old, new)`.
macro_rules! call {
    ($number:ident $(, $word:expr)* $(,)?) => {
        $crate::parity::workload::call::numbered(
            libc::$number,
            &[$($crate::parity::workload::call::Word::from($word)),*],
        )
    };
}
pub(in crate::parity) use call;
