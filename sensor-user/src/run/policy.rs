//! `--audit-rules`: the policy of what is recorded, as the loop of a running sensor needs it.

use std::path::Path;

use anyhow::Result;

use crate::{
    event::{Aux, Event, What},
    kernel::Kernel,
    policy::{self, Policy, Verdict},
};

/// Reads a file or a directory of audit rules; what it does not take is an error, what it takes
/// otherwise than auditctl is said.
pub(super) fn load(path: &Path) -> Result<Policy> {
    let version = Kernel::running().version;
    let policy = Policy::load(path, &policy::System, version)?;
    for note in policy.notes() {
        log::warn!("{note}");
    }
    Ok(policy)
}

/// Without a policy: the four families, messages, and what the kernel logs in any case. Other calls are
/// seen for alert rules.
fn is_recorded(event: &Event) -> bool {
    let logged = |aux: &Aux| matches!(aux, Aux::Login { .. });
    !matches!(event.what, What::Other) || event.aux.iter().any(logged)
}

/// Decides about an event, and lets watches follow their files.
pub(super) fn decide(policy: Option<&mut Policy>, event: &mut Event) -> Verdict {
    let Some(policy) = policy else {
        return Verdict {
            record: is_recorded(event),
            ..Verdict::default()
        };
    };
    for item in &mut event.paths {
        item.file = item.file.filter(|file| !policy.ignores(file));
    }
    let verdict = policy.decide(event);
    event.key.clone_from(&verdict.key);
    let operations = event.aux.iter_mut().filter_map(|aux| match aux {
        Aux::Operation(operation) => Some(operation),
        _ => None,
    });
    for (operation, (recorded, key)) in operations.zip(verdict.operations.iter().cloned()) {
        (operation.recorded, operation.key) = (recorded, key);
    }
    policy.follow(event);
    verdict
}
