//! From a cell's source to its outcome: split, generate, compile, run; and what rustc says on the way.

pub(crate) mod bindings;
pub(crate) mod brackets;
pub(crate) mod cache;
pub(crate) mod compile;
mod content;
pub(crate) mod dependency;
pub(crate) mod diagnostics;
pub(crate) mod engine;
mod enter;
pub(crate) mod executions;
mod explain;
mod extension;
pub(crate) mod failure;
mod follow;
pub(crate) mod generate;
pub(crate) mod generated;
pub(crate) mod host;
mod imports;
pub(crate) mod items;
pub(crate) mod names;
mod naming;
pub(crate) mod opt;
pub(crate) mod pump;
mod settle;
pub(crate) mod split;
pub(crate) mod state;
pub(crate) mod stop;
mod tier;
mod trouble;
pub(crate) mod types;
mod unchanged;
mod uses;

pub use enter::cell_host;
