//! What a notebook holds between cells, and what a new cell means for it. Knows no compiler.

pub(crate) mod define;
pub(crate) mod executions;
pub(crate) mod extension;
pub(crate) mod follow;
pub(crate) mod held;
mod living;
mod old_code;
pub(crate) mod plan;
mod settle;
pub(crate) mod state;
pub(crate) mod unchanged;
mod wave;
