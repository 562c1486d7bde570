//! The cases, a file for each family.

mod accounts;
mod bad_input;
mod exec;
mod filter;
mod limits;
mod loss;
mod module;
mod open;
mod plan;
mod privileges;
mod process;
mod records;
mod reload;
mod rules;
mod utime;
mod watched;
mod who;

pub(crate) use self::module::dummy;
use crate::harness::{Case, Lone};

/// Cases under one sensor that sends every open.
pub(crate) fn shared() -> impl Iterator<Item = &'static Case> {
    [
        exec::CASES,
        module::CASES,
        open::CASES,
        open::names::CASES,
        open::failures::CASES,
        utime::CASES,
        process::CASES,
    ]
    .into_iter()
    .flatten()
}

/// Cases that start their own sensor.
pub(crate) fn lone() -> impl Iterator<Item = &'static Lone> {
    [
        accounts::CASES,
        bad_input::CASES,
        filter::CASES,
        privileges::CASES,
        records::CASES,
        reload::CASES,
        rules::CASES,
        loss::CASES,
        watched::CASES,
        limits::CASES,
        plan::CASES,
        open::ring::CASES,
    ]
    .into_iter()
    .flatten()
}
