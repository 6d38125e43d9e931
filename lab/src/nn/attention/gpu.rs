//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::attention::{Attention, Dropout, Hidden};
use cuda::math::{Buffer, Room, embedding, sizes};

use super::position::{AddPositions, Table};
use super::product::Attend;
use crate::device::random_key;
use crate::nn::op::Kernels;

/// What attention keeps for the way back.
#[derive(Debug, Default)]
pub(super) struct Kept {
    weights: Option<Room>,
    hidden: Option<Hidden>,
    /// From which the dropped weights are drawn again.
    key: u64,
}

impl Attend {
    #[allow(clippy::cast_precision_loss)] // a share in percent
    fn on_gpu<'a>(&self, kept: &'a Kept) -> Attention<'a> {
        let dropout = Dropout { share: self.dropout as f64 / 100.0, key: kept.key };
        Attention {
            batch: self.sizes.batch,
            heads: self.sizes.heads,
            queries: self.sizes.queries,
            keys: self.sizes.keys,
            dim: self.sizes.dim,
            causal: self.mask.causal,
            hidden: kept.hidden.as_ref(),
            dropout: (self.dropout > 0).then_some(dropout),
        }
    }
}

impl Kernels for Attend {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [queries, keys, values] = *inputs else { return Err(sizes("attend")) };
        let padding = self.mask.padding.as_ref().map(|hidden| hidden.concat());
        let key = if self.dropout > 0 { random_key() } else { 0 };
        let mut kept = Kept { weights: None, hidden: padding.map(|hidden| Hidden::new(&hidden)).transpose()?, key };
        kept.weights = Some(self.on_gpu(&kept).attend([queries, keys, values], output)?);
        self.there = kept;
        Ok(())
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let ([queries, keys, values], [of_queries, of_keys, of_values], Some(weights)) =
            (inputs, gradients, &self.there.weights)
        else {
            return Err(sizes("attend"));
        };
        let to = [*of_queries, *of_keys, *of_values];
        self.on_gpu(&self.there).attend_backward(gradient, [*queries, *keys, *values], weights.buffer(), to)
    }
}

impl Table {
    fn on_gpu(&self) -> Outcome<Buffer> {
        if let Some(room) = self.there.get() {
            return Ok(room.buffer());
        }
        let room = Room::with(&self.numbers)?;
        Ok(self.there.get_or_init(|| room).buffer())
    }
}

impl Kernels for AddPositions {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let (rows, dim) = (self.rows, self.dim);
        match (inputs, &self.table) {
            ([x, table], None) => embedding::add_positions(*x, *table, [rows, dim], output),
            ([x], Some(table)) => embedding::add_positions(*x, table.on_gpu()?, [rows, dim], output),
            _ => Err(sizes("positions")),
        }
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let (of_x, of_table) = gradients.split_first().ok_or_else(|| sizes("positions"))?;
        embedding::add_positions_backward(gradient, [self.rows, self.dim], *of_x, of_table.first().copied())
    }
}
