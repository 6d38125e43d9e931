//! Where the tensors of a model are on a GPU.

use cuda::math::Buffer;
use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{
    RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorMut, ViewTensorName, ViewTensorRef,
};
use dfdx::shapes::Shape;
use dfdx::tensor::Tensor;

use super::TrainError;
use crate::device::{Dev, DevError, buffer, own_buffer};

/// The weights of all trainable parameters, to be read, and the names of these, in the order of the model.
pub(super) fn weights<M: TensorCollection<f32, Dev>>(model: &M) -> Result<Vec<(String, Buffer)>, TrainError> {
    find(model, Which::Trainable)
}

/// These weights, to be written to, in the same order.
pub(super) fn own_weights<M: TensorCollection<f32, Dev>>(model: &mut M) -> Result<Vec<Buffer>, TrainError> {
    find_own(model, Which::Trainable)
}

/// All tensors, running statistics too, to be read, in the order of the model.
pub(crate) fn tensors<M: TensorCollection<f32, Dev>>(model: &M) -> Result<Vec<Buffer>, TrainError> {
    Ok(find(model, Which::All)?.into_iter().map(|(_, buffer)| buffer).collect())
}

/// All tensors, to be written to, in the same order.
pub(crate) fn own_tensors<M: TensorCollection<f32, Dev>>(model: &mut M) -> Result<Vec<Buffer>, TrainError> {
    find_own(model, Which::All)
}

fn find<M: TensorCollection<f32, Dev>>(model: &M, which: Which) -> Result<Vec<(String, Buffer)>, TrainError> {
    let mut find = Find { which, found: Vec::new() };
    M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut find })?;
    Ok(find.found)
}

fn find_own<M: TensorCollection<f32, Dev>>(model: &mut M, which: Which) -> Result<Vec<Buffer>, TrainError> {
    let mut find = FindOwn { which, found: Vec::new() };
    M::iter_tensors(&mut RecursiveWalker { m: model, f: &mut find })?;
    Ok(find.found)
}

/// Which tensors are wanted.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    All,
    Trainable,
}

struct Find {
    which: Which,
    found: Vec<(String, Buffer)>,
}

impl TensorVisitor<f32, Dev> for Find {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if options.do_gradient_update || self.which == Which::All {
            self.found.push((name, buffer(tensor).map_err(|error| device(&error))?));
        }
        Ok(None)
    }
}

struct FindOwn {
    which: Which,
    found: Vec<Buffer>,
}

impl TensorVisitor<f32, Dev> for FindOwn {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        tensor: &mut Tensor<S, f32, Dev>,
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if options.do_gradient_update || self.which == Which::All {
            self.found.push(own_buffer(tensor).map_err(|error| device(&error))?);
        }
        Ok(None)
    }
}

/// A failure of the device as an error of a step.
pub(super) fn device(error: &DevError) -> TrainError {
    TrainError::Device { reason: error.to_string() }
}
