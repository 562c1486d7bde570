//! The files of an exec where no hook saw their opens: the file named, the interpreter of each script,
//! the dynamic linker of the last. Looked up afterwards, as binfmt_script and binfmt_elf of fs/ do.

use std::{fs::File, os::unix::fs::FileExt as _};

use bytes::Bytes;

use super::lookup;
use crate::{decode::CallFacts, event::PathItem};

/// BINPRM_BUF_SIZE: how much of a file decides what it is.
const HEAD: usize = 256;
/// How often an interpreter may itself be a script (fs/exec.c: exec_binprm).
const DEPTH: usize = 6;
/// Longest name of a dynamic linker: PATH_MAX.
const LINKER: usize = 4096;

/// The items that auditd has, and which of them is the image that runs; `named` is what the call named.
pub(super) fn items(facts: &CallFacts, named: Bytes) -> (Vec<PathItem>, usize) {
    let mut items: Vec<PathItem> = Vec::new();
    let mut image = 0;
    let mut next = Some(named);
    while let Some(name) = next.take().filter(|_| items.len() < DEPTH) {
        let item = item(facts, &name);
        let runs = item.file.is_some_and(|file| file.mode & 0o111 != 0);
        image = items.len();
        items.push(item);
        let file = runs.then(|| lookup::read(facts, &name)).flatten();
        match file.map_or(Image::Other, |file| what_is(&file)) {
            Image::Script(interpreter) => next = Some(interpreter),
            Image::Dynamic(linker) => items.push(self::item(facts, &linker)),
            Image::Other => {}
        }
    }
    (items, image)
}

/// The same for the file behind a descriptor, which has no name.
pub(super) fn by_descriptor(facts: &CallFacts, image: PathItem) -> Vec<PathItem> {
    let mut items = vec![PathItem {
        name: Some(Bytes::new()),
        ..image
    }];
    let file = File::open(format!("/proc/{}/exe", facts.task.pid)).ok();
    if let Some(Image::Dynamic(linker)) = file.map(|file| what_is(&file)) {
        items.push(item(facts, &linker));
    }
    items
}

fn item(facts: &CallFacts, name: &Bytes) -> PathItem {
    let mut item = PathItem {
        name: Some(name.clone()),
        ..PathItem::default()
    };
    lookup::fill(facts, &mut item, true);
    item
}

enum Image {
    Script(Bytes),
    Dynamic(Bytes),
    Other,
}

fn what_is(file: &File) -> Image {
    let mut head = [0; HEAD];
    let Ok(n) = file.read_at(&mut head, 0) else {
        return Image::Other;
    };
    let head = &head[..n];
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
        let mut words = line.split(|b| matches!(b, b' ' | b'\t'));
        let word = words.find(|word| !word.is_empty());
        return word.map_or(Image::Other, |word| {
            Image::Script(Bytes::copy_from_slice(word))
        });
    }
    linker(file, head).map_or(Image::Other, Image::Dynamic)
}

/// Where elf(5) has what is needed here, by class: offsets in the file's header and in a program
/// header, each with its size in bytes.
struct Layout {
    phoff: (usize, usize),
    phentsize: (usize, usize),
    phnum: (usize, usize),
    offset: (usize, usize),
    filesz: (usize, usize),
}

const ELF64: Layout = Layout {
    phoff: (32, 8),
    phentsize: (54, 2),
    phnum: (56, 2),
    offset: (8, 8),
    filesz: (32, 8),
};
const ELF32: Layout = Layout {
    phoff: (28, 4),
    phentsize: (42, 2),
    phnum: (44, 2),
    offset: (4, 4),
    filesz: (16, 4),
};

/// A little-endian number.
fn number(bytes: &[u8], (at, size): (usize, usize)) -> Option<u64> {
    let digits = bytes.get(at..at + size)?.iter().rev();
    Some(digits.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The PT_INTERP of an ELF image.
fn linker(file: &File, head: &[u8]) -> Option<Bytes> {
    const PT_INTERP: u64 = 3;
    let layout = match head.strip_prefix(b"\x7fELF")?.first()? {
        2 => ELF64,
        1 => ELF32,
        _ => return None,
    };
    let (phoff, size) = (number(head, layout.phoff)?, number(head, layout.phentsize)?);
    for n in 0..number(head, layout.phnum)?.min(64) {
        let mut entry = [0; 56];
        let got = file
            .read_at(&mut entry, phoff.checked_add(n * size)?)
            .ok()?;
        let entry = &entry[..got];
        if number(entry, (0, 4))? == PT_INTERP {
            let size = usize::try_from(number(entry, layout.filesz)?).ok()?;
            let mut name = vec![0; size.min(LINKER)];
            let got = file
                .read_at(&mut name, number(entry, layout.offset)?)
                .ok()?;
            let end = name[..got].iter().position(|b| *b == 0)?;
            name.truncate(end);
            return Some(name.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn kind(content: &[u8]) -> Option<Bytes> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(content).expect("write");
        match what_is(&file) {
            Image::Script(name) | Image::Dynamic(name) => Some(name),
            Image::Other => None,
        }
    }

    #[track_caller]
    fn check(content: &[u8], expect: Option<&str>) {
        assert_eq!(kind(content).as_deref(), expect.map(str::as_bytes));
    }

    #[test]
    fn scripts_name_their_interpreter() {
        check(b"#!/bin/sh -e\n", Some("/bin/sh"));
        check(b"#! \t /usr/bin/env\tpython\n", Some("/usr/bin/env"));
        check(b"#!sh", Some("sh"));
        check(b"#!\n/bin/sh", None);
        check(b"", None);
    }

    #[test]
    fn this_test_names_its_linker() {
        let me = std::fs::read("/proc/self/exe").expect("own image");
        let linker = kind(&me).expect("a dynamic executable");
        assert!(linker.starts_with(b"/lib"), "{linker:?}");
    }

    proptest! {
        #[test]
        fn no_image_makes_it_panic(class in 0u8..4, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut image = b"\x7fELF".to_vec();
            image.push(class);
            image.extend(rest);
            kind(&image);
        }
    }
}
