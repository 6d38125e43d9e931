//! Losses of class scores.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::fused::{fused, rounded};
use super::softmax::softmax;
use crate::device::Dev;
use crate::loss::shape::{Loss, width};
use crate::loss::{CrossEntropy, LossError, Reduction};
use crate::math::double::{exp, exp_m1, powf};

/// Cross-entropy.
pub(in crate::loss) fn cross_entropy<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: &[usize],
    options: &CrossEntropy,
) -> Result<Loss<T>, LossError> {
    let width = width(&scores);
    fused(scores, &mut |scores| options.compute(scores, classes, width))
}

/// Focal loss.
pub(in crate::loss) fn focal<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: &[usize],
    gamma: f64,
) -> Result<Loss<T>, LossError> {
    let width = width(&scores);
    fused(scores, &mut |scores| damped(scores, classes, width, gamma))
}

impl CrossEntropy {
    fn compute(&self, scores: &mut [f32], classes: &[usize], width: usize) -> f64 {
        let scale = if self.reduction == Reduction::Mean { 1.0 / self.counted(classes) } else { 1.0 };
        let all_weights: f64 = (0..width).map(|class| self.weight(class)).sum();
        let mut sum = 0.0;
        for (row, &class) in scores.chunks_exact_mut(width).zip(classes) {
            if Some(class) == self.ignore_index {
                row.fill(0.0);
            } else {
                sum += self.row(row, class, self.weight(class), all_weights, scale);
            }
        }
        sum * scale
    }

    /// The loss of one row. The target is q = (1 - ε) w(class) at the class, and ε w / C everywhere; the
    /// loss is Σ q (log Σ exp z - z), and its derivative (Σ q) softmax(z) - q.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn row(&self, row: &mut [f32], class: usize, weight: f64, all_weights: f64, scale: f64) -> f64 {
        let (sharp, even) = ((1.0 - self.label_smoothing) * weight, self.label_smoothing / row.len() as f64);
        let score = row[class];
        let spread = if even > 0.0 { Some(row.to_vec()) } else { None };
        let log = softmax(row);
        let mut loss = sharp * log.surprise(score);
        let total = rounded((sharp + even * all_weights) * scale);
        row.iter_mut().for_each(|share| *share *= total);
        row[class] -= rounded(sharp * scale);
        for (class, score) in spread.into_iter().flatten().enumerate() {
            let weight = self.weight(class);
            loss += even * weight * log.surprise(score);
            row[class] -= rounded(even * weight * scale);
        }
        loss
    }
}

/// With p the probability of the class, FL' = (γ p (1 - p)^(γ-1) log p - (1 - p)^γ) (δ - softmax).
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn damped(scores: &mut [f32], classes: &[usize], width: usize, gamma: f64) -> f64 {
    let count = classes.len() as f64;
    let mut sum = 0.0;
    for (row, &class) in scores.chunks_exact_mut(width).zip(classes) {
        let score = row[class];
        let surprise = softmax(row).surprise(score);
        // Rounding may leave less than nothing. NaN is not hidden by a maximum.
        let surprise = if surprise < 0.0 { 0.0 } else { surprise };
        let p = exp(-surprise);
        let wrong = -exp_m1(-surprise);
        // At p = 1 the loss and its derivative are 0, whatever 0 to a power below 0 would be.
        let damped = if wrong > 0.0 { gamma * p * powf(wrong, gamma - 1.0) * surprise } else { 0.0 };
        let factor = rounded((damped + powf(wrong, gamma)) / count);
        sum += powf(wrong, gamma) * surprise;
        row.iter_mut().for_each(|share| *share *= factor);
        row[class] -= factor;
    }
    sum / count
}
