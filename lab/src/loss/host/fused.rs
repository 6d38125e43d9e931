//! A loss as one operation on dfdx's tape. This is all that touches tensors; everything else here computes
//! on slices.

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Merge, PutTape, SplitTape, Tape, Tensor, TensorFrom};
use dfdx::tensor_ops::ReshapeTo;

use crate::device::{Dev, DevError, Numbers, edit};
use crate::loss::LossError;
use crate::loss::shape::{Loss, memory};

/// Computes a loss from the numbers of a prediction, row after row, and leaves its gradient in their place.
pub(super) type Compute<'a> = dyn FnMut(&mut [f32]) -> f64 + 'a;

/// The same from the numbers of a prediction and of a target, which stays.
pub(super) type ComputeAgainst<'a> = dyn FnMut(&mut [f32], &[f32]) -> f64 + 'a;

/// The same from the numbers of two embeddings.
pub(super) type ComputePair<'a> = dyn FnMut(&mut [f32], &mut [f32]) -> f64 + 'a;

/// Computes a loss from a prediction, and puts its gradient on the tape.
pub(super) fn fused<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    compute: &mut Compute<'_>,
) -> Result<Loss<T>, LossError> {
    let (prediction, mut tape) = prediction.try_contiguous().map_err(memory)?.split_tape();
    let mut numbers = copied(&prediction);
    let loss = prediction.device().try_tensor(rounded(compute(&mut numbers))).map_err(memory)?;
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
    let (first, tape) = first.try_contiguous().map_err(memory)?.split_tape();
    let (second, other) = second.try_contiguous().map_err(memory)?.split_tape();
    let mut tape = tape.merge(other);
    let (mut left, mut right) = (copied(&first), copied(&second));
    let loss = first.device().try_tensor(rounded(compute(&mut left, &mut right))).map_err(memory)?;
    let (from, to_first, to_second) = (loss.ghost(), first.ghost(), second.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = only(gradients.get_or_alloc_mut(&from)?)?;
        add_scaled(gradients.get_or_alloc_mut(&to_first)?, &left, scale)?;
        add_scaled(gradients.get_or_alloc_mut(&to_second)?, &right, scale)
    });
    Ok(loss.put_tape(tape))
}

/// Computes a loss from a prediction and a target of the same shape, once the target's numbers are found to be good.
pub(super) fn against<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    check: fn(&[f32]) -> Result<(), LossError>,
    compute: &mut ComputeAgainst<'_>,
) -> Result<Loss<T>, LossError> {
    let wanted = copied(&wanted.try_contiguous().map_err(memory)?);
    check(&wanted)?;
    fused(prediction, &mut |prediction| compute(prediction, &wanted))
}

/// Any target is good.
#[allow(clippy::unnecessary_wraps)] // others are checked
pub(super) fn anything(_: &[f32]) -> Result<(), LossError> {
    Ok(())
}

/// Whether all targets are probabilities.
pub(super) fn probabilities(target: &[f32]) -> Result<(), LossError> {
    match target.iter().position(|value| !(0.0..=1.0).contains(value)) {
        None => Ok(()),
        Some(place) => Err(LossError::Probability { place, value: target[place] }),
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
