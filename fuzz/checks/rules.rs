//! What must hold of any rule file: rules, or errors that name a line and deceive no terminal.
use std::path::Path;

use auklet_rules::{Category, Observation, RuleSet, Value, id};

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match RuleSet::default().and_parse(Path::new("r.yml"), text) {
        Err(errors) => {
            assert!(!errors.0.is_empty());
            for error in &errors.0 {
                assert!(error.line <= lines(text) + 1, "{error}");
                assert!(!error.to_string().contains(char::is_control), "{error:?}");
            }
        }
        Ok(set) => {
            for category in Category::ALL {
                let mut event = Observation::new(category);
                event.set(id!("Image"), Value::Bytes(b"/bin/\xff".to_vec()));
                event.set(id!("CommandLine"), Value::Bytes(b"a b -c /tmp/x".to_vec()));
                let found = set.evaluate(&event);
                assert!(found.len() <= set.rules().len());
            }
        }
    }
}

/// Lines as YAML 1.2 has them (5.4): a lone carriage return ends one, too.
fn lines(text: &str) -> usize {
    text.lines().map(|line| line.split('\r').count()).sum()
}
