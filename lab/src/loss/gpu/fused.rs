//! A loss as one operation on dfdx's tape, computed where the prediction is: nothing is copied but the answer whether a
//! target is good.

use cuda::code::{Failure, Outcome};
use cuda::gpu::unfilled;
use cuda::math::{Buffer, Room, loss};
use dfdx::shapes::{Rank0, Shape};
use dfdx::tensor::{Merge, PutTape, SplitTape, Tape, Tensor, ZerosTensor};
use dfdx::tensor_ops::ReshapeTo;

use crate::device::{Dev, DevError, Numbers, buffer, buffer_of, failed};
use crate::loss::LossError;
use crate::loss::shape::{Loss, memory};

/// Where the numbers of a loss are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// The prediction.
    pub(super) prediction: Buffer,
    /// Its gradient, to be written.
    pub(super) gradient: Buffer,
    /// The loss, one number, to be written.
    pub(super) loss: Buffer,
}

/// Where the numbers of a loss of two embeddings are.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairPlaces {
    /// Both embeddings.
    pub(super) pair: [Buffer; 2],
    /// Their gradients, to be written.
    pub(super) gradients: [Buffer; 2],
    /// The loss, one number, to be written.
    pub(super) loss: Buffer,
}

/// Starts the kernels of a loss.
pub(super) type Compute<'a> = dyn FnMut(Places) -> Outcome<()> + 'a;

/// Starts those of a loss with a target.
pub(super) type ComputeAgainst<'a> = dyn FnMut(Places, Buffer) -> Outcome<()> + 'a;

/// Starts those of a loss of two embeddings.
pub(super) type ComputePair<'a> = dyn FnMut(PairPlaces) -> Outcome<()> + 'a;

/// Computes a loss and its gradient, and puts the gradient on the tape.
pub(super) fn fused<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    compute: &mut Compute<'_>,
) -> Result<Loss<T>, LossError> {
    let (prediction, mut tape) = prediction.try_contiguous().map_err(memory)?.split_tape();
    let result: Tensor<Rank0, f32, Dev> = unfilled(|| prediction.device().try_zeros()).map_err(memory)?;
    let place = buffer(&prediction).map_err(memory)?;
    let kept = run(place, buffer(&result).map_err(memory)?, compute).map_err(of_gpu)?;
    let (from, to) = (result.ghost(), prediction.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = buffer_of(gradients.get_or_alloc_mut(&from)?);
        add_scaled(gradients.get_or_alloc_mut(&to)?, &kept, scale)
    });
    Ok(result.put_tape(tape))
}

/// Computes a loss from a prediction and a target of the same shape, once the target's numbers are found to be good.
pub(super) fn against<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    check: fn(Buffer) -> Result<(), LossError>,
    compute: &mut ComputeAgainst<'_>,
) -> Result<Loss<T>, LossError> {
    let wanted = wanted.try_contiguous().map_err(memory)?;
    let target = buffer(&wanted).map_err(memory)?;
    check(target)?;
    fused(prediction, &mut |places| compute(places, target))
}

/// Any target is good.
#[allow(clippy::unnecessary_wraps)] // others are checked
pub(super) fn anything(_: Buffer) -> Result<(), LossError> {
    Ok(())
}

/// Whether all targets are probabilities. A loss must be refused before anything is on the tape, so this waits for the
/// device in any case. A kernel looks, for a target is as large as a prediction: what is copied is a number for every
/// 4,096 of it.
pub(super) fn probabilities(target: Buffer) -> Result<(), LossError> {
    match loss::improbable(target).map_err(of_gpu)? {
        None => Ok(()),
        Some((place, value)) => Err(LossError::Probability { place, value }),
    }
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
    let result: Tensor<Rank0, f32, Dev> = unfilled(|| first.device().try_zeros()).map_err(memory)?;
    let pair = [buffer(&first).map_err(memory)?, buffer(&second).map_err(memory)?];
    let [left, right] = run_pair(pair, buffer(&result).map_err(memory)?, compute).map_err(of_gpu)?;
    let (from, to_first, to_second) = (result.ghost(), first.ghost(), second.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = buffer_of(gradients.get_or_alloc_mut(&from)?);
        add_scaled(gradients.get_or_alloc_mut(&to_first)?, &left, scale)?;
        add_scaled(gradients.get_or_alloc_mut(&to_second)?, &right, scale)
    });
    Ok(result.put_tape(tape))
}

fn run(prediction: Buffer, loss: Buffer, compute: &mut Compute<'_>) -> Outcome<Room> {
    let gradient = Room::new(prediction.len())?;
    compute(Places { prediction, gradient: gradient.buffer(), loss })?;
    Ok(gradient)
}

fn run_pair(pair: [Buffer; 2], loss: Buffer, compute: &mut ComputePair<'_>) -> Outcome<[Room; 2]> {
    let [first, second] = pair.map(|embedding| Room::new(embedding.len()));
    let gradients = [first?, second?];
    compute(PairPlaces { pair, gradients: [gradients[0].buffer(), gradients[1].buffer()], loss })?;
    Ok(gradients)
}

/// The chain rule: what comes from further on, times the loss's own gradient.
#[inline(never)]
fn add_scaled(into: &mut Numbers, gradient: &Room, scale: Buffer) -> Result<(), DevError> {
    loss::add_scaled(buffer_of(into), gradient.buffer(), scale).map_err(failed)
}

/// A failure of the GPU as an error of the loss.
#[allow(clippy::needless_pass_by_value)]
fn of_gpu(failure: Failure) -> LossError {
    LossError::Memory { reason: failure.to_string() }
}
