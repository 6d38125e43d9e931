//! Losses of numbers.

use cuda::math::loss::Distance;
use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::error::positive;
use super::shape::{Loss, rows, same_shape};
use super::{LossError, place};
use crate::device::Dev;

/// The mean of the squared differences, as `torch.nn.functional.mse_loss`.
///
/// # Errors
/// When the shapes differ or are empty; shapes that the compiler knows can't.
pub fn mse_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    distance(prediction, wanted, Distance::Squared)
}

/// The mean of the absolute differences, as `torch.nn.functional.l1_loss`. Where there is no difference,
/// the gradient is 0.
///
/// # Errors
/// As [`mse_loss`].
pub fn mae_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    distance(prediction, wanted, Distance::Absolute)
}

/// Half the squared difference up to `delta`, and a line that continues it beyond, so that outliers count
/// less; their mean. Huber, *Robust Estimation of a Location Parameter*, 1964; as
/// `torch.nn.functional.huber_loss`.
///
/// # Errors
/// As [`mse_loss`], or when `delta` is not above 0.
#[allow(clippy::cast_possible_truncation)] // used in f32 as the predictions are
pub fn huber_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    delta: impl Into<f64>,
) -> Result<Loss<T>, LossError> {
    let delta = delta.into();
    positive("delta", delta)?;
    distance(prediction, wanted, Distance::Huber(delta as f32))
}

/// The mean distance of a prediction from what was wanted.
fn distance<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    distance: Distance,
) -> Result<Loss<T>, LossError> {
    same_shape(&prediction, &wanted)?;
    rows(&prediction)?;
    place::distance(prediction, wanted, distance)
}
