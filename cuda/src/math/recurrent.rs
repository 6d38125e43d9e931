//! Recurrent networks over whole sequences, and back: Werbos, *Backpropagation Through Time*, 1990.

use super::dense::{affine, sum_columns};
use super::{Buffer, Parameter, Room, Rows, Sizes, check, each, multiply};
use crate::code::Outcome;

/// Which network, with PyTorch's formulas and order of gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Cell {
    /// h' = tanh(a): Elman, *Finding Structure in Time*, 1990.
    Rnn,
    /// Reset, update and new: Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014, with the
    /// reset gate after the product, as in cuDNN.
    Gru,
    /// Input, forget, cell and output: Hochreiter and Schmidhuber, *Long Short-Term Memory*, 1997, with the forget gate
    /// of Gers, Schmidhuber and Cummins, 2000.
    Lstm,
}

/// A network, and the sequences that it reads.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent {
    /// Which.
    pub cell: Cell,
    /// How many sequences.
    pub batch: usize,
    /// How long each is.
    pub steps: usize,
    /// Numbers of each step.
    pub input: usize,
    /// Numbers of the state.
    pub hidden: usize,
}

/// What was at each step.
#[derive(Debug)]
pub struct Memory {
    /// The first state and that after each step: `[1 + steps, batch, hidden]`.
    states: Room,
    /// The same of an LSTM's cell; else the first alone.
    cells: Room,
    /// Of the gates, `[steps, batch, 4, hidden]`; nothing without gates.
    kept: Room,
}

impl Recurrent {
    /// Reads `x`, `[batch, steps, input]`, and writes the state after each step to `out`, `[batch, steps, hidden]`.
    /// The inputs are `x`, the weights of the input `[gates, hidden, input]` and of the state `[gates, hidden, hidden]`,
    /// and the biases of both, `[gates, hidden]`; the first state and the first cell are `[batch, hidden]`.
    ///
    /// # Errors
    /// When sizes don't go together, or the device fails; so for all functions here.
    pub fn read(&self, inputs: [Buffer; 5], [state, cell]: [Buffer; 2], out: Buffer) -> Outcome<Memory> {
        const NAME: &str = "a recurrent network";
        self.check(NAME, inputs)?;
        let (units, gates) = (self.batch * self.hidden, self.gates() * self.hidden);
        check(NAME, state.len() == units && cell.len() == units && out.len() == self.steps * units)?;
        let [x, of_input, of_state, input_bias, state_bias] = inputs;
        let memory = Memory {
            states: Room::new((self.steps + 1) * units)?,
            cells: Room::new(if self.cell == Cell::Lstm { (self.steps + 1) * units } else { units })?,
            kept: Room::new(if self.cell == Cell::Rnn { 0 } else { self.steps * 4 * units })?,
        };
        self.state(&memory, 0)?.copy(state)?;
        self.cell(&memory, 0)?.copy(cell)?;
        let sums = Room::new(self.batch * self.steps * gates)?;
        affine(x, of_input, input_bias, sums.buffer())?;
        let states = Room::new(self.batch * gates)?;
        for step in 0..self.steps {
            let before = self.state(&memory, step)?;
            let sizes = Sizes { rows: self.batch, inner: self.hidden, columns: gates, batch: 1 };
            let weight = Rows::of(of_state, self.hidden).transposed();
            multiply(Rows::of(before, self.hidden), weight, Rows::of(states.buffer(), gates), sizes, 0.0)?;
            let buffers = [
                out,
                self.state(&memory, step + 1)?,
                self.cell(&memory, step + 1)?,
                self.kept(&memory, step)?,
                before,
                self.cell(&memory, step)?,
                sums.buffer(),
                states.buffer(),
                state_bias,
            ];
            // SAFETY: the kernel takes these; all have as many numbers as it says, as was checked or made here.
            unsafe { self.start("assay_recurrent", step, &buffers) }?;
        }
        Ok(memory)
    }

    /// Adds the derivatives of [`Recurrent::read`] by its five inputs, given that by its output. The first state and the
    /// first cell get none.
    ///
    /// # Errors
    /// As [`Recurrent::read`].
    pub fn read_backward(
        &self,
        gradient: Buffer,
        [x, of_input, of_state]: [Buffer; 3],
        memory: &Memory,
        to: [Buffer; 5],
    ) -> Outcome<()> {
        const NAME: &str = "a recurrent network's gradient";
        self.check(NAME, to)?;
        self.check(NAME, [x, of_input, of_state, to[3], to[4]])?;
        let (units, gates, rows) = (self.batch * self.hidden, self.gates() * self.hidden, self.batch * self.steps);
        let remembered = [&memory.states, &memory.cells, &memory.kept].map(|room| room.buffer().len());
        let same = remembered[0] == (self.steps + 1) * units
            && remembered[1] == if self.cell == Cell::Lstm { remembered[0] } else { units }
            && remembered[2] == if self.cell == Cell::Rnn { 0 } else { self.steps * 4 * units };
        check(NAME, same && gradient.len() == rows * self.hidden)?;
        let (input_sums, state_sums) = (Room::new(rows * gates)?, Room::new(rows * gates)?);
        let (later, of_cell) = (Room::zeros(units)?, Room::zeros(units)?);
        for step in (0..self.steps).rev() {
            let of_states = state_sums.buffer().part(step * self.batch * gates, self.batch * gates)?;
            let buffers = [
                input_sums.buffer(),
                of_states,
                later.buffer(),
                of_cell.buffer(),
                gradient,
                self.state(memory, step)?,
                self.state(memory, step + 1)?,
                self.cell(memory, step)?,
                self.cell(memory, step + 1)?,
                self.kept(memory, step)?,
            ];
            // SAFETY: as in `read`.
            unsafe { self.start("assay_recurrent_backward", step, &buffers) }?;
            if step > 0 {
                let sizes = Sizes { rows: self.batch, inner: gates, columns: self.hidden, batch: 1 };
                let weight = Rows::of(of_state, self.hidden);
                multiply(Rows::of(of_states, gates), weight, Rows::of(later.buffer(), self.hidden), sizes, 1.0)?;
            }
        }
        let (input_sums, state_sums) = (input_sums.buffer(), state_sums.buffer());
        sum_columns(to[3], input_sums)?;
        sum_columns(to[4], state_sums)?;
        let (sums, weight) = (Rows::of(input_sums, gates), Rows::of(of_input, self.input));
        let sizes = Sizes { rows, inner: gates, columns: self.input, batch: 1 };
        multiply(sums, weight, Rows::of(to[0], self.input), sizes, 1.0)?;
        let sizes = Sizes { rows: gates, inner: rows, columns: self.input, batch: 1 };
        multiply(sums.transposed(), Rows::of(x, self.input), Rows::of(to[1], self.input), sizes, 1.0)?;
        let before = memory.states.buffer().part(0, self.steps * units)?;
        let sizes = Sizes { columns: self.hidden, ..sizes };
        let sums = Rows::of(state_sums, gates).transposed();
        multiply(sums, Rows::of(before, self.hidden), Rows::of(to[2], self.hidden), sizes, 1.0)
    }

    /// The cell of an LSTM after the last step, `[batch, hidden]`; of others, the first.
    ///
    /// # Errors
    /// When the memory is of other sizes.
    pub fn last_cell(&self, memory: &Memory) -> Outcome<Buffer> {
        self.cell(memory, self.steps)
    }

    fn gates(&self) -> usize {
        match self.cell {
            Cell::Rnn => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    fn check(&self, function: &'static str, inputs: [Buffer; 5]) -> Outcome<()> {
        let gates = self.gates() * self.hidden;
        let wanted = [self.batch * self.steps * self.input, gates * self.input, gates * self.hidden, gates, gates];
        let good = self.hidden > 0 && self.input > 0;
        check(function, good && inputs.iter().zip(wanted).all(|(input, wanted)| input.len() == wanted))
    }

    /// The state before a step, or after the one before it.
    fn state(&self, memory: &Memory, step: usize) -> Outcome<Buffer> {
        let units = self.batch * self.hidden;
        memory.states.buffer().part(step * units, units)
    }

    /// The cell likewise.
    fn cell(&self, memory: &Memory, step: usize) -> Outcome<Buffer> {
        let units = self.batch * self.hidden;
        memory.cells.buffer().part(if self.cell == Cell::Lstm { step * units } else { 0 }, units)
    }

    fn kept(&self, memory: &Memory, step: usize) -> Outcome<Buffer> {
        let kept = if self.cell == Cell::Rnn { 0 } else { 4 * self.batch * self.hidden };
        memory.kept.buffer().part(step * kept, kept)
    }

    /// # Safety
    /// The kernel is one of the two here, and takes these buffers.
    unsafe fn start(&self, kernel: &'static str, step: usize, buffers: &[Buffer]) -> Outcome<()> {
        let units = self.batch * self.hidden;
        let sizes = [self.hidden, self.steps, step, units].map(Parameter::from);
        let mut parameters: Vec<Parameter> = buffers.iter().map(|buffer| (*buffer).into()).collect();
        parameters.push((self.cell as u32).into());
        parameters.extend(sizes);
        // SAFETY: a thread for each unit; the rest is the caller's word.
        unsafe { each(kernel, units, &parameters) }
    }
}

/// The last row of each sequence: from `x`, `[batch, rows, size]`, to `out`, `[batch, size]`; `length` is
/// `rows * size`.
///
/// # Errors
/// As [`Recurrent::read`].
pub fn last(x: Buffer, [length, size]: [usize; 2], out: Buffer) -> Outcome<()> {
    check_last("last", x, [length, size], out)?;
    let parameters = [out.into(), x.into(), length.into(), size.into(), out.len().into()];
    // SAFETY: `x` has a sequence of `length` numbers for each `size` of `out`, whose last `size` are read.
    unsafe { each("assay_last", out.len(), &parameters) }
}

/// Adds the gradient to the last row of each sequence.
///
/// # Errors
/// As [`Recurrent::read`].
pub fn last_backward(gradient: Buffer, [length, size]: [usize; 2], to: Buffer) -> Outcome<()> {
    check_last("last_backward", to, [length, size], gradient)?;
    let parameters = [to.into(), gradient.into(), length.into(), size.into(), gradient.len().into()];
    // SAFETY: as in `last`.
    unsafe { each("assay_last_backward", gradient.len(), &parameters) }
}

fn check_last(function: &'static str, x: Buffer, [length, size]: [usize; 2], out: Buffer) -> Outcome<()> {
    let good = 0 < size && size <= length && x.len().is_multiple_of(length);
    check(function, good && out.len() == x.len() / length.max(1) * size)
}
