//! How far one distribution is from another.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::fused::{against, probabilities, rounded};
use super::softmax::softmax;
use crate::device::Dev;
use crate::loss::LossError;
use crate::loss::shape::{Loss, width};
use crate::math::double::ln;

/// The Kullback-Leibler divergence of each row of logarithms of probabilities from its target.
pub(in crate::loss) fn divergence<S: Shape, T: Tape<f32, Dev>>(
    logs: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    let width = width(&logs);
    against(logs, wanted, probabilities, &mut |logs, wanted| of_logs(logs, wanted, width))
}

/// That of the softmax of each row of scores.
pub(in crate::loss) fn divergence_of_scores<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    let width = width(&scores);
    against(scores, wanted, probabilities, &mut |scores, wanted| of_scores(scores, wanted, width))
}

/// Of logarithms of probabilities.
fn of_logs(logs: &mut [f32], wanted: &[f32], width: usize) -> f64 {
    let share = row_share(wanted, width);
    let mut sum = 0.0;
    for (log, &wanted) in logs.iter_mut().zip(wanted) {
        // 0 · -∞ is 0 here: what is never wanted does not count.
        if wanted > 0.0 {
            sum += f64::from(wanted) * (ln(f64::from(wanted)) - f64::from(*log));
        }
        *log = rounded(-f64::from(wanted) * share);
    }
    sum * share
}

/// Of scores. The derivative is (Σ t) softmax - t.
fn of_scores(scores: &mut [f32], wanted: &[f32], width: usize) -> f64 {
    let share = row_share(wanted, width);
    let mut sum = 0.0;
    for (row, wanted) in scores.chunks_exact_mut(width).zip(wanted.chunks_exact(width)) {
        let given = row.to_vec();
        let log = softmax(row);
        for (&wanted, &score) in wanted.iter().zip(&given).filter(|(wanted, _)| **wanted > 0.0) {
            sum += f64::from(wanted) * (ln(f64::from(wanted)) + log.surprise(score));
        }
        let total: f64 = wanted.iter().copied().map(f64::from).sum();
        for (share_of, &wanted) in row.iter_mut().zip(wanted) {
            *share_of = rounded((total * f64::from(*share_of) - f64::from(wanted)) * share);
        }
    }
    sum * share
}

/// What each row counts in the mean.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn row_share(wanted: &[f32], width: usize) -> f64 {
    width as f64 / wanted.len() as f64
}
