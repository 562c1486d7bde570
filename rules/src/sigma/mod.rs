//! Sigma's language: from a file's text to rules as they were written, with every line known.
//!
//! Nothing here knows which fields there are or how a rule is evaluated. What is not understood is
//! an error that names the line; nothing is passed over.
pub(crate) mod condition;
pub(crate) mod detection;
pub(crate) mod modifier;
pub(crate) mod rule;
pub(crate) mod scalar;
pub(crate) mod text;
pub(crate) mod yaml;
