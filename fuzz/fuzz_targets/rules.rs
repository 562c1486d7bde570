//! A rule file: rules or errors that name a line, never a panic; and what loads can be asked.
#![no_main]

#[path = "../checks/rules.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(|data: &[u8]| rules::check(data));
