//! Losses that a GPU computes where the predictions are.

mod fused;

use cuda::math::loss::{self, Distance};
use cuda::math::{contrastive as pairs, divergence as distributions, focal as damped};
use dfdx::shapes::Shape;
use dfdx::tensor::{Merge, Tape, Tensor};

use self::fused::{against, anything, fused, fused_pair, probabilities};
use super::shape::{Loss, width};
use super::{BceWithLogits, CrossEntropy, LossError, Reduction};
use crate::device::Dev;

/// The mean distance of a prediction from what was wanted.
pub(super) fn distance<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    distance: Distance,
) -> Result<Loss<T>, LossError> {
    against(prediction, wanted, anything, &mut |places, wanted| {
        distance.loss(places.prediction, wanted, places.gradient, places.loss)
    })
}

/// Cross-entropy.
pub(super) fn cross_entropy<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: &[usize],
    options: &CrossEntropy,
) -> Result<Loss<T>, LossError> {
    let classes: Vec<u32> = classes.iter().copied().map(narrow).collect();
    let options = loss::CrossEntropy {
        label_smoothing: options.label_smoothing,
        class_weights: &options.class_weights,
        ignored: options.ignore_index.map(narrow),
        sum: options.reduction == Reduction::Sum,
    };
    fused(scores, &mut |places| options.loss(places.prediction, &classes, places.gradient, places.loss))
}

/// Focal loss of classes.
pub(super) fn focal<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: &[usize],
    gamma: f64,
) -> Result<Loss<T>, LossError> {
    let classes: Vec<u32> = classes.iter().copied().map(narrow).collect();
    fused(scores, &mut |places| damped::focal(places.prediction, &classes, gamma, places.gradient, places.loss))
}

/// Binary cross-entropy.
pub(super) fn binary_cross_entropy<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    options: &BceWithLogits,
) -> Result<Loss<T>, LossError> {
    let (weights, sum) = (options.pos_weight.as_slice(), options.reduction == Reduction::Sum);
    against(scores, wanted, probabilities, &mut |places, wanted| {
        loss::binary_cross_entropy(places.prediction, wanted, weights, sum, places.gradient, places.loss)
    })
}

/// Focal loss of yes-or-no scores.
pub(super) fn binary_focal<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    alpha_gamma: [f64; 2],
) -> Result<Loss<T>, LossError> {
    against(scores, wanted, probabilities, &mut |places, wanted| {
        damped::binary_focal(places.prediction, wanted, alpha_gamma, places.gradient, places.loss)
    })
}

/// The Kullback-Leibler divergence of each row of logarithms of probabilities from its target.
pub(super) fn divergence<S: Shape, T: Tape<f32, Dev>>(
    logs: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    let width = width(&logs);
    against(logs, wanted, probabilities, &mut |places, wanted| {
        distributions::divergence(places.prediction, wanted, width, places.gradient, places.loss)
    })
}

/// That of the softmax of each row of scores.
pub(super) fn divergence_of_scores<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    let width = width(&scores);
    against(scores, wanted, probabilities, &mut |places, wanted| {
        distributions::divergence_of_scores(places.prediction, wanted, width, places.gradient, places.loss)
    })
}

/// The contrastive loss of pairs of rows.
pub(super) fn contrastive<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    same: &[bool],
    margin: f64,
) -> Result<Loss<T>, LossError> {
    fused_pair(first, second, &mut |places| {
        pairs::contrastive(places.pair, same, margin, places.gradients, places.loss)
    })
}

/// NT-Xent.
pub(super) fn nt_xent<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    temperature: f64,
) -> Result<Loss<T>, LossError> {
    let width = width(&first);
    fused_pair(first, second, &mut |places| {
        pairs::nt_xent(places.pair, width, temperature, places.gradients, places.loss)
    })
}

/// A class as a kernel takes it. None has a number above 2^32, but one that is to be ignored may.
fn narrow(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}
