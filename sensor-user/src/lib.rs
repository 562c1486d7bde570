//! Auklet's user space: load the eBPF programs, decode what they send, assemble audit events,
//! enrich them, and turn them into records and alerts.

pub mod assemble;
pub mod decode;
pub mod event;
pub mod load;
pub mod process;
pub mod script;
pub mod syscalls;
