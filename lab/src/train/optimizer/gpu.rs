//! A step on a GPU: every parameter, its gradient and what is remembered for it stay there.

use std::collections::BTreeMap;

use cuda::code::Outcome;
use cuda::math::Buffer;
use cuda::math::optimizer::{self, List};
use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::Shape;
use dfdx::tensor::{Gradients, Tensor};

use super::{Memory, Optimizer, Remembered};
use crate::device::{Dev, gradient_buffer};
use crate::train::TrainError;
use crate::train::located::{device, own_weights};
use crate::train::slot::failed;

/// One step: checks all gradients, then changes the weights.
pub(super) fn update<O: Optimizer, M: TensorCollection<f32, Dev>>(
    optimizer: &mut O,
    model: &mut M,
    gradients: &Gradients<f32, Dev>,
) -> Result<(), TrainError> {
    let mut find = FindGradients { gradients, found: Vec::new() };
    M::iter_tensors(&mut RecursiveWalker { m: (&*model, String::new()), f: &mut find })?;
    let mut memory = Memory::out_of(optimizer)?;
    let done = accept(&mut memory, &find.found, optimizer.buffers().len()).and_then(|()| {
        let weights = own_weights(model)?;
        make(optimizer, &mut memory, &find.found, &weights)
    });
    *optimizer.memory_mut() = memory;
    done
}

/// Whether a step can be made with these gradients; then each has its place in the memory.
fn accept(memory: &mut Memory, gradients: &[(String, Buffer)], buffers: usize) -> Result<(), TrainError> {
    let all: Vec<Buffer> = gradients.iter().map(|(_, gradient)| *gradient).collect();
    let sums = List::new(&[&all]).and_then(|list| optimizer::squares(&list, 0)).map_err(failed)?;
    if let Some(at) = sums.iter().position(|sum| !sum.is_finite()) {
        return Err(TrainError::NotFinite { step: memory.step + 1, parameter: gradients[at].0.clone() });
    }
    gradients.iter().try_for_each(|(name, gradient)| memory.place(name, gradient.len(), buffers))
}

/// Makes the step for all parameters: at once for those that have made as many, which are all if none was frozen.
fn make(
    optimizer: &dyn Optimizer,
    memory: &mut Memory,
    gradients: &[(String, Buffer)],
    weights: &[Buffer],
) -> Result<(), TrainError> {
    memory.step += 1;
    let mut alike: BTreeMap<u64, Vec<Vec<Buffer>>> = BTreeMap::new();
    for ((name, gradient), weights) in gradients.iter().zip(weights) {
        if let Some(Remembered { steps, buffers }) = memory.parameters.get_mut(name) {
            *steps += 1;
            let columns = alike.entry(*steps).or_insert_with(|| vec![Vec::new(); 2 + buffers.len()]);
            let buffers = [*weights, *gradient].into_iter().chain(buffers.iter().map(|slot| slot.0.buffer()));
            columns.iter_mut().zip(buffers).for_each(|(column, buffer)| column.push(buffer));
        }
    }
    alike.iter().try_for_each(|(steps, parameters)| optimizer.step_on_gpu(*steps, parameters)).map_err(failed)
}

/// Weights, gradients and buffers of parameters, for a kernel.
pub(in crate::train) fn list(parameters: &[Vec<Buffer>]) -> Outcome<List> {
    List::new(&parameters.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// What an optimizer does on the processor with weights, a gradient and buffers.
type Step<'a> = dyn FnMut(&mut [f32], &[f32], &mut [Vec<f32>]) + 'a;

/// A step on copies.
pub(super) fn through_host(parameters: &[Vec<Buffer>], step: &mut Step<'_>) -> Outcome<()> {
    let [weights, gradients, buffers @ ..] = parameters else { return Ok(()) };
    for (at, (weights, gradient)) in weights.iter().zip(gradients).enumerate() {
        let mut kept = buffers.iter().map(|column| column[at].download()).collect::<Outcome<Vec<_>>>()?;
        let mut changed = weights.download()?;
        step(&mut changed, &gradient.download()?, &mut kept);
        weights.upload(&changed)?;
        buffers.iter().zip(&kept).try_for_each(|(column, kept)| column[at].upload(kept))?;
    }
    Ok(())
}

/// Finds the gradients of all trainable parameters, with their names.
pub(in crate::train) struct FindGradients<'a> {
    gradients: &'a Gradients<f32, Dev>,
    found: Vec<(String, Buffer)>,
}

impl TensorVisitor<f32, Dev> for FindGradients<'_> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if options.do_gradient_update {
            let found = gradient_buffer(self.gradients, tensor).map_err(|error| device(&error))?;
            self.found.push((name, found));
        }
        Ok(None)
    }
}
