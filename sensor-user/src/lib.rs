//! Auklet's user space: load the eBPF programs, decode what they send, assemble audit events,
//! enrich them, and turn them into records and alerts.

pub mod alerting;
pub mod assemble;
pub mod audit_log;
pub mod cli;
pub mod decode;
pub mod doctor;
pub mod enrich;
pub mod event;
pub mod json;
pub mod kernel;
pub mod load;
pub mod policy;
pub mod privileges;
pub mod process;
pub mod records;
pub mod replay;
pub mod rules_command;
pub mod run;
pub mod script;
pub mod status_command;
pub mod syscalls;
