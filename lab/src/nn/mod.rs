//! What models need beyond dfdx's layers.

mod summary;

pub use summary::{Summary, summary};
