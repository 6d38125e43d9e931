//! A loss as one operation on dfdx's tape. This is all that touches tensors; everything else here computes
//! on slices.

use dfdx::shapes::{HasShape, Rank0, Shape};
use dfdx::tensor::{Merge, PutTape, SplitTape, Tape, Tensor, TensorFrom};
use dfdx::tensor_ops::ReshapeTo;

use super::LossError;
use crate::device::{Dev, DevError, Numbers, edit};

/// Computes a loss from the numbers of a prediction, row after row, and leaves its gradient in their place.
pub(super) type Compute<'a> = dyn FnMut(&mut [f32]) -> Result<f64, LossError> + 'a;

/// The same from the numbers of two embeddings.
pub(super) type ComputePair<'a> = dyn FnMut(&mut [f32], &mut [f32]) -> Result<f64, LossError> + 'a;

/// The loss of a batch: one number, with the tape of what it was computed from.
pub type Loss<T> = Tensor<Rank0, f32, Dev, T>;

/// Computes a loss from a prediction, and puts its gradient on the tape.
pub(super) fn fused<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    compute: &mut Compute<'_>,
) -> Result<Loss<T>, LossError> {
    let (prediction, mut tape) = prediction.try_contiguous().map_err(memory)?.split_tape();
    let mut numbers = copied(&prediction);
    let loss = prediction.device().try_tensor(rounded(compute(&mut numbers)?)).map_err(memory)?;
    let (from, to) = (loss.ghost(), prediction.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = only(gradients.get_or_alloc_mut(&from)?)?;
        add_scaled(gradients.get_or_alloc_mut(&to)?, &numbers, scale)
    });
    Ok(loss.put_tape(tape))
}

/// Computes a loss from two embeddings of the same shape, both of which get a gradient.
pub(super) fn fused_pair<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    compute: &mut ComputePair<'_>,
) -> Result<Loss<T>, LossError> {
    same_shape(&first, &second)?;
    let (first, tape) = first.try_contiguous().map_err(memory)?.split_tape();
    let (second, other) = second.try_contiguous().map_err(memory)?.split_tape();
    let mut tape = tape.merge(other);
    let (mut left, mut right) = (copied(&first), copied(&second));
    let loss = first.device().try_tensor(rounded(compute(&mut left, &mut right)?)).map_err(memory)?;
    let (from, to_first, to_second) = (loss.ghost(), first.ghost(), second.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = only(gradients.get_or_alloc_mut(&from)?)?;
        add_scaled(gradients.get_or_alloc_mut(&to_first)?, &left, scale)?;
        add_scaled(gradients.get_or_alloc_mut(&to_second)?, &right, scale)
    });
    Ok(loss.put_tape(tape))
}

/// The numbers of a target that must have the shape of the prediction, row after row.
pub(super) fn target<S: Shape, T>(
    prediction: &Tensor<S, f32, Dev, T>,
    target: Tensor<S, f32, Dev>,
) -> Result<Vec<f32>, LossError> {
    same_shape(prediction, &target)?;
    Ok(copied(&target.try_contiguous().map_err(memory)?))
}

/// The size of the last axis: of the classes, or of an embedding.
pub(super) fn width<S: Shape, T>(tensor: &Tensor<S, f32, Dev, T>) -> usize {
    tensor.shape().concrete().as_ref().last().copied().unwrap_or(1)
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

fn copied<S: Shape>(tensor: &Tensor<S, f32, Dev>) -> Vec<f32> {
    let mut numbers = zeros(tensor.shape().num_elements());
    tensor.copy_into(&mut numbers);
    numbers
}

/// Made here, where it is compiled with optimisation.
#[inline(never)]
fn zeros(len: usize) -> Vec<f32> {
    vec![0.0; len]
}

/// What was summed up in f64 is kept in f32, as tensors are.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn rounded(value: f64) -> f32 {
    value as f32
}

pub(super) fn memory(error: DevError) -> LossError {
    LossError::Memory { reason: error.to_string() }
}

/// The one number of a loss's gradient.
#[inline(never)]
fn only(numbers: &mut Numbers) -> Result<f32, DevError> {
    edit(numbers, |numbers| numbers.first().copied().unwrap_or(0.0))
}

/// The chain rule: what comes from further on, times the loss's own gradient.
#[inline(never)]
fn add_scaled(into: &mut Numbers, gradient: &[f32], scale: f32) -> Result<(), DevError> {
    edit(into, |into| {
        for (into, gradient) in into.iter_mut().zip(gradient) {
            *into += scale * gradient;
        }
    })
}
