//! Losses of scores that each answer a yes-or-no question.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};
use serde::{Deserialize, Serialize};

use super::error::{nonnegative, probabilities};
use super::fused::{Loss, fused, rounded, target, width};
use super::{LossError, Reduction};
use crate::device::Dev;

/// Binary cross-entropy between the sigmoid of the scores and the targets, probabilities from 0 to 1: the
/// mean over all numbers, in nats. As `torch.nn.functional.binary_cross_entropy_with_logits`.
///
/// # Errors
/// When the shapes differ, or a target is no probability: says which.
pub fn bce_with_logits_loss<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    BceWithLogits::new().loss(scores, wanted)
}

/// Binary cross-entropy with options. `torch.nn.BCEWithLogitsLoss`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BceWithLogits {
    /// How much a yes counts, against 1 for a no: one number for all, or one for each place of the last
    /// axis; 1 when empty. With 3 no for each yes, a weight of 3 makes both count the same.
    pub pos_weight: Vec<f32>,
    /// Mean or sum.
    pub reduction: Reduction,
}

impl BceWithLogits {
    /// Without options: the mean over all numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other weights for a yes.
    pub fn with_pos_weight(self, pos_weight: &[f32]) -> Self {
        Self { pos_weight: pos_weight.to_vec(), ..self }
    }

    /// The same with another reduction.
    pub fn with_reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss.
    ///
    /// # Errors
    /// As [`bce_with_logits_loss`], or when there is neither one weight nor one for each class.
    pub fn loss<S: Shape, T: Tape<f32, Dev>>(
        &self,
        scores: Tensor<S, f32, Dev, T>,
        wanted: Tensor<S, f32, Dev>,
    ) -> Result<Loss<T>, LossError> {
        let (width, wanted) = (width(&scores), target(&scores, wanted)?);
        fused(scores, &mut |scores| self.compute(scores, &wanted, width))
    }

    /// For each number x with target t and weight w: (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)).
    fn compute(&self, scores: &mut [f32], wanted: &[f32], width: usize) -> Result<f64, LossError> {
        if self.pos_weight.len() > 1 && self.pos_weight.len() != width {
            let got = self.pos_weight.len();
            return Err(LossError::Weights { what: "weights for a yes", expected: width, got });
        }
        self.pos_weight.iter().try_for_each(|&weight| nonnegative("a weight for a yes", f64::from(weight)))?;
        let weights = if self.pos_weight.is_empty() { &[1.0] } else { self.pos_weight.as_slice() };
        let scale = scale(scores, wanted, self.reduction)?;
        let mut sum = 0.0;
        for ((score, &wanted), &weight) in scores.iter_mut().zip(wanted).zip(weights.iter().cycle()) {
            let (x, wanted, weight) = (f64::from(*score), f64::from(wanted), f64::from(weight));
            let factor = 1.0 + (weight - 1.0) * wanted;
            sum += (1.0 - wanted) * x + factor * softplus(-x);
            *score = rounded(scale * ((1.0 - wanted) - factor * sigmoid(-x)));
        }
        Ok(sum * scale)
    }
}

/// Focal loss of yes-or-no scores: the mean of -`alpha` (1 - p)^`gamma` log p, with p the probability of the
/// right answer, and 1 - `alpha` in place of `alpha` where it is no. Lin et al., *Focal Loss for Dense Object
/// Detection*, 2017, equation 5; the paper takes 0.25 and 2. As `torchvision.ops.sigmoid_focal_loss` with
/// `reduction="mean"`.
///
/// # Errors
/// As [`bce_with_logits_loss`], or when `alpha` is not from 0 to 1 or `gamma` is below 0.
pub fn sigmoid_focal_loss<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    alpha: f64,
    gamma: f64,
) -> Result<Loss<T>, LossError> {
    let wanted = target(&scores, wanted)?;
    fused(scores, &mut |scores| focal(scores, &wanted, alpha, gamma))
}

/// With p = σ(x), c the cross-entropy and q = p (1 - t) + (1 - p) t the share that is wrong, the loss is
/// α q^γ c, and its derivative α (q^γ (p - t) + γ q^(γ-1) q' c), where q' = p (1 - p) (1 - 2 t).
fn focal(scores: &mut [f32], wanted: &[f32], alpha: f64, gamma: f64) -> Result<f64, LossError> {
    nonnegative("gamma", gamma)?;
    if !(0.0..=1.0).contains(&alpha) {
        return Err(LossError::Setting { setting: "alpha", value: alpha, allowed: "from 0 to 1" });
    }
    let scale = scale(scores, wanted, Reduction::Mean)?;
    let mut sum = 0.0;
    for (score, &wanted) in scores.iter_mut().zip(wanted) {
        let (x, wanted) = (f64::from(*score), f64::from(wanted));
        let (p, not) = (sigmoid(x), sigmoid(-x));
        let cross_entropy = (1.0 - wanted) * x + softplus(-x);
        let wrong = p * (1.0 - wanted) + not * wanted;
        let alpha = alpha * wanted + (1.0 - alpha) * (1.0 - wanted);
        let slope = p * not * (1.0 - 2.0 * wanted);
        let bend = if wrong > 0.0 { gamma * wrong.powf(gamma - 1.0) * slope * cross_entropy } else { 0.0 };
        sum += alpha * wrong.powf(gamma) * cross_entropy;
        *score = rounded(scale * alpha * (wrong.powf(gamma) * (p - wanted) + bend));
    }
    Ok(sum * scale)
}

/// What each number's loss is multiplied with.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn scale(scores: &[f32], wanted: &[f32], reduction: Reduction) -> Result<f64, LossError> {
    if scores.is_empty() {
        return Err(LossError::Empty);
    }
    probabilities(wanted)?;
    Ok(if reduction == Reduction::Mean { 1.0 / scores.len() as f64 } else { 1.0 })
}

/// log(1 + exp(x)), for any x.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
