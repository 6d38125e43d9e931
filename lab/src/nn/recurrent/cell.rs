//! One step of a recurrent network for one sequence, and its derivative.

use crate::math::{sigmoid, tanh};

/// Which network, with PyTorch's formulas and order of gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// h' = tanh(a): Elman, *Finding Structure in Time*, 1990.
    Rnn,
    /// Reset, update and new: Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014, with the
    /// reset gate after the product, as in cuDNN.
    Gru,
    /// Input, forget, cell and output: Hochreiter and Schmidhuber, *Long Short-Term Memory*, 1997, with the forget
    /// gate of Gers, Schmidhuber and Cummins, 2000.
    Lstm,
}

/// The gates of one sequence at one step: what comes from the input, and from the state before.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) input: &'a [f32],
    pub(super) state: &'a [f32],
}

/// What a derivative is given: that of the state, and what was there at that step.
#[derive(Clone, Copy)]
pub(super) struct Then<'a> {
    pub(super) gradient: &'a [f32],
    pub(super) before: &'a [f32],
    pub(super) cell_before: &'a [f32],
    pub(super) after: &'a [f32],
    pub(super) kept: &'a [f32],
}

impl Cell {
    /// How many gates there are.
    pub(super) fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// How many numbers of each unit a step keeps for its derivative.
    pub(super) fn keeps(self) -> usize {
        match self {
            Self::Rnn => 0,
            Self::Gru => 4,
            Self::Lstm => 5,
        }
    }

    /// Computes the state `h` from that before, and for an LSTM the cell, which is changed in place.
    #[allow(clippy::needless_range_loop)] // several rows are indexed alike
    pub(super) fn step(self, sums: Sums, before: &[f32], cell: &mut [f32], h: &mut [f32], kept: &mut [f32]) {
        let size = h.len();
        let sum = |gate: usize, i: usize| sums.input[gate * size + i] + sums.state[gate * size + i];
        for i in 0..size {
            match self {
                Self::Rnn => h[i] = tanh(sum(0, i)),
                Self::Gru => {
                    let (reset, update) = (sigmoid(sum(0, i)), sigmoid(sum(1, i)));
                    let recurrent = sums.state[2 * size + i];
                    let new = tanh(sums.input[2 * size + i] + reset * recurrent);
                    h[i] = (1.0 - update) * new + update * before[i];
                    keep(kept, size, i, [reset, update, new, recurrent]);
                }
                Self::Lstm => {
                    let (input, forget, output) = (sigmoid(sum(0, i)), sigmoid(sum(1, i)), sigmoid(sum(3, i)));
                    let new = tanh(sum(2, i));
                    cell[i] = forget * cell[i] + input * new;
                    h[i] = output * tanh(cell[i]);
                    keep(kept, size, i, [input, forget, new, output, cell[i]]);
                }
            }
        }
    }

    /// Writes the derivatives of both sums, and to `before` and `cell` those that go straight to the state and
    /// the cell before; `cell` holds that of the cell.
    #[allow(clippy::needless_range_loop)]
    pub(super) fn back(
        self,
        then: Then,
        of_input: &mut [f32],
        of_state: &mut [f32],
        before: &mut [f32],
        cell: &mut [f32],
    ) {
        let size = then.after.len();
        for i in 0..size {
            let gradient = then.gradient[i];
            match self {
                Self::Rnn => {
                    let of_sum = gradient * (1.0 - then.after[i] * then.after[i]);
                    (of_input[i], of_state[i], before[i]) = (of_sum, of_sum, 0.0);
                }
                Self::Gru => {
                    let [reset, update, new, recurrent] = kept(then.kept, size, i);
                    let of_new = gradient * (1.0 - update) * (1.0 - new * new);
                    let of_update = gradient * (then.before[i] - new) * update * (1.0 - update);
                    let of_reset = of_new * recurrent * reset * (1.0 - reset);
                    keep(of_input, size, i, [of_reset, of_update, of_new]);
                    keep(of_state, size, i, [of_reset, of_update, of_new * reset]);
                    before[i] = gradient * update;
                }
                Self::Lstm => {
                    let [input, forget, new, output, state] = kept(then.kept, size, i);
                    let tanh = tanh(state);
                    let of_cell = cell[i] + gradient * output * (1.0 - tanh * tanh);
                    let sums = [
                        of_cell * new * input * (1.0 - input),
                        of_cell * then.cell_before[i] * forget * (1.0 - forget),
                        of_cell * input * (1.0 - new * new),
                        gradient * tanh * output * (1.0 - output),
                    ];
                    keep(of_input, size, i, sums);
                    keep(of_state, size, i, sums);
                    (before[i], cell[i]) = (0.0, of_cell * forget);
                }
            }
        }
    }
}

/// Writes one number of each row.
fn keep<const N: usize>(rows: &mut [f32], size: usize, i: usize, values: [f32; N]) {
    values.into_iter().enumerate().for_each(|(row, value)| rows[row * size + i] = value);
}

/// Reads one number of each row.
fn kept<const N: usize>(rows: &[f32], size: usize, i: usize) -> [f32; N] {
    std::array::from_fn(|row| rows[row * size + i])
}
