//! Public rules, unchanged: which load, and why the others do not.
//!
//! `AUKLET_SIGMA_CORPUS=DIR cargo test -p auklet-rules --test corpus -- --nocapture`. Each file is
//! loaded by itself, as rules that are not ours need not be unique among each other.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use auklet_rules::RuleSet;

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|e| panic!("{directory:?}: {e}")) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            found.push(path);
        }
    }
}

/// A reason without what is particular to the file.
fn kind(problem: &str) -> String {
    problem
        .split([';', ':'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn every_public_rule_loads_or_is_refused_with_a_reason() {
    let Some(directory) = env::var_os("AUKLET_SIGMA_CORPUS") else {
        println!("skip: AUKLET_SIGMA_CORPUS names no directory of rules");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&directory), &mut found);
    found.sort();
    assert!(!found.is_empty(), "no rule files below {directory:?}");
    let mut loaded = 0;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for file in &found {
        match RuleSet::load(std::slice::from_ref(file)) {
            Ok(set) => loaded += set.rules().len(),
            Err(errors) => {
                for error in &errors.0 {
                    assert!(!error.problem.is_empty(), "{error:?}");
                    println!("rejected: {error}");
                    *reasons.entry(kind(&error.problem)).or_default() += 1;
                }
            }
        }
    }
    let rejected: usize = reasons.values().sum();
    println!(
        "{} files: {loaded} rules loaded, {rejected} rejected",
        found.len()
    );
    for (reason, count) in reasons {
        println!("{count:5} {reason}");
    }
}
