//! What an administrator changes without editing shipped rules: exceptions, overrides, lists.
pub(crate) mod exception;
pub(crate) mod lists;
pub(crate) mod overrides;
