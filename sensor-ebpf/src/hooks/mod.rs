//! One module per family, with the entry points of all three attach plans. Entry points only
//! fetch their arguments; what to do with them is the same for every plan.

pub(crate) mod accounts;
pub(crate) mod address;
pub(crate) mod clock;
pub(crate) mod exec;
pub(crate) mod file_caps;
pub(crate) mod module;
pub(crate) mod names;
pub(crate) mod netfilter;
pub(crate) mod open;
pub(crate) mod other;
pub(crate) mod process;
pub(crate) mod socket;
pub(crate) mod syscalls;
pub(crate) mod target;
pub(crate) mod uring;
pub(crate) mod utime;
