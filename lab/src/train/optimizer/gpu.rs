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

/// Parameters that have made as many steps: where their weights, their gradients and each of their buffers are.
#[derive(Debug)]
pub struct Parameters {
    columns: Vec<Vec<Buffer>>,
    list: List,
}

impl Parameters {
    /// For the kernels of [`cuda::math::optimizer`].
    pub fn list(&self) -> &List {
        &self.list
    }
}

/// The lists of the step before: while tensors stay where they are, nothing is sent to the device. A copy of an
/// optimizer makes its own.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<Parameters>);

impl Clone for Lists {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Lists {
    fn take(&mut self, columns: Vec<Vec<Buffer>>) -> Outcome<Parameters> {
        if let Some(at) = self.0.iter().position(|kept| kept.columns == columns) {
            return Ok(self.0.swap_remove(at));
        }
        let list = List::new(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        Ok(Parameters { columns, list })
    }
}

/// Parameters for one launch, and the places of their names.
struct Group {
    steps: u64,
    names: Vec<usize>,
    parameters: Parameters,
}

/// One step: checks all gradients, then changes the weights.
pub(super) fn update<O: Optimizer, M: TensorCollection<f32, Dev>>(
    optimizer: &mut O,
    model: &mut M,
    gradients: &Gradients<f32, Dev>,
) -> Result<(), TrainError> {
    let mut find = FindGradients { gradients, found: Vec::new() };
    M::iter_tensors(&mut RecursiveWalker { m: (&*model, String::new()), f: &mut find })?;
    let weights = own_weights(model)?;
    let mut memory = Memory::out_of(optimizer)?;
    let done = step(optimizer, &mut memory, &find.found, &weights);
    *optimizer.memory_mut() = memory;
    done
}

fn step(
    optimizer: &dyn Optimizer,
    memory: &mut Memory,
    gradients: &[(String, Buffer)],
    weights: &[Buffer],
) -> Result<(), TrainError> {
    let groups = accepted(memory, optimizer.buffers().len(), gradients, weights).inspect_err(|_| {
        // No step was made, so nothing is remembered of one.
        memory.parameters.retain(|_, remembered| remembered.steps > 0);
    })?;
    memory.step += 1;
    for Group { steps, names, parameters } in groups {
        for name in names.iter().map(|at| &gradients[*at].0) {
            if let Some(remembered) = memory.parameters.get_mut(name) {
                remembered.steps += 1;
            }
        }
        optimizer.step_on_gpu(steps + 1, &parameters).map_err(failed)?;
        memory.lists.0.push(parameters);
    }
    Ok(())
}

/// All parameters, when a step can be made with their gradients.
fn accepted(
    memory: &mut Memory,
    buffers: usize,
    gradients: &[(String, Buffer)],
    weights: &[Buffer],
) -> Result<Vec<Group>, TrainError> {
    let groups = groups(memory, buffers, gradients, weights)?;
    match first_not_finite(&groups)? {
        None => Ok(groups),
        Some(at) => Err(TrainError::NotFinite { step: memory.step + 1, parameter: gradients[at].0.clone() }),
    }
}

/// All parameters, each with its place in the memory: in one group, if none was frozen for a time.
fn groups(
    memory: &mut Memory,
    buffers: usize,
    gradients: &[(String, Buffer)],
    weights: &[Buffer],
) -> Result<Vec<Group>, TrainError> {
    let mut alike: BTreeMap<u64, (Vec<usize>, Vec<Vec<Buffer>>)> = BTreeMap::new();
    for (at, ((name, gradient), weights)) in gradients.iter().zip(weights).enumerate() {
        let Remembered { steps, buffers } = memory.place(name, gradient.len(), buffers)?;
        let (names, columns) = alike.entry(*steps).or_insert_with(|| (Vec::new(), vec![Vec::new(); 2 + buffers.len()]));
        names.push(at);
        let buffers = [*weights, *gradient].into_iter().chain(buffers.iter().map(|slot| slot.0.buffer()));
        columns.iter_mut().zip(buffers).for_each(|(column, buffer)| column.push(buffer));
    }
    let mut kept = std::mem::take(&mut memory.lists);
    let group = |(steps, (names, columns))| Ok(Group { steps, names, parameters: kept.take(columns)? });
    alike.into_iter().map(group).collect::<Outcome<_>>().map_err(failed)
}

/// The place of the first parameter whose gradient is not finite.
fn first_not_finite(groups: &[Group]) -> Result<Option<usize>, TrainError> {
    let mut first = None;
    for group in groups {
        let sums = optimizer::squares(group.parameters.list(), 1).map_err(failed)?;
        let at = sums.iter().position(|sum| !sum.is_finite()).map(|at| group.names[at]);
        first = [first, at].into_iter().flatten().min();
    }
    Ok(first)
}

/// What an optimizer does on the processor with weights, a gradient and buffers.
type Step<'a> = dyn FnMut(&mut [f32], &[f32], &mut [Vec<f32>]) + 'a;

/// A step on copies.
pub(super) fn through_host(parameters: &Parameters, step: &mut Step<'_>) -> Outcome<()> {
    let [weights, gradients, buffers @ ..] = parameters.columns.as_slice() else { return Ok(()) };
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
struct FindGradients<'a> {
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
