//! The cases, a file for each family.

mod bad_input;
mod exec;
mod module;
mod open;
mod overrun;
mod process;
mod records;
mod times;
mod who;

use crate::harness::{Case, Lone};

/// Cases under one sensor that sends every open.
pub(crate) fn shared() -> impl Iterator<Item = &'static Case> {
    [
        exec::CASES,
        module::CASES,
        open::CASES,
        times::CASES,
        process::CASES,
    ]
    .into_iter()
    .flatten()
}

/// Cases that start their own sensor.
pub(crate) fn lone() -> impl Iterator<Item = &'static Lone> {
    [bad_input::CASES, records::CASES, overrun::CASES]
        .into_iter()
        .flatten()
}
