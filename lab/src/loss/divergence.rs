//! How far one distribution is from another.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::shape::{Loss, rows, same_shape};
use super::{LossError, place};
use crate::device::Dev;

/// The Kullback-Leibler divergence Σ t (log t - log p) of each row from its target t, where log p is what
/// the model gives; the mean over the rows. As `torch.nn.functional.kl_div` with `reduction="batchmean"`.
/// A target of 0 adds nothing.
///
/// # Errors
/// When the shapes differ, or a target is no probability: says which.
pub fn kl_div_loss<S: Shape, T: Tape<f32, Dev>>(
    log_probabilities: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    same_shape(&log_probabilities, &wanted)?;
    rows(&log_probabilities)?;
    place::divergence(log_probabilities, wanted)
}

/// [`kl_div_loss`] of scores, whose softmax along the last axis is taken here: to learn from another
/// model's probabilities.
///
/// # Errors
/// As [`kl_div_loss`].
pub fn kl_div_with_logits_loss<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    same_shape(&scores, &wanted)?;
    rows(&scores)?;
    place::divergence_of_scores(scores, wanted)
}
