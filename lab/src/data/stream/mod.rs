//! Tables that are larger than memory: read, turned into numbers and shuffled chunk by chunk.

mod chunks;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use polars::prelude::{DataFrame, LazyFrame};

use super::batches::{Ahead, Streamed};
use super::examples::{Examples, Supervised};
use super::{Batches, DataError};
use crate::device::Dev;
use crate::host;

pub use chunks::Chunks;
pub use scan::{csv_to_parquet, scan};

/// Turns a chunk of a table into rows to learn from.
type Make = dyn Fn(&DataFrame) -> Result<Examples, DataError> + Send + Sync;

/// Rows to train on that are read from a file, some at a time; `D` is the [`Dataset`](super::Dataset) or
/// [`Samples`](super::Samples) that each chunk becomes.
///
/// ```ignore
/// let train = Stream::new(scan("train.parquet")?, 50_000, move |chunk| {
///     Dataset::<8, 3>::with_classes(&scaler.transform(chunk)?, &columns, "kind", &classes)
/// })?;
/// for batch in train.batches::<64>(&dev, seed)?.prefetch(4) {
///     let (x, y) = batch?;
/// }
/// ```
///
/// In memory are the chunk in use and the next one, which is read on another core meanwhile. Chunks come in an
/// order drawn by the seed, and so do the rows within each; rows of different chunks are not mixed, so a file that is
/// sorted by what is to be learned must be shuffled before it is written.
pub struct Stream<D> {
    chunks: Chunks,
    make: Arc<Make>,
    kind: PhantomData<fn() -> D>,
}

impl<D> fmt::Debug for Stream<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}

impl<D: Supervised> Stream<D> {
    /// Reads `frame` in chunks of this many rows, each turned by `make` into rows to learn from. Polars reads only
    /// the columns that are asked for when they are selected: `scan(path)?.select([cols(["a", "b"])])`.
    ///
    /// # Errors
    /// As [`Chunks::new`].
    pub fn new<F>(frame: LazyFrame, chunk_rows: usize, make: F) -> Result<Self, DataError>
    where
        F: Fn(&DataFrame) -> Result<D, DataError> + Send + Sync + 'static,
    {
        let make = Arc::new(move |frame: &DataFrame| Ok(make(frame)?.examples()));
        Ok(Self { chunks: Chunks::new(frame, chunk_rows)?, make, kind: PhantomData })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.chunks.rows()
    }

    /// Never: a stream has rows.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Goes once through the rows, chunks and rows in an order drawn by `seed`, `B` at a time; what does not fill
    /// a last batch is left out this time. Each batch is a `Result`: an error says in which rows of the file, and
    /// ends the batches.
    ///
    /// # Errors
    /// When there are fewer than `B` rows.
    pub fn batches<const B: usize>(
        &self,
        dev: &Dev,
        seed: u64,
    ) -> Result<Batches<B, D::Features, D::Targets, Streamed>, DataError> {
        Batches::streamed(read(&self.chunks, &self.make, seed), self.len(), dev, seed)
    }
}

/// The chunks as rows to learn from, the next one made while one is in use.
fn read(chunks: &Chunks, make: &Arc<Make>, seed: u64) -> Ahead<Examples> {
    let (mut chunks, make) = (chunks.clone().shuffled(seed), Arc::clone(make));
    Ahead::new(std::iter::from_fn(move || chunks.next_as(&*make)), 1, host::interrupted)
}
