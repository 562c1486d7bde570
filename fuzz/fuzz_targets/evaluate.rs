//! An event, put to rules with every modifier: the index and each rule alone say the same.
#![no_main]

#[path = "../checks/evaluate.rs"]
mod evaluate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| evaluate::check(data));
