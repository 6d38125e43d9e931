//! What a notebook holds between cells, and what a new cell means for it. Knows no compiler.

pub(crate) mod define;
pub(crate) mod executions;
pub(crate) mod extension;
pub(crate) mod follow;
pub(crate) mod held;
pub(crate) mod plan;
pub(crate) mod state;
pub(crate) mod unchanged;
