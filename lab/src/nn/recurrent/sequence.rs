//! A recurrent network over whole sequences, as one op: Werbos, *Backpropagation Through Time*, 1990.

use crate::device::{DevError, wrong_size};

use super::cell::{Cell, Sums, Then};
use crate::nn::matrix::Matrix;
use crate::nn::op::{Op, add_to};

#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) input: usize,
    pub(super) hidden: usize,
}

/// Inputs: `[batch, steps, input]`, the weights of the input `[gates, hidden, input]` and of the state
/// `[gates, hidden, hidden]`, the biases of both `[gates, hidden]`. Output: the state after each step,
/// `[batch, steps, hidden]`, and with `tail` set the cell of an LSTM after the last, `[batch, hidden]`.
pub(super) struct Sequence {
    pub(super) cell: Cell,
    pub(super) sizes: Sizes,
    /// The first state and the first cell, `[batch, hidden]`; they get no gradient.
    pub(super) first: [Vec<f32>; 2],
    pub(super) tail: bool,
    x: Vec<f32>,
    weights: [Vec<f32>; 2],
    /// What each step started from, step after step: `[steps, batch, hidden]`.
    before: Vec<f32>,
    cells_before: Vec<f32>,
    output: Vec<f32>,
    kept: Vec<f32>,
    /// What a GPU keeps of each step.
    #[cfg(feature = "gpu")]
    pub(super) there: Option<cuda::math::recurrent::Memory>,
}

impl Sequence {
    pub(super) fn new(cell: Cell, sizes: Sizes, first: [Vec<f32>; 2], tail: bool) -> Self {
        let (x, weights, before, cells_before) = Default::default();
        Self {
            cell,
            sizes,
            first,
            tail,
            x,
            weights,
            before,
            cells_before,
            output: Vec::new(),
            kept: Vec::new(),
            #[cfg(feature = "gpu")]
            there: None,
        }
    }

    /// Numbers in the gates of one sequence at one step.
    fn sums(&self) -> usize {
        self.cell.gates() * self.sizes.hidden
    }

    /// A weight, whose rows are as long as what it is applied to.
    fn weight(&self, which: usize) -> Matrix<'_> {
        Matrix::new(&self.weights[which], self.weights[which].len() / self.sums())
    }

    /// Rows times a weight's transpose, plus a bias for each row.
    fn affine(&self, rows: &[f32], which: usize, bias: &[f32]) -> Vec<f32> {
        let from = self.weights[which].len() / self.sums();
        let mut sums = bias.repeat(rows.len() / from);
        let product = Matrix::new(rows, from).times(self.weight(which).transposed());
        product.on_all_cores().add_to(&mut sums, self.sums());
        sums
    }
}

impl Op for Sequence {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [x, of_input, of_state, input_bias, state_bias]: [Vec<f32>; 5] =
            inputs.try_into().map_err(|_| wrong_size())?;
        (self.x, self.weights) = (x, [of_input, of_state]);
        let Sizes { batch, steps, hidden, .. } = self.sizes;
        let (sums, keeps) = (self.sums(), self.cell.keeps() * hidden);
        let inputs = self.affine(&self.x, 0, &input_bias);
        let [mut state, mut cell] = self.first.clone();
        let mut output = vec![0.0; batch * steps * hidden];
        let mut kept = vec![0.0; batch * steps * keeps];
        for step in 0..steps {
            self.before.extend(&state);
            self.cells_before.extend(&cell);
            let states = self.affine(&state, 1, &state_bias);
            for sequence in 0..batch {
                let at = sequence * steps + step;
                let gates = Sums { input: &inputs[at * sums..][..sums], state: &states[sequence * sums..][..sums] };
                let unit = sequence * hidden..(sequence + 1) * hidden;
                let h = &mut output[at * hidden..][..hidden];
                self.cell.step(
                    gates,
                    &state[unit.clone()],
                    &mut cell[unit.clone()],
                    h,
                    &mut kept[at * keeps..][..keeps],
                );
                state[unit].copy_from_slice(h);
            }
        }
        (self.output, self.kept) = (output, kept);
        let mut output = self.output.clone();
        if self.tail {
            output.extend(cell);
        }
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [x, of_input, of_state, input_bias, state_bias] = gradients else {
            return Err(wrong_size());
        };
        let Sizes { batch, steps, input, hidden } = self.sizes;
        let (sums, keeps, rows) = (self.sums(), self.cell.keeps() * hidden, batch * steps);
        let mut input_sums = vec![0.0; rows * sums];
        // Step after step, as `before` is.
        let mut state_sums = vec![0.0; rows * sums];
        let mut later = vec![0.0; batch * hidden];
        let mut cell = vec![0.0; batch * hidden];
        for step in (0..steps).rev() {
            let state_sums = &mut state_sums[step * batch * sums..][..batch * sums];
            for sequence in 0..batch {
                let (at, unit) = (sequence * steps + step, sequence * hidden..(sequence + 1) * hidden);
                let from = (step * batch + sequence) * hidden..(step * batch + sequence + 1) * hidden;
                add_to(&mut later[unit.clone()], &gradient[at * hidden..][..hidden]);
                let of_h = later[unit.clone()].to_vec();
                let then = Then {
                    gradient: &of_h,
                    before: &self.before[from.clone()],
                    cell_before: &self.cells_before[from],
                    after: &self.output[at * hidden..][..hidden],
                    kept: &self.kept[at * keeps..][..keeps],
                };
                let (of_input, of_state) =
                    (&mut input_sums[at * sums..][..sums], &mut state_sums[sequence * sums..][..sums]);
                self.cell.back(then, of_input, of_state, &mut later[unit.clone()], &mut cell[unit]);
            }
            Matrix::new(state_sums, sums).times(self.weight(1)).on_all_cores().add_to(&mut later, hidden);
        }
        input_sums.chunks_exact(sums).for_each(|row| add_to(input_bias, row));
        state_sums.chunks_exact(sums).for_each(|row| add_to(state_bias, row));
        let (input_sums, state_sums) = (Matrix::new(&input_sums, sums), Matrix::new(&state_sums, sums));
        input_sums.times(self.weight(0)).on_all_cores().add_to(x, input);
        input_sums.transposed().times(Matrix::new(&self.x, input)).on_all_cores().add_to(of_input, input);
        state_sums.transposed().times(Matrix::new(&self.before, hidden)).on_all_cores().add_to(of_state, hidden);
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
