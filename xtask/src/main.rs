//! Builds, runs and tests Auklet.
fn main() {}
