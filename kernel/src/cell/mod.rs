//! The way of a cell, one arrow down: source, notebook, generated text, compiler, process. `engine` is the
//! loop above them; `correct`, `hints`, `explain` and `failure` say what went wrong on the way.

mod commit;
pub(crate) mod compiler;
mod correct;
pub(crate) mod dependency;
pub(crate) mod engine;
mod explain;
pub(crate) mod failure;
pub(crate) mod generated;
mod hints;
pub(crate) mod notebook;
pub(crate) mod process;
pub(crate) mod request;
mod settled;
pub(crate) mod source;
pub(crate) mod stop;
mod supervise;

pub use process::enter::cell_host;
