//! The walks over the trainable parameters of a model. They are all of training that is compiled in a cell,
//! so they only copy, and call functions that were compiled here.

use dfdx::nn::TensorCollection;
#[cfg(not(feature = "gpu"))]
use dfdx::nn::tensor_collection::ViewTensorMut;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Gradients, Tensor};

use super::TrainError;
use crate::device::{Dev, DevError, edit};

/// Where the gradients are that a walk shows.
pub(super) enum Source<'a> {
    /// Nowhere: only weights are asked for.
    #[cfg(not(feature = "gpu"))]
    Nowhere,
    /// To be copied, one parameter after the other.
    #[cfg(not(feature = "gpu"))]
    Copied { from: &'a Gradients<f32, Dev>, to: &'a mut Numbers },
    /// To be changed in place.
    InPlace(&'a mut Gradients<f32, Dev>),
}

/// The numbers of all parameters, one after the other, in room that is used again. Not even growing a `Vec`
/// is left to the cell: unoptimised, that takes longer than Adam.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    room: Vec<f32>,
    end: usize,
}

impl Numbers {
    /// Starts again with the first parameter.
    pub(super) fn clear(&mut self) {
        self.end = 0;
    }

    /// Room for the next numbers, with anything in it.
    #[inline(never)]
    fn next(&mut self, len: usize) -> &mut [f32] {
        let start = self.end;
        self.end += len;
        if self.room.len() < self.end {
            self.room.resize(self.end, 0.0);
        }
        &mut self.room[start..self.end]
    }

    /// All numbers.
    #[cfg(not(feature = "gpu"))]
    pub(super) fn all(&self) -> &[f32] {
        &self.room[..self.end]
    }
}

/// What is done with a parameter: its name, as PyTorch writes it (`0.weight`), its weights if they were asked
/// for, and its gradient if there is one.
pub(super) type Reader<'a> = dyn FnMut(&str, &[f32], &mut [f32]) -> Result<(), TrainError> + 'a;

/// Shows every trainable parameter and its gradient, in the order of the model.
pub(super) fn read<M: TensorCollection<f32, Dev>>(
    model: &M,
    weights: bool,
    source: Source<'_>,
    reader: &mut Reader<'_>,
) -> Result<(), TrainError> {
    let mut look = Look { weights: weights.then(Numbers::default), source, reader };
    M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut look }).map(drop)
}

/// Lets the weights of every trainable parameter be changed, in the order of the model. `weights` is room to
/// work in.
#[cfg(not(feature = "gpu"))]
pub(super) fn change<M: TensorCollection<f32, Dev>>(
    model: &mut M,
    weights: &mut Numbers,
    writer: &mut dyn FnMut(&mut [f32]),
) -> Result<(), TrainError> {
    let mut change = Change { weights, writer };
    M::iter_tensors(&mut RecursiveWalker { m: model, f: &mut change }).map(drop)
}

struct Look<'a, 'b> {
    weights: Option<Numbers>,
    source: Source<'a>,
    reader: &'a mut Reader<'b>,
}

impl TensorVisitor<f32, Dev> for Look<'_, '_> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if !options.do_gradient_update {
            return Ok(None);
        }
        let weights: &[f32] = match &mut self.weights {
            Some(numbers) => {
                numbers.clear();
                let weights = numbers.next(tensor.shape().num_elements());
                tensor.copy_into(weights);
                weights
            }
            None => &[],
        };
        match &mut self.source {
            #[cfg(not(feature = "gpu"))]
            Source::Nowhere => (self.reader)(&name, weights, &mut [])?,
            #[cfg(not(feature = "gpu"))]
            Source::Copied { from, to } => {
                let gradient = to.next(tensor.shape().num_elements());
                from.get(tensor).copy_into(gradient);
                (self.reader)(&name, weights, gradient)?;
            }
            Source::InPlace(gradients) => {
                let gradient = gradients.get_or_alloc_mut(tensor).map_err(|error| memory(&name, error))?;
                let read = edit(gradient, |gradient| (self.reader)(&name, weights, gradient));
                read.map_err(|error| memory(&name, error))??;
            }
        }
        Ok(None)
    }
}

/// dfdx's only reason for not allocating.
fn memory(name: &str, error: DevError) -> TrainError {
    TrainError::Gradient { parameter: name.to_owned(), reason: error.to_string() }
}

#[cfg(not(feature = "gpu"))]
struct Change<'a> {
    weights: &'a mut Numbers,
    writer: &'a mut dyn FnMut(&mut [f32]),
}

#[cfg(not(feature = "gpu"))]
impl TensorVisitor<f32, Dev> for Change<'_> {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        tensor: &mut Tensor<S, f32, Dev>,
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if options.do_gradient_update {
            self.weights.clear();
            let weights = self.weights.next(tensor.shape().num_elements());
            tensor.copy_into(weights);
            (self.writer)(weights);
            tensor.copy_from(weights);
        }
        Ok(None)
    }
}
