//! A rule file: rules or errors that name a line, never a panic; and what loads can be asked.
#![no_main]

use std::io::Write as _;

use auklet_rules::{Category, Observation, RuleSet, Value, id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(data).expect("room for it");
    match RuleSet::load(&[file.path().to_owned()]) {
        Err(errors) => assert!(!errors.0.is_empty()),
        Ok(set) => {
            for category in Category::ALL {
                let mut observation = Observation::new(category);
                observation.set(id!("Image"), Value::Bytes(b"/bin/\xff".to_vec()));
                set.evaluate(&observation);
            }
        }
    }
});
