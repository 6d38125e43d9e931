//! Losses that a GPU computes where the predictions are. What is not here is computed on the processor, from a copy.

use cuda::code::Failure;
use cuda::math::{Buffer, Room, loss};
use dfdx::shapes::{HasShape, Rank0, Shape};
use dfdx::tensor::{PutTape, SplitTape, Tape, Tensor, ZerosTensor};
use dfdx::tensor_ops::ReshapeTo;

use super::classes::CrossEntropy;
use super::fused::{Loss, memory, same_shape};
use super::{LossError, Reduction};
use crate::device::{Dev, buffer, buffer_of, failed};

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

/// Computes a loss and its gradient where the prediction is, and puts the gradient on the tape.
pub(super) fn fused<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    compute: &mut dyn FnMut(Places) -> Result<(), LossError>,
) -> Result<Loss<T>, LossError> {
    let (prediction, mut tape) = prediction.try_contiguous().map_err(memory)?.split_tape();
    let result: Tensor<Rank0, f32, Dev> = prediction.device().try_zeros().map_err(memory)?;
    let kept = run(buffer(&prediction).map_err(memory)?, buffer(&result).map_err(memory)?, compute)?;
    let (from, to) = (result.ghost(), prediction.ghost());
    tape.add_backward_op(move |gradients| {
        let scale = buffer_of(gradients.get_or_alloc_mut(&from)?);
        let to = buffer_of(gradients.get_or_alloc_mut(&to)?);
        loss::add_scaled(to, kept.buffer(), scale).map_err(failed)
    });
    Ok(result.put_tape(tape))
}

fn run(
    prediction: Buffer,
    loss: Buffer,
    compute: &mut dyn FnMut(Places) -> Result<(), LossError>,
) -> Result<Room, LossError> {
    let gradient = Room::new(prediction.len()).map_err(of_gpu)?;
    compute(Places { prediction, gradient: gradient.buffer(), loss })?;
    Ok(gradient)
}

/// A failure of the GPU as an error of the loss.
#[allow(clippy::needless_pass_by_value)]
fn of_gpu(failure: Failure) -> LossError {
    LossError::Memory { reason: failure.to_string() }
}

impl CrossEntropy {
    /// The same by a kernel; all is checked. No class has a number above 2^32.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn on_gpu(&self, places: Places, classes: &[usize]) -> Result<(), LossError> {
        let classes: Vec<u32> = classes.iter().map(|class| *class as u32).collect();
        let options = loss::CrossEntropy {
            label_smoothing: self.label_smoothing,
            class_weights: &self.class_weights,
            ignored: self.ignore_index.map(|class| class as u32),
            sum: self.reduction == Reduction::Sum,
        };
        options.loss(places.prediction, &classes, places.gradient, places.loss).map_err(of_gpu)
    }
}

/// The mean distance of a prediction from what was wanted.
pub(super) fn distance<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    distance: loss::Distance,
) -> Result<Loss<T>, LossError> {
    same_shape(&prediction, &wanted)?;
    if wanted.shape().num_elements() == 0 {
        return Err(LossError::Empty);
    }
    let wanted = wanted.try_contiguous().map_err(memory)?;
    let target = buffer(&wanted).map_err(memory)?;
    fused(prediction, &mut |places| {
        distance.loss(places.prediction, target, places.gradient, places.loss).map_err(of_gpu)
    })
}
