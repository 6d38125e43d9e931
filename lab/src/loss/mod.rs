//! What a model is trained to make small. Each loss takes what the model gives, with its tape, and what was
//! wanted, and gives one number that `backward` starts from.
//!
//! A loss is one operation on the tape: its gradient is computed together with its value, by a loop that is
//! compiled here. That is faster than dfdx's losses, which are put together of tensor operations in each
//! cell, and leaves no logarithm of a rounded probability. No gradient goes to the target. On a GPU it is kernels that
//! compute both, where the prediction is.

mod binary;
mod classes;
mod contrastive;
mod divergence;
mod error;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
mod host;
mod regression;
mod shape;

use serde::{Deserialize, Serialize};

#[cfg(feature = "gpu")]
use gpu as place;
#[cfg(not(feature = "gpu"))]
use host as place;

pub use binary::{BceWithLogits, bce_with_logits_loss, sigmoid_focal_loss};
pub use classes::{CrossEntropy, cross_entropy, focal_loss};
pub use contrastive::{contrastive_loss, nt_xent_loss};
pub use divergence::{kl_div_loss, kl_div_with_logits_loss};
pub use error::LossError;
pub use regression::{huber_loss, mae_loss, mse_loss};
pub use shape::Loss;

/// How the losses of a batch become one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

#[cfg(test)]
mod tests;
