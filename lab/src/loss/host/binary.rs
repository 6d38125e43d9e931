//! Losses of scores that each answer a yes-or-no question.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::fused::{against, probabilities, rounded};
use crate::device::Dev;
use crate::loss::shape::Loss;
use crate::loss::{BceWithLogits, LossError, Reduction};
use crate::math::double::{exp, ln_1p, powf};

/// Binary cross-entropy.
pub(in crate::loss) fn binary_cross_entropy<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    options: &BceWithLogits,
) -> Result<Loss<T>, LossError> {
    against(scores, wanted, probabilities, &mut |scores, wanted| answers(scores, wanted, options))
}

/// Focal loss.
pub(in crate::loss) fn binary_focal<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    [alpha, gamma]: [f64; 2],
) -> Result<Loss<T>, LossError> {
    against(scores, wanted, probabilities, &mut |scores, wanted| focal(scores, wanted, alpha, gamma))
}

/// For each number x with target t and weight w: (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)).
fn answers(scores: &mut [f32], wanted: &[f32], options: &BceWithLogits) -> f64 {
    let weights = if options.pos_weight.is_empty() { &[1.0] } else { options.pos_weight.as_slice() };
    let scale = if options.reduction == Reduction::Mean { share(scores) } else { 1.0 };
    let mut sum = 0.0;
    for ((score, &wanted), &weight) in scores.iter_mut().zip(wanted).zip(weights.iter().cycle()) {
        let (x, wanted, weight) = (f64::from(*score), f64::from(wanted), f64::from(weight));
        let factor = 1.0 + (weight - 1.0) * wanted;
        sum += (1.0 - wanted) * x + factor * softplus(-x);
        *score = rounded(scale * ((1.0 - wanted) - factor * sigmoid(-x)));
    }
    sum * scale
}

/// With p = σ(x), c the cross-entropy and q = p (1 - t) + (1 - p) t the share that is wrong, the loss is
/// α q^γ c, and its derivative α (q^γ (p - t) + γ q^(γ-1) q' c), where q' = p (1 - p) (1 - 2 t).
fn focal(scores: &mut [f32], wanted: &[f32], alpha: f64, gamma: f64) -> f64 {
    let scale = share(scores);
    let mut sum = 0.0;
    for (score, &wanted) in scores.iter_mut().zip(wanted) {
        let (x, wanted) = (f64::from(*score), f64::from(wanted));
        let (p, not) = (sigmoid(x), sigmoid(-x));
        let cross_entropy = (1.0 - wanted) * x + softplus(-x);
        let wrong = p * (1.0 - wanted) + not * wanted;
        let alpha = alpha * wanted + (1.0 - alpha) * (1.0 - wanted);
        let slope = p * not * (1.0 - 2.0 * wanted);
        let bend = if wrong > 0.0 { gamma * powf(wrong, gamma - 1.0) * slope * cross_entropy } else { 0.0 };
        sum += alpha * powf(wrong, gamma) * cross_entropy;
        *score = rounded(scale * alpha * (powf(wrong, gamma) * (p - wanted) + bend));
    }
    sum * scale
}

/// What each number counts in the mean.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn share(numbers: &[f32]) -> f64 {
    1.0 / numbers.len() as f64
}

/// log(1 + exp(x)), for any x.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}
