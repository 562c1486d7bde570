//! The rule files that Debian's auditd ships load unchanged. They are not ours to ship: a directory
//! with them is named by AUKLET_AUDIT_EXAMPLES, or the package is installed.

use std::{env, fs, path::PathBuf};

use super::{Fake, KERNEL};
use crate::policy::Policy;

/// Rules in each file of auditd 3.0.9.
const FILES: &[(&str, usize)] = &[
    ("10-base-config.rules", 0),
    ("10-no-audit.rules", 1),
    ("11-loginuid.rules", 0),
    ("12-cont-fail.rules", 0),
    ("12-ignore-error.rules", 0),
    ("20-dont-audit.rules", 0),
    ("21-no32bit.rules", 1),
    ("22-ignore-chrony.rules", 2),
    ("23-ignore-filesystems.rules", 2),
    ("30-nispom.rules", 37),
    ("30-ospp-v42-1-create-failed.rules", 12),
    ("30-ospp-v42-1-create-success.rules", 6),
    ("30-ospp-v42-2-modify-failed.rules", 12),
    ("30-ospp-v42-2-modify-success.rules", 6),
    ("30-ospp-v42-3-access-failed.rules", 4),
    ("30-ospp-v42-3-access-success.rules", 2),
    ("30-ospp-v42-4-delete-failed.rules", 4),
    ("30-ospp-v42-4-delete-success.rules", 2),
    ("30-ospp-v42-5-perm-change-failed.rules", 4),
    ("30-ospp-v42-5-perm-change-success.rules", 2),
    ("30-ospp-v42-6-owner-change-failed.rules", 4),
    ("30-ospp-v42-6-owner-change-success.rules", 2),
    ("30-ospp-v42.rules", 33),
    ("30-pci-dss-v31.rules", 25),
    ("30-stig.rules", 34),
    ("31-privileged.rules", 0),
    ("32-power-abuse.rules", 1),
    ("40-local.rules", 0),
    ("41-containers.rules", 4),
    ("42-injection.rules", 7),
    ("43-module-load.rules", 4),
    ("44-installers.rules", 7),
    ("70-einval.rules", 2),
    ("71-networking.rules", 1),
    ("99-finalize.rules", 0),
];

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
