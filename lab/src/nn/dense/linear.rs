//! x Wᵀ + b for dfdx's `Linear`, whose own addition of b is slow and compiled in each cell.

use dfdx::nn::modules::Linear;
use dfdx::shapes::Shape;
use dfdx::tensor::{CpuError, Tape, Tensor};

use crate::device::Dev;
use crate::nn::matrix::Matrices;
use crate::nn::op::{Inputs, Op, add_to};

/// Applies a linear layer to each row of `I` numbers; `shape` is that of the output, with rows of `O`.
pub(crate) fn linear<const I: usize, const O: usize, S: Shape, Out: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
    layer: &Linear<I, O, f32, Dev>,
    shape: Out,
) -> Result<Tensor<Out, f32, Dev, T>, CpuError> {
    Inputs::of(x)?.and(&layer.weight)?.and(&layer.bias)?.apply(Affine::new(I, O), shape)
}

/// Inputs: rows `[rows, from]`, weight `[to, from]`, bias `[to]`. Output: `[rows, to]`.
pub(crate) struct Affine {
    from: usize,
    to: usize,
    kept: Option<(Matrices, Matrices)>,
}

impl Affine {
    pub(crate) fn new(from: usize, to: usize) -> Self {
        Self { from, to, kept: None }
    }
}

impl Op for Affine {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, CpuError> {
        let [x, weight, bias]: [Vec<f32>; 3] = inputs.try_into().map_err(|_| CpuError::WrongNumElements)?;
        let rows = x.len() / self.from;
        let (x, weight) = (Matrices::one(x, rows, self.from)?, Matrices::one(weight, self.to, self.from)?);
        let mut output = x.times(&weight.transposed()?)?.values(rows * self.to);
        output.chunks_exact_mut(self.to).for_each(|row| add_to(row, &bias));
        self.kept = Some((x, weight));
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), CpuError> {
        let ([of_x, of_weight, of_bias], Some((x, weight))) = (gradients, &self.kept) else {
            return Err(CpuError::WrongNumElements);
        };
        let rows = gradient.len() / self.to;
        gradient.chunks_exact(self.to).for_each(|row| add_to(of_bias, row));
        let gradient = Matrices::one(gradient.to_vec(), rows, self.to)?;
        add_to(of_x, &gradient.times(weight)?.values(rows * self.from));
        add_to(of_weight, &gradient.transposed()?.times(x)?.values(self.to * self.from));
        Ok(())
    }
}
