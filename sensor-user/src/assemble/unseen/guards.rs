//! fs.protected_hardlinks (fs/namei.c: may_linkat), told from the file as it is after the call.

use std::fs;

use bytes::Bytes;

use super::Story;
use crate::{assemble::failed::may, decode::CallFacts, event::FileFacts};

/// AUDIT_ANOM_LINK of include/uapi/linux/audit.h.
const ANOM_LINK: u32 = 1702;
const PROTECTED: &str = "/proc/sys/fs/protected_hardlinks";

/// What audit logs where the kernel refuses a link: nothing else than this rule is asked before.
pub(in crate::assemble) fn anomaly(facts: &CallFacts, kernel: (u32, u32)) -> Option<(u32, Bytes)> {
    let link = facts.is("link") || facts.is("linkat");
    if !link || facts.call.ret != -i64::from(libc::EPERM) {
        return None;
    }
    let mut story = Story::new(facts, kernel);
    story.linked();
    story
        .guarded
        .then(|| (ANOM_LINK, Bytes::from_static(b"linkat")))
}

/// Whether a link that was refused was refused by that rule.
pub(super) fn keeps(facts: &CallFacts, file: &FileFacts) -> bool {
    refuses(facts, file) && fs::read(PROTECTED).is_ok_and(|text| text.starts_with(b"1"))
}

/// Another's file that the caller could not write, or that gives rights to who runs it. That the caller has
/// CAP_FOWNER is not known here but of root.
fn refuses(facts: &CallFacts, file: &FileFacts) -> bool {
    let fsuid = facts.task.cred[6];
    if fsuid == 0 || fsuid == file.uid {
        return false;
    }
    let all = |bits: u32| file.mode & bits == bits;
    let regular = file.mode & libc::S_IFMT == libc::S_IFREG;
    let raising = all(libc::S_ISUID) || all(libc::S_ISGID | libc::S_IXGRP);
    !regular || raising || !may(facts, file, 4) || !may(facts, file, 2)
}
