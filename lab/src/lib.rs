//! lab
pub use {dfdx, polars, plotters, tracker};
