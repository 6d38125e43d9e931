//! The Jupyter kernel: `protocol` speaks Jupyter and knows no Rust; `session` holds one notebook and
//! implements `language::Language`; `cell` turns source into an outcome; `environment` is what cells link.

mod assist;
mod cell;
mod command;
pub mod environment;
pub mod language;
mod session;

pub use cell::cell_host;
pub use session::Session;
