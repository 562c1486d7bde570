//! What the fuzzer begins with, and what it found, is checked by every `cargo test`.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{fs, path::Path};

#[path = "../../fuzz/checks/evaluate.rs"]
mod evaluate;
#[path = "../../fuzz/checks/rules.rs"]
mod rules;

fn replay(directory: &str, check: impl Fn(&[u8])) -> usize {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|e| panic!("{directory:?}: {e}"));
    let files = entries.map(|e| e.unwrap().path()).filter(|p| p.is_file());
    files.map(|file| check(&fs::read(&file).unwrap())).count()
}

#[test]
fn rule_files_are_rules_or_errors() {
    assert!(replay("../fuzz/seeds/rules", rules::check) >= 20);
    assert!(replay("linux", rules::check) >= 9);
}

#[test]
fn events_are_evaluated_alike_with_and_without_the_index() {
    assert!(replay("../fuzz/seeds/evaluate", evaluate::check) >= 20);
}
