//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::{Buffer, Room, embedding, sizes};

use super::position::AddPositions;
use crate::nn::op::Kernels;

impl Kernels for AddPositions {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let (rows, dim) = (self.rows, self.dim);
        match (inputs, &self.table) {
            ([x, table], None) => embedding::add_positions(*x, *table, [rows, dim], output),
            ([x], Some(table)) => {
                let table = Room::with(table.get(..rows * dim).ok_or_else(|| sizes("positions"))?)?;
                embedding::add_positions(*x, table.buffer(), [rows, dim], output)
            }
            _ => Err(sizes("positions")),
        }
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let (of_x, of_table) = gradients.split_first().ok_or_else(|| sizes("positions"))?;
        embedding::add_positions_backward(gradient, [self.rows, self.dim], *of_x, of_table.first().copied())
    }
}
