//! A step on the processor.

use std::mem;

use dfdx::nn::TensorCollection;
use dfdx::tensor::Gradients;

use super::{Memory, Optimizer, Remembered, all_finite};
use crate::device::Dev;
use crate::train::TrainError;
use crate::train::parameters::{Numbers, Source, change, read};

/// Room that is used again in each step.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    order: Vec<(String, usize)>,
    gradients: Numbers,
    weights: Numbers,
}

/// One step: reads and checks all gradients, then changes the weights.
pub(super) fn update<O: Optimizer, M: TensorCollection<f32, Dev>>(
    optimizer: &mut O,
    model: &mut M,
    gradients: &Gradients<f32, Dev>,
) -> Result<(), TrainError> {
    let mut memory = Memory::out_of(optimizer)?;
    let mut scratch = mem::take(&mut memory.scratch);
    scratch.order.clear();
    scratch.gradients.clear();
    let (step, buffers) = (memory.step + 1, optimizer.buffers().len());
    let source = Source::Copied { from: gradients, to: &mut scratch.gradients };
    let order = &mut scratch.order;
    let done =
        read(model, false, source, &mut |name, _, gradient| accept(&mut memory, order, step, name, gradient, buffers));
    let done = done.and_then(|()| {
        memory.step = step;
        let mut places = scratch.order.iter();
        let mut start = 0;
        change(model, &mut scratch.weights, &mut |weights| {
            make(optimizer, &mut memory, places.next(), scratch.gradients.all(), &mut start, weights);
        })
    });
    memory.scratch = scratch;
    *optimizer.memory_mut() = memory;
    done
}

/// Whether a step can be made with this gradient.
fn accept(
    memory: &mut Memory,
    order: &mut Vec<(String, usize)>,
    step: u64,
    name: &str,
    gradient: &[f32],
    buffers: usize,
) -> Result<(), TrainError> {
    if !all_finite(gradient) {
        return Err(TrainError::NotFinite { step, parameter: name.to_owned() });
    }
    memory.place(name, gradient.len(), buffers)?;
    order.push((name.to_owned(), gradient.len()));
    Ok(())
}

/// Makes the step for the next parameter, whose gradient begins at `start`.
fn make(
    optimizer: &dyn Optimizer,
    memory: &mut Memory,
    place: Option<&(String, usize)>,
    gradients: &[f32],
    start: &mut usize,
    weights: &mut [f32],
) {
    // The same walk has just put every parameter into the order and the memory.
    let Some((name, len)) = place else { return };
    if let Some(Remembered { steps, buffers }) = memory.parameters.get_mut(name) {
        *steps += 1;
        optimizer.step(*steps, weights, &gradients[*start..*start + len], buffers);
    }
    *start += len;
}
