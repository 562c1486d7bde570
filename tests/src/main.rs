//! The end-to-end driver that runs inside the guests.
fn main() {}
