//! What is done to gradients, on a GPU: for all parameters in one launch.

use cuda::math::Buffer;
use cuda::math::optimizer::{self, List};
use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorName, ViewTensorRef};
use dfdx::shapes::Shape;
use dfdx::tensor::{Gradients, Tensor};

use super::Penalty;
use crate::device::{Dev, DevError, buffer, buffer_of};
use crate::train::TrainError;
use crate::train::slot::failed;

/// Where weights and gradients of all trainable parameters are, and their names.
#[derive(Default)]
struct Found {
    names: Vec<String>,
    weights: Vec<Buffer>,
    gradients: Vec<Buffer>,
}

impl Found {
    fn of<M: TensorCollection<f32, Dev>>(model: &M, gradients: &mut Gradients<f32, Dev>) -> Result<Self, TrainError> {
        let mut find = Find { gradients, found: Self::default() };
        M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut find })?;
        Ok(find.found)
    }

    /// The gradients alone.
    fn list(&self) -> Result<List, TrainError> {
        List::new(&[&self.gradients]).map_err(failed)
    }

    /// The sum of the squares of all gradients, which must be finite.
    fn squares(&self, list: &List) -> Result<f64, TrainError> {
        let sums = optimizer::squares(list, 0).map_err(failed)?;
        match sums.iter().position(|sum| !sum.is_finite()) {
            Some(at) => Err(TrainError::GradientNotFinite { parameter: self.names[at].clone() }),
            None => Ok(sums.iter().sum()),
        }
    }
}

struct Find<'a> {
    gradients: &'a mut Gradients<f32, Dev>,
    found: Found,
}

impl TensorVisitor<f32, Dev> for Find<'_> {
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
            let device = |error: DevError| TrainError::Device { reason: error.to_string() };
            let gradient = self.gradients.get_or_alloc_mut(tensor).map_err(device)?;
            self.found.gradients.push(buffer_of(gradient));
            self.found.weights.push(buffer(tensor).map_err(device)?);
            self.found.names.push(name);
        }
        Ok(None)
    }
}

/// The sum of the squares of all gradients.
pub(super) fn squares<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
) -> Result<f64, TrainError> {
    let found = Found::of(model, gradients)?;
    found.squares(&found.list()?)
}

/// Limits each number to `-limit ..= limit`.
pub(super) fn clamp<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    limit: f32,
) -> Result<(), TrainError> {
    let found = Found::of(model, gradients)?;
    let list = found.list()?;
    found.squares(&list)?;
    optimizer::clamp(&list, 0, limit).map_err(failed)
}

/// Multiplies each number.
pub(super) fn scale<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    factor: f32,
) -> Result<(), TrainError> {
    let found = Found::of(model, gradients)?;
    optimizer::scale(&found.list()?, 0, factor).map_err(failed)
}

/// Adds the gradient of a penalty; gives the penalty over its strength.
pub(super) fn add_penalty<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    strength: f32,
    penalty: Penalty,
) -> Result<f64, TrainError> {
    let found = Found::of(model, gradients)?;
    let list = List::new(&[&found.weights, &found.gradients]).map_err(failed)?;
    let sums = match penalty {
        Penalty::L1 => optimizer::add_l1(&list, strength),
        Penalty::L2 => optimizer::add_l2(&list, strength),
    };
    Ok(sums.map_err(failed)?.iter().sum())
}
