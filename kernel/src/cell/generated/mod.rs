//! The crate that a cell becomes.

pub(crate) mod flags;
pub(crate) mod frames;
pub(crate) mod krate;
mod statics;
pub(crate) mod text;
pub(crate) mod types;
