//! The rule files that Debian's auditd ships load unchanged. They are not ours to ship: a directory
//! with them is named by AUKLET_AUDIT_EXAMPLES, or the package is installed.

use std::{env, fs, path::PathBuf};

use super::{Fake, KERNEL};
use crate::policy::Policy;

/// Rules in each file of auditd 3.0.9.
const FILES: &[(&str, usize)] = &[("10-base-config.rules", 0)];

#[test]
fn the_files_of_auditd_load() {
    let named = env::var_os("AUKLET_AUDIT_EXAMPLES").map(PathBuf::from);
    let dir = named.unwrap_or_else(|| "/usr/share/doc/auditd/examples/rules".into());
    if !dir.is_dir() {
        println!("skipped: no {}", dir.display());
        return;
    }
    let mut seen = 0;
    for (name, rules) in FILES {
        let path = dir.join(name);
        if !path.exists() {
            continue;
        }
        let policy = Policy::load(&path, &Fake::usual(), KERNEL).expect(name);
        assert_eq!(policy.rules().len(), *rules, "{name}");
        seen += 1;
    }
    let all = fs::read_dir(&dir).expect("directory").count();
    println!("{seen} of {all} files");
    assert!(seen > 0);
}
