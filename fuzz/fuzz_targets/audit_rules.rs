//! A file of audit rules: rules or errors that name a line, never a panic; what is printed loads
//! again; what is asked of the kernel can be said.
#![no_main]

use std::path::{Path, PathBuf};

use auklet::policy::{Host, Node, Policy};
use libfuzzer_sys::fuzz_target;

/// Nothing is there but `/`.
struct Bare;

impl Host for Bare {
    fn uid(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    fn gid(&self, name: &[u8]) -> Option<u32> {
        (name == b"root").then_some(0)
    }

    fn node(&self, _path: &Path) -> Option<Node> {
        None
    }

    fn is_dir(&self, _path: &Path) -> bool {
        false
    }

    fn canonical(&self, _dir: &Path) -> Option<PathBuf> {
        None
    }

    fn devices(&self, _fstype: &str) -> Vec<u32> {
        Vec::new()
    }
}

fuzz_target!(|data: &[u8]| {
    let load = |text: &[u8]| Policy::parse(Path::new("fuzz.rules"), text, &Bare, (6, 12));
    match load(data) {
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(
                errors
                    .0
                    .iter()
                    .all(|e| !e.to_string().contains(char::is_control))
            );
        }
        Ok(policy) => {
            assert!(policy.wanted().rules.len() <= policy.rules().len());
            assert_eq!(policy.explain().len(), policy.rules().len());
            for loaded in policy.rules() {
                let line = loaded.rule.line();
                // Names are longer than the numbers they were given by: a line may get too long.
                if line.len() > 6142 {
                    continue;
                }
                let again = load(&line).expect("a printed rule loads");
                assert_eq!(again.rules()[0].rule, loaded.rule);
            }
        }
    }
});
