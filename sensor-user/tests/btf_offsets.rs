//! Offsets are found in a kernel's BTF, or the field that has none or two is named.
//!
//! The BTF is built here, by the format of Documentation/bpf/btf.rst, because no real kernel has the
//! faults that must be refused.

use std::io::Write as _;

use auklet::load::btf::{BtfError, KernelTypes};
use sensor_ebpf::fields;

const KIND_INT: u32 = 1;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;

/// A member: name, type id, offset in bytes.
type Member<'a> = (&'a str, u32, u32);

#[derive(Default)]
struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Builder {
    /// With `int` as type 1.
    fn new() -> Self {
        let mut builder = Self {
            strings: vec![0],
            ..Self::default()
        };
        builder.start("int", KIND_INT, 0, 4);
        builder.word(32);
        builder
    }

    fn word(&mut self, word: u32) {
        self.types.extend(word.to_le_bytes());
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).expect("small");
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    fn start(&mut self, name: &str, kind: u32, members: usize, size: u32) -> u32 {
        let name = self.string(name);
        self.word(name);
        self.word(kind << 24 | u32::try_from(members).expect("small"));
        self.word(size);
        self.count += 1;
        self.count
    }

    fn composite(&mut self, name: &str, kind: u32, members: &[Member<'_>]) -> u32 {
        let names: Vec<u32> = members.iter().map(|(name, ..)| self.string(name)).collect();
        let id = self.start(name, kind, members.len(), 4096);
        for ((_, kind, bytes), name) in members.iter().zip(names) {
            self.word(name);
            self.word(*kind);
            self.word(bytes * 8);
        }
        id
    }

    fn read(self) -> Result<KernelTypes, BtfError> {
        let mut image = 0xeb9f_u16.to_le_bytes().to_vec();
        image.extend([1, 0]); // version, flags
        let (types, strings) = (self.types.len(), self.strings.len());
        for word in [24, 0, types, types, strings] {
            image.extend(u32::try_from(word).expect("small").to_le_bytes());
        }
        image.extend(self.types);
        image.extend(self.strings);
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(&image).expect("write");
        KernelTypes::read(file.path())
    }
}

/// Every field of the table under its first name, each struct's members 8 bytes apart; `change`
/// sees each struct's members before it is written.
fn kernel(change: impl Fn(&mut Builder, &str, &mut Vec<(String, u32, u32)>)) -> KernelTypes {
    let mut builder = Builder::new();
    let mut owners: Vec<(&str, Vec<Vec<&str>>)> = Vec::new();
    for names in fields::NAMES {
        let parts: Vec<&str> = names[0].split('.').collect();
        let (owner, members) = parts.split_first().expect("a dotted name");
        match owners.iter_mut().find(|(known, _)| known == owner) {
            Some((_, all)) => all.push(members.to_vec()),
            None => owners.push((owner, vec![members.to_vec()])),
        }
    }
    for (owner, all) in owners {
        let mut members = Vec::new();
        for (n, path) in all.iter().enumerate() {
            let offset = u32::try_from(n).expect("small") * 8;
            // a.b.c: a struct in a struct, each at 0 but the outermost.
            let kind = path[1..].iter().rev().fold(1, |inner, name| {
                builder.composite("", KIND_STRUCT, &[(name, inner, 0)])
            });
            members.push((path[0].to_owned(), kind, offset));
        }
        change(&mut builder, owner, &mut members);
        let members: Vec<Member<'_>> = members
            .iter()
            .map(|(n, k, o)| (n.as_str(), *k, *o))
            .collect();
        builder.composite(owner, KIND_STRUCT, &members);
    }
    builder.read().expect("BTF")
}

fn index(name: &str) -> usize {
    let found = fields::NAMES.iter().position(|names| names[0] == name);
    found.expect("a field of the table")
}

#[test]
fn every_field_of_the_table_is_found() {
    let offsets = kernel(|_, _, _| {}).offsets().expect("offsets");
    assert_eq!(offsets[index("path.mnt")], 0);
    assert_eq!(offsets[index("path.dentry")], 8);
    assert_eq!(offsets[index("task_struct.tgid")], 8);
}

#[test]
fn members_of_anonymous_unions_are_found() {
    let types = kernel(|builder, owner, members| {
        if owner == "path" {
            let inner = builder.composite("", KIND_UNION, &[("dentry", 1, 4)]);
            members.retain(|(name, ..)| name != "dentry");
            members.push((String::new(), inner, 128));
        }
    });
    let offsets = types.offsets().expect("offsets");
    assert_eq!(offsets[index("path.dentry")], 132);
}

#[test]
fn a_later_name_of_a_field_counts() {
    let types = kernel(|_, owner, members| {
        if owner == "task_struct" {
            for (name, ..) in members.iter_mut().filter(|(n, ..)| n == "start_boottime") {
                *name = "real_start_time".to_owned();
            }
        }
    });
    types.offsets().expect("offsets");
}

#[test]
fn a_field_without_any_of_its_names_is_named() {
    let types = kernel(|_, owner, members| {
        if owner == "cred" {
            members.clear();
        }
    });
    let error = types.offsets().expect_err("no cred.uid").to_string();
    assert_eq!(
        error,
        "kernel field cred.uid: this kernel has none of its names (cred.uid)"
    );
}

#[test]
fn a_field_that_a_kernel_may_lack_is_marked() {
    let types = kernel(|_, owner, members| {
        if owner == "aa_label" {
            members.clear();
        }
    });
    let offsets = types.offsets().expect("offsets");
    assert_eq!(offsets[index("aa_label.hname")], fields::MISSING);
}

#[test]
fn a_field_with_two_candidates_is_named() {
    let types = kernel(|_, owner, members| {
        if owner == "task_struct" {
            members.push(("real_start_time".to_owned(), 1, 2048));
        }
    });
    let error = types.offsets().expect_err("two names").to_string();
    let names = "task_struct.start_boottime, task_struct.real_start_time";
    let at = index("task_struct.start_boottime") * 8;
    let expect = format!(
        "kernel field task_struct.start_boottime: two candidates, at {at} and 2048 bytes ({names})"
    );
    assert_eq!(error, expect);
}

#[test]
fn what_is_not_btf_is_refused() {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(b"\x7fELF and so on, for quite a while")
        .expect("write");
    let Err(error) = KernelTypes::read(file.path()) else {
        panic!("it was taken");
    };
    assert!(error.to_string().contains("not BTF"), "{error}");
}
