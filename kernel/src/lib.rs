//! The Jupyter kernel: `protocol` speaks Jupyter and knows no Rust; `session` holds one notebook and
//! implements `language::Language`; `cell` turns source into an outcome; `environment` is what cells link.

pub mod client;
pub mod kernelspec;
pub mod language;
pub mod notebook;
pub mod protocol;
