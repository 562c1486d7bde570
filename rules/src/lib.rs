//! Detection rules and alerts: what a rule may ask, whether an event answers it, and how an alert reads.
//!
//! The crate knows nothing of eBPF. The sensor describes one event as an [`Observation`]; a
//! [`RuleSet`] says which rules match it; an [`Alert`] is a match together with who did it and the
//! audit records that prove it. How Sigma is read is `sigma`'s matter, how it is evaluated `engine`'s
//! (docs/adr/0004-sigma-evaluation.md).
#![forbid(unsafe_code)]

mod alert;
pub mod analysis;
mod cases;
mod category;
mod check;
#[cfg(test)]
mod conformance;
mod correlation;
mod detector;
#[cfg(test)]
mod differential;
mod document;
mod engine;
mod error;
mod evidence;
mod fields;
mod interest;
mod json;
mod load;
mod logsource;
mod meta;
mod observation;
#[cfg(test)]
mod oracle;
mod pins;
mod printable;
mod render;
mod ruleset;
mod sigma;
mod throttle;
mod tuning;

pub use alert::{Alert, Ancestor, Process, Scene};
pub use cases::{Case, Tested, cases, test, tests_of};
pub use category::Category;
pub use correlation::state::{CorrelationCounts, Moment};
pub use detector::{DEFAULT_CORRELATION_BYTES, Detector, Proof, Raised};
pub use engine::{
    AlternativeVerdict, ConditionVerdict, Explanation, Finding, ItemVerdict, Lists, Matched,
    SelectionVerdict, ValueVerdict,
};
pub use error::{RuleError, RuleErrors};
pub use evidence::EventRef;
pub use fields::{FIELDS, Field, FieldId, Kind, NOT_OFFERED, field};
pub use interest::{AuditInterest, FileNames, Interest};
pub use meta::{Level, RuleMeta};
pub use observation::{Observation, Value};
pub use printable::{Text, printable};
pub use render::render;
pub use ruleset::{RuleCounts, RuleSet, source};
pub use throttle::{Entity, Throttle, ThrottleCounts, ThrottleSettings};
