//! Shapes of what a loss takes and gives.

use dfdx::shapes::{HasShape, Rank0, Shape};
use dfdx::tensor::Tensor;

use super::LossError;
use crate::device::{Dev, DevError};

/// The loss of a batch: one number, with the tape of what it was computed from.
pub type Loss<T> = Tensor<Rank0, f32, Dev, T>;

/// The size of the last axis: of the classes, or of an embedding.
pub(super) fn width<S: Shape, T>(tensor: &Tensor<S, f32, Dev, T>) -> usize {
    tensor.shape().concrete().as_ref().last().copied().unwrap_or(1)
}

/// How many rows there are along the last axis; at least one.
pub(super) fn rows<S: Shape, T>(tensor: &Tensor<S, f32, Dev, T>) -> Result<usize, LossError> {
    match tensor.shape().num_elements().checked_div(width(tensor)) {
        None | Some(0) => Err(LossError::Empty),
        Some(rows) => Ok(rows),
    }
}

/// Shapes that the compiler knows are always the same here; others may differ.
pub(super) fn same_shape<S: Shape, T, R>(
    prediction: &Tensor<S, f32, Dev, T>,
    target: &Tensor<S, f32, Dev, R>,
) -> Result<(), LossError> {
    let (prediction, target) = (prediction.shape().concrete(), target.shape().concrete());
    if prediction == target {
        Ok(())
    } else {
        Err(LossError::Shape { prediction: prediction.into(), target: target.into() })
    }
}

pub(super) fn memory(error: DevError) -> LossError {
    LossError::Memory { reason: error.to_string() }
}
