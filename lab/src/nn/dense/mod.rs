//! What works on rows of numbers, one row for each token or example: linear maps, embeddings, normalization,
//! activations, sums.

mod activation;
mod affine;
mod embedding;
#[cfg(feature = "gpu")]
mod gpu;
mod linear;
mod norm;

pub(crate) use activation::activate;
pub use activation::{AccurateGeLU, Activation, FastGeLU, ReLU, Sigmoid, Tanh};
pub use embedding::Embedding;
pub use linear::Linear;
pub(crate) use linear::linear;
pub use norm::LayerNorm;

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Tape, Tensor};

use super::op::{Inputs, Op, add_to};
use crate::device::{Dev, DevError, wrong_size};

/// The sum of two tensors of one shape: a residual connection.
pub(crate) fn sum<S: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
    y: &Tensor<S, f32, Dev>,
) -> Result<Tensor<S, f32, Dev, T>, DevError> {
    let shape = *x.shape();
    Inputs::of(x)?.and(y)?.apply(Sum, shape)
}

struct Sum;

impl Op for Sum {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [mut x, y]: [Vec<f32>; 2] = inputs.try_into().map_err(|_| wrong_size())?;
        add_to(&mut x, &y);
        Ok(x)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        gradients.iter_mut().for_each(|to| add_to(to, gradient));
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
