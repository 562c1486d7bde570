//! Correlation rules: what several events say together (Sigma correlation rules specification 2.1).
//!
//! A correlation fires at every event after which its condition holds, over the window that ends with
//! that event. Nothing outside asks the wall clock: times are those of events.
mod chains;
mod clock;
mod condition;
pub(crate) mod keys;
pub(crate) mod link;
mod measure;
mod sketch;
pub(crate) mod spec;
pub(crate) mod state;
mod store;
#[cfg(test)]
mod tests;
mod window;
