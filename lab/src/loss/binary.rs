//! Losses of scores that each answer a yes-or-no question.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};
use serde::{Deserialize, Serialize};

use super::error::nonnegative;
use super::shape::{Loss, rows, same_shape, width};
use super::{LossError, Reduction, place};
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
        same_shape(&scores, &wanted)?;
        self.check(width(&scores))?;
        rows(&scores)?;
        place::binary_cross_entropy(scores, wanted, self)
    }

    fn check(&self, width: usize) -> Result<(), LossError> {
        if self.pos_weight.len() > 1 && self.pos_weight.len() != width {
            let got = self.pos_weight.len();
            return Err(LossError::Weights { what: "weights for a yes", expected: width, got });
        }
        self.pos_weight.iter().try_for_each(|&weight| nonnegative("a weight for a yes", f64::from(weight)))
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
    same_shape(&scores, &wanted)?;
    nonnegative("gamma", gamma)?;
    if !(0.0..=1.0).contains(&alpha) {
        return Err(LossError::Setting { setting: "alpha", value: alpha, allowed: "from 0 to 1" });
    }
    rows(&scores)?;
    place::binary_focal(scores, wanted, [alpha, gamma])
}
