//! Help while writing: completion, inspection, completeness, the table of variables. None of it runs code.

pub(crate) mod complete;
pub(crate) mod completeness;
pub(crate) mod inspect;
mod members;
pub(crate) mod variables;
