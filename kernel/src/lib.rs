//! The Jupyter kernel: `protocol` speaks Jupyter and knows no Rust; `session` holds one notebook and
//! implements `language::Language`; `cell` turns source into an outcome; `environment` is what cells link.

mod assist;
mod cell;
pub mod client;
mod command;
pub mod environment;
pub mod guard;
pub mod kernelspec;
pub mod language;
pub mod notebook;
pub mod protocol;
mod session;
mod slice;
pub mod sweep;

pub use cell::cell_host;
pub use session::Session;
pub use slice::slice;
