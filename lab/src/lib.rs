//! lab
pub use {dfdx, plotters, polars, tracker};
