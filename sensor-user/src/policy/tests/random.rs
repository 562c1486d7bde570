//! Random rules and events.
