//! x Wᵀ + b as one op.

use crate::device::{DevError, wrong_size};

use crate::nn::matrix::Matrix;
use crate::nn::op::{Op, add_to};

/// Inputs: rows `[rows, from]`, weight `[to, from]`, bias `[to]`. Output: `[rows, to]`.
pub(crate) struct Affine {
    from: usize,
    to: usize,
    x: Vec<f32>,
    weight: Vec<f32>,
}

impl Affine {
    pub(crate) fn new(from: usize, to: usize) -> Self {
        Self { from, to, x: Vec::new(), weight: Vec::new() }
    }
}

impl Op for Affine {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [x, weight, bias]: [Vec<f32>; 3] = inputs.try_into().map_err(|_| wrong_size())?;
        (self.x, self.weight) = (x, weight);
        let (x, weight) = (Matrix::new(&self.x, self.from), Matrix::new(&self.weight, self.from));
        let mut output = bias.repeat(self.x.len() / self.from);
        x.times(weight.transposed()).on_all_cores().add_to(&mut output, self.to);
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [of_x, of_weight, of_bias] = gradients else { return Err(wrong_size()) };
        gradient.chunks_exact(self.to).for_each(|row| add_to(of_bias, row));
        let (x, weight) = (Matrix::new(&self.x, self.from), Matrix::new(&self.weight, self.from));
        let gradient = Matrix::new(gradient, self.to);
        gradient.times(weight).on_all_cores().add_to(of_x, self.from);
        gradient.transposed().times(x).on_all_cores().add_to(of_weight, self.from);
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
