//! The pieces of a training loop that a person writes out: epochs with a progress bar, an optimizer
//! whose inner loop is compiled once, a running mean.

mod adam;
mod bar;
mod epochs;
mod mean;

pub use adam::{Adam, TrainError};
pub use epochs::{Epoch, Epochs, epochs};
pub use mean::Mean;
