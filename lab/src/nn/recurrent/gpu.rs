//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::recurrent::{self, Recurrent};
use cuda::math::{Buffer, Room, sizes};

use super::TakeLast;
use super::cell::Cell;
use super::sequence::Sequence;
use crate::nn::op::Kernels;

impl From<Cell> for recurrent::Cell {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Rnn => Self::Rnn,
            Cell::Gru => Self::Gru,
            Cell::Lstm => Self::Lstm,
        }
    }
}

impl Sequence {
    fn on_gpu(&self) -> Recurrent {
        let sizes = self.sizes;
        Recurrent {
            cell: self.cell.into(),
            batch: sizes.batch,
            steps: sizes.steps,
            input: sizes.input,
            hidden: sizes.hidden,
        }
    }

    /// Numbers of the states, which the output begins with.
    fn states(&self) -> usize {
        self.sizes.batch * self.sizes.steps * self.sizes.hidden
    }
}

impl Kernels for Sequence {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let inputs: [Buffer; 5] = inputs.try_into().map_err(|_| sizes("a recurrent network"))?;
        let [state, cell] = [Room::with(&self.first[0])?, Room::with(&self.first[1])?];
        let network = self.on_gpu();
        let memory = network.read(inputs, [state.buffer(), cell.buffer()], output.part(0, self.states())?)?;
        if self.tail {
            let last = network.last_cell(&memory)?;
            output.part(self.states(), last.len())?.copy(last)?;
        }
        self.there = Some(memory);
        Ok(())
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let wrong = || sizes("a recurrent network");
        let [x, of_input, of_state, ..] = *inputs else { return Err(wrong()) };
        let to: [Buffer; 5] = gradients.try_into().map_err(|_| wrong())?;
        let memory = self.there.as_ref().ok_or_else(wrong)?;
        self.on_gpu().read_backward(gradient.part(0, self.states())?, [x, of_input, of_state], memory, to)
    }
}

impl Kernels for TakeLast {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x] = *inputs else { return Err(sizes("last")) };
        recurrent::last(x, [self.sequence, self.size], output)
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let [to] = *gradients else { return Err(sizes("last")) };
        recurrent::last_backward(gradient, [self.sequence, self.size], to)
    }
}
