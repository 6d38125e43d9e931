//! What a notebook cell imports: data, models, training, metrics, charts and the experiment tracker.
//!
//! A cell starts with `use lab::prelude::*`. The crate is one dynamic library that every cell links
//! against, compiled once at the highest level; so what loops over elements is here, behind functions
//! that are not generic, and what a cell instantiates stays thin.

pub mod data;
pub mod device;
pub mod display;
pub mod host;
pub mod loss;
pub mod math;
pub mod metric;
pub mod nn;
pub mod plot;
pub mod prelude;
pub mod tracker;
pub mod train;

pub use {dfdx, plotters, polars, serde, serde_json};
