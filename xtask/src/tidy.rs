//! The house rules that a program can check, as tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::cache::checkout;

/// Longest source file.
const LINES: usize = 400;

fn sources(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("directory").flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden && entry.file_name() != "target" {
            sources(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn rust() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&checkout(), "rs", &mut found);
    assert!(found.len() > 30, "found only {found:?}");
    found
}

#[test]
fn files_are_short() {
    let lines = |path: &PathBuf| fs::read_to_string(path).expect("source").lines().count();
    let long: Vec<_> = rust()
        .into_iter()
        .filter(|path| lines(path) > LINES)
        .collect();
    assert!(long.is_empty(), "over {LINES} lines: {long:?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    let says = |path: &PathBuf| {
        // A module's tests are described by the module.
        path.ends_with("tests.rs") || fs::read_to_string(path).expect("source").starts_with("//!")
    };
    let silent: Vec<_> = rust().into_iter().filter(|path| !says(path)).collect();
    assert!(silent.is_empty(), "no //! at the top: {silent:?}");
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = fs::read_to_string(checkout().join("Cargo.toml")).expect("Cargo.toml");
    let table = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .expect("table");
    let table = table.split("\n[").next().expect("table");
    let own = |line: &str| line.contains("path = \"");
    let bare: Vec<&str> = table
        .lines()
        .filter(|l| l.contains(" = ") && !l.contains('#') && !own(l))
        .collect();
    assert!(bare.is_empty(), "without a reason: {bare:?}");
}

#[test]
fn nothing_names_a_mirror_or_this_checkout() {
    let here = format!("{}/", checkout().display());
    let mut files = rust();
    for extension in ["md", "toml", "yml"] {
        sources(&checkout(), extension, &mut files);
    }
    let debian = ["deb", "debian", "org"].join(".");
    for path in files {
        let text = fs::read_to_string(&path).expect("text");
        assert!(!text.contains(&debian), "{} names a mirror", path.display());
        assert!(!text.contains(&here), "{} names {here}", path.display());
    }
}
