//! The process that runs cells, seen from the kernel.

pub(crate) mod content;
pub(crate) mod enter;
pub(crate) mod handle;
pub(crate) mod host;
mod owner;
pub(crate) mod pump;
