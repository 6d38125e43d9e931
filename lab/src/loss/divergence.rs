//! How far one distribution is from another.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::LossError;
use super::error::probabilities;
use super::fused::{Loss, fused, rounded, target, width};
use super::softmax::softmax;
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
    let (width, wanted) = (width(&log_probabilities), target(&log_probabilities, wanted)?);
    fused(log_probabilities, &mut |logs| divergence(logs, &wanted, width))
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
    let (width, wanted) = (width(&scores), target(&scores, wanted)?);
    fused(scores, &mut |scores| divergence_of_scores(scores, &wanted, width))
}

fn divergence(logs: &mut [f32], wanted: &[f32], width: usize) -> Result<f64, LossError> {
    let share = row_share(wanted, width)?;
    let mut sum = 0.0;
    for (log, &wanted) in logs.iter_mut().zip(wanted) {
        // 0 · -∞ is 0 here: what is never wanted does not count.
        if wanted > 0.0 {
            sum += f64::from(wanted) * (f64::from(wanted).ln() - f64::from(*log));
        }
        *log = rounded(-f64::from(wanted) * share);
    }
    Ok(sum * share)
}

/// The derivative is (Σ t) softmax - t.
fn divergence_of_scores(scores: &mut [f32], wanted: &[f32], width: usize) -> Result<f64, LossError> {
    let share = row_share(wanted, width)?;
    let mut sum = 0.0;
    for (row, wanted) in scores.chunks_exact_mut(width).zip(wanted.chunks_exact(width)) {
        let given = row.to_vec();
        let log = softmax(row);
        for (&wanted, &score) in wanted.iter().zip(&given).filter(|(wanted, _)| **wanted > 0.0) {
            sum += f64::from(wanted) * (f64::from(wanted).ln() + log.surprise(score));
        }
        let total: f64 = wanted.iter().copied().map(f64::from).sum();
        for (share_of, &wanted) in row.iter_mut().zip(wanted) {
            *share_of = rounded((total * f64::from(*share_of) - f64::from(wanted)) * share);
        }
    }
    Ok(sum * share)
}

/// What each row counts in the mean.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn row_share(wanted: &[f32], width: usize) -> Result<f64, LossError> {
    if wanted.is_empty() {
        return Err(LossError::Empty);
    }
    probabilities(wanted)?;
    Ok(width as f64 / wanted.len() as f64)
}
