//! Recurrent layers, batch first.

mod cell;
#[cfg(feature = "gpu")]
mod gpu;
mod sequence;

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule, ZeroSizedModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank2, Rank3};
use dfdx::tensor::{NoneTape, Storage, Tape, Tensor, TensorFromVec};
use dfdx::tensor_ops::Device;

use self::cell::Cell;
use self::sequence::{Sequence, Sizes};
use super::init;
use super::op::{Inputs, Op};
use super::shape::{RecurrentRows, rows_of};
use crate::device::{Dev, DevError, wrong_size};

/// The state of a recurrent layer after a sequence, from which it can go on with the next: no gradient goes
/// through it.
#[derive(Debug, Clone)]
pub struct RecurrentState<B: Dim, const HIDDEN: usize> {
    /// What the layer gave last.
    pub h: Tensor<(B, Const<HIDDEN>), f32, Dev>,
    /// The cell of an LSTM; zeros otherwise.
    pub c: Tensor<(B, Const<HIDDEN>), f32, Dev>,
}

type Rows<B, S, const SIZE: usize, T> = Tensor<(B, S, Const<SIZE>), f32, Dev, T>;

macro_rules! recurrent {
    ($(#[$doc:meta])* $name:ident, $gates:literal, $cell:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<const INPUT: usize, const HIDDEN: usize, E: Dtype = f32, D: Storage<E> = Dev> {
            /// From the input to the gates. In PyTorch the gates and the next axis are one.
            pub weight_ih_l0: Tensor<Rank3<$gates, HIDDEN, INPUT>, E, D>,
            /// From the state to the gates.
            pub weight_hh_l0: Tensor<Rank3<$gates, HIDDEN, HIDDEN>, E, D>,
            pub bias_ih_l0: Tensor<Rank2<$gates, HIDDEN>, E, D>,
            pub bias_hh_l0: Tensor<Rank2<$gates, HIDDEN>, E, D>,
        }

        impl<const INPUT: usize, const HIDDEN: usize> BuildOnDevice<Dev, f32> for $name<INPUT, HIDDEN> {
            type Built = Self;
        }

        impl<const INPUT: usize, const HIDDEN: usize, E: Dtype, D: Storage<E>> NonMutableModule
            for $name<INPUT, HIDDEN, E, D>
        {
        }

        impl<const INPUT: usize, const HIDDEN: usize> TensorCollection<f32, Dev> for $name<INPUT, HIDDEN> {
            type To<E: Dtype, D: Device<E>> = $name<INPUT, HIDDEN, E, D>;

            fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
                visitor: &mut V,
            ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
                visitor.visit_fields(
                    (
                        Self::tensor(
                            "weight_ih_l0",
                            |s| &s.weight_ih_l0,
                            |s| &mut s.weight_ih_l0,
                            TensorOptions::reset_with(|t| init::reset_uniform(t, HIDDEN)),
                        ),
                        Self::tensor(
                            "weight_hh_l0",
                            |s| &s.weight_hh_l0,
                            |s| &mut s.weight_hh_l0,
                            TensorOptions::reset_with(|t| init::reset_uniform(t, HIDDEN)),
                        ),
                        Self::tensor(
                            "bias_ih_l0",
                            |s| &s.bias_ih_l0,
                            |s| &mut s.bias_ih_l0,
                            TensorOptions::reset_with(|t| init::reset_uniform(t, HIDDEN)),
                        ),
                        Self::tensor(
                            "bias_hh_l0",
                            |s| &s.bias_hh_l0,
                            |s| &mut s.bias_hh_l0,
                            TensorOptions::reset_with(|t| init::reset_uniform(t, HIDDEN)),
                        ),
                    ),
                    |(weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0)| $name {
                        weight_ih_l0,
                        weight_hh_l0,
                        bias_ih_l0,
                        bias_hh_l0,
                    },
                )
            }
        }

        impl<const INPUT: usize, const HIDDEN: usize> $name<INPUT, HIDDEN> {
            /// Goes on from a state: gives the state after each step, `(batch, sequence, HIDDEN)`, and the last
            /// one, from which the next call may go on. No gradient is recorded. For text that is generated
            /// step by step.
            ///
            /// # Errors
            /// When dfdx can't make a tensor, or the state is of another batch.
            pub fn go_on<B: Dim, S: Dim>(
                &self,
                x: Rows<B, S, INPUT, NoneTape>,
                state: Option<&RecurrentState<B, HIDDEN>>,
            ) -> Result<(Rows<B, S, HIDDEN, NoneTape>, RecurrentState<B, HIDDEN>), DevError> {
                let (batch, steps) = (x.shape().0, x.shape().1);
                let rows = batch.size() * HIDDEN;
                let first = state.map_or_else(|| Ok([vec![0.0; rows], vec![0.0; rows]]), |state| numbers(state, rows))?;
                let sizes = Sizes { batch: batch.size(), steps: steps.size(), input: INPUT, hidden: HIDDEN };
                let all = self.inputs(x)?.apply(
                    Sequence::new($cell, sizes, first, true),
                    ((steps.size() + 1) * rows,),
                )?;
                let mut all = all.as_vec();
                let c = all.split_off(steps.size() * rows);
                let h = all.chunks_exact(HIDDEN).skip(steps.size() - 1).step_by(steps.size()).flatten().copied();
                let dev = self.bias_ih_l0.device();
                let h = dev.try_tensor_from_vec(h.collect(), (batch, Const))?;
                let c = dev.try_tensor_from_vec(c, (batch, Const))?;
                Ok((dev.try_tensor_from_vec(all, (batch, steps, Const))?, RecurrentState { h, c }))
            }

            fn inputs<B: Dim, S: Dim, T: Tape<f32, Dev>>(
                &self,
                x: Rows<B, S, INPUT, T>,
            ) -> Result<Inputs<T>, DevError> {
                if x.shape().1.size() == 0 {
                    return Err(wrong_size());
                }
                let inputs = Inputs::of(x)?.and(&self.weight_ih_l0)?.and(&self.weight_hh_l0)?;
                inputs.and(&self.bias_ih_l0)?.and(&self.bias_hh_l0)
            }
        }

        impl<B: Dim, S: Dim, const ROW: usize, const INPUT: usize, const HIDDEN: usize, T: Tape<f32, Dev>>
            Module<Rows<B, S, ROW, T>> for $name<INPUT, HIDDEN>
        {
            type Output = Rows<B, S, HIDDEN, T>;
            type Error = DevError;

            fn try_forward(&self, x: Rows<B, S, ROW, T>) -> Result<Self::Output, DevError> {
                let x = rows_of::<RecurrentRows, INPUT, ROW, _, _, _>(x)?;
                let shape = (x.shape().0, x.shape().1, Const);
                let sizes = Sizes { batch: shape.0.size(), steps: shape.1.size(), input: INPUT, hidden: HIDDEN };
                let first = [(); 2].map(|()| vec![0.0; sizes.batch * HIDDEN]);
                self.inputs(x)?.apply(Sequence::new($cell, sizes, first, false), shape)
            }
        }
    };
}

recurrent! {
    /// `RNN<INPUT, HIDDEN>`: h' = tanh(W x + b + U h + c), from `(batch, sequence, INPUT)` to the state after each
    /// step, `(batch, sequence, HIDDEN)`; [`LastStep`] takes the last. As `torch.nn.RNN(batch_first=True)` of one
    /// layer.
    RNN, 1, Cell::Rnn
}

recurrent! {
    /// `GRU<INPUT, HIDDEN>`: gated recurrent units, from `(batch, sequence, INPUT)` to the state after each step,
    /// `(batch, sequence, HIDDEN)`; [`LastStep`] takes the last. As `torch.nn.GRU(batch_first=True)` of one layer.
    GRU, 3, Cell::Gru
}

recurrent! {
    /// `LSTM<INPUT, HIDDEN>`: long short-term memory, from `(batch, sequence, INPUT)` to the state after each step,
    /// `(batch, sequence, HIDDEN)`; [`LastStep`] takes the last. As `torch.nn.LSTM(batch_first=True)` of one layer.
    LSTM, 4, Cell::Lstm
}

fn numbers<B: Dim, const HIDDEN: usize>(
    state: &RecurrentState<B, HIDDEN>,
    len: usize,
) -> Result<[Vec<f32>; 2], DevError> {
    let [h, c] = [&state.h, &state.c].map(|tensor| tensor.as_vec());
    if h.len() == len && c.len() == len { Ok([h, c]) } else { Err(wrong_size()) }
}

/// The last row of each sequence: from `(batch, sequence, size)` to `(batch, size)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastStep;

impl ZeroSizedModule for LastStep {}

impl NonMutableModule for LastStep {}

impl<B: Dim, S: Dim, const SIZE: usize, T: Tape<f32, Dev>> Module<Rows<B, S, SIZE, T>> for LastStep {
    type Output = Tensor<(B, Const<SIZE>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Rows<B, S, SIZE, T>) -> Result<Self::Output, DevError> {
        let shape = *x.shape();
        let op = TakeLast { sequence: shape.1.size() * SIZE, size: SIZE };
        Inputs::of(x)?.apply(op, (shape.0, Const))
    }
}

struct TakeLast {
    sequence: usize,
    size: usize,
}

impl Op for TakeLast {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [x]: [Vec<f32>; 1] = inputs.try_into().map_err(|_| wrong_size())?;
        Ok(x.chunks_exact(self.sequence.max(1)).flat_map(|rows| &rows[rows.len() - self.size..]).copied().collect())
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to] = gradients else { return Err(wrong_size()) };
        for (rows, gradient) in to.chunks_exact_mut(self.sequence).zip(gradient.chunks_exact(self.size)) {
            super::op::add_to(&mut rows[self.sequence - self.size..], gradient);
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
