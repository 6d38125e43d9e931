//! The process that runs cells, seen from the kernel.

pub(crate) mod content;
pub(crate) mod enter;
pub(crate) mod host;
pub(crate) mod pump;
