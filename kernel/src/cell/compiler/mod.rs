//! rustc: what is asked of it, what it says, and optimised code for cells that run.

pub(crate) mod cache;
pub(crate) mod diagnostics;
pub(crate) mod error;
pub(crate) mod level;
pub(crate) mod naming;
pub(crate) mod rustc;
mod seal;
pub(crate) mod swap;
pub(crate) mod trouble;
