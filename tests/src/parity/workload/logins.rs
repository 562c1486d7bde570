//! Login uids, set by a write to /proc/PID/loginuid: the first, another, none; refused to who may not, and
//! by the kernel's features. fs/proc/base.c, `proc_loginuid_write`; kernel/auditsc.c, `audit_set_loginuid`.

use libc::{O_WRONLY, c_long};

use super::{NOBODY, call::call, in_child, tell_audit};

/// What is written, one after the other, by a process of its own; the first to be set is 7777.
const SETS: &[&[&str]] = &[
    &["7778"],
    &["7778", "7779\n"],
    &["7777"],
    &["0"],
    &["4294967294"],
    &["4294967295", "7778", "7779"],
    &["4294967295", "4294967295"],
    // No numbers: refused before audit is asked.
    &["words", "", "-1", "4294967296", "7778 "],
];

pub(super) fn logins() {
    for texts in SETS {
        in_child(|| each(own(), texts));
        in_child(|| each_at_start(own(), texts));
    }
    // Another's is never set.
    let ours = own();
    in_child(|| each_at_start(ours, &["7778"]));
    super::closed(ours);
    for first in ["7777", "4294967295"] {
        in_child(|| {
            let file = own();
            each(file, &[first]);
            call!(SYS_setresgid, NOBODY, NOBODY, NOBODY);
            call!(SYS_setresuid, NOBODY, NOBODY, NOBODY);
            each(file, &["1234"]);
            each_at_start(file, &["1235", "4294967295"]);
        });
    }
    features();
}

/// AUDIT_FEATURE_ONLY_UNSET_LOGINUID, AUDIT_FEATURE_LOGINUID_IMMUTABLE, as bits.
const FEATURES: [u32; 2] = [1, 2];

/// What the features refuse to root, too. Not locked: they are off again behind it.
fn features() {
    for feature in FEATURES {
        set_feature(feature, feature);
        in_child(|| each(own(), &["7778", "4294967295"]));
        set_feature(feature, 0);
        in_child(|| each(own(), &["4294967295"]));
    }
}

/// By a child with a login uid that no rule asks for: what it tells audit is no act.
fn set_feature(mask: u32, features: u32) {
    const SET_FEATURE: u16 = 1018;
    // struct audit_features of linux/audit.h: version, mask, features, lock.
    let body = [1, mask, features, 0].map(u32::to_ne_bytes).concat();
    in_child(|| {
        each(own(), &["7778"]);
        tell_audit(SET_FEATURE, &body);
    });
}

fn own() -> c_long {
    call!(SYS_open, c"/proc/self/loginuid", O_WRONLY)
}

/// write(2), which no rule asks for.
fn each(file: c_long, texts: &[&str]) {
    for text in texts {
        call!(SYS_write, file, text.as_bytes(), text.len());
    }
}

/// pwrite64(2), which a rule asks for as long as the login uid is the workload's.
fn each_at_start(file: c_long, texts: &[&str]) {
    for text in texts {
        call!(SYS_pwrite64, file, text.as_bytes(), text.len(), 0);
    }
    // Beyond the start nothing is written.
    call!(SYS_pwrite64, file, &b"7778"[..], 4, 1);
}
