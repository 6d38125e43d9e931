//! A lazy frame as pieces of some rows each.

use polars::prelude::{DataFrame, IdxSize, LazyFrame, len};
use rand::seq::SliceRandom;

use crate::data::DataError;
use crate::data::batches::{Draw, random};

/// The rows of a lazy frame, in frames of some rows each: only one is in memory at a time. The last may be smaller.
///
/// ```ignore
/// for chunk in Chunks::new(scan("big.parquet")?, 100_000)? {
///     let chunk = chunk?;
/// }
/// ```
///
/// Each chunk is a query of its own. On Parquet it reads only the row groups with its rows; after a filter, a
/// join or a sort, Polars has to do all of that again for each chunk: write the result to a file first.
#[derive(Clone)]
pub struct Chunks {
    frame: LazyFrame,
    rows: usize,
    size: usize,
    order: std::vec::IntoIter<usize>,
}

impl std::fmt::Debug for Chunks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunks").field("rows", &self.rows).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Chunks {
    /// Chunks of `size` rows, in the order of the rows. The rows are counted now.
    ///
    /// # Errors
    /// When there are no rows, `size` is 0, or the file can't be read.
    pub fn new(frame: LazyFrame, size: usize) -> Result<Self, DataError> {
        let rows = count(&frame)?;
        if rows == 0 || size == 0 {
            return Err(DataError::TooFewRows { what: format!("{rows} rows can't be read in chunks of {size}") });
        }
        let order: Vec<usize> = (0..rows.div_ceil(size)).collect();
        Ok(Self { frame, rows, size, order: order.into_iter() })
    }

    /// The same chunks in an order drawn by `seed`.
    pub fn shuffled(mut self, seed: u64) -> Self {
        let mut order: Vec<usize> = self.order.collect();
        order.shuffle(&mut random(seed, Draw::Chunks));
        self.order = order.into_iter();
        self
    }

    /// How many rows there are in all chunks together.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The first and the last row of a chunk.
    fn range(&self, chunk: usize) -> (usize, usize) {
        (chunk * self.size, self.rows.min((chunk + 1) * self.size) - 1)
    }

    fn read(&self, first: usize, last: usize) -> Result<DataFrame, DataError> {
        // Polars counts rows in IdxSize itself, so each chunk has a length of this type.
        let len = IdxSize::try_from(last + 1 - first).unwrap_or(IdxSize::MAX);
        let offset = i64::try_from(first).unwrap_or(i64::MAX);
        let frame = self.frame.clone().slice(offset, len).collect()?;
        if frame.height() == last + 1 - first {
            return Ok(frame);
        }
        let what = format!("{} rows were read; the file was changed meanwhile", frame.height());
        Err(DataError::TooFewRows { what })
    }

    /// The next chunk, as what `make` makes of it. After an error there is none.
    pub(super) fn next_as<T>(
        &mut self,
        make: &dyn Fn(&DataFrame) -> Result<T, DataError>,
    ) -> Option<Result<T, DataError>> {
        let chunk = self.order.next()?;
        let (first, last) = self.range(chunk);
        let made = self.read(first, last).and_then(|frame| make(&frame));
        if made.is_err() {
            self.order = Vec::new().into_iter();
        }
        Some(made.map_err(|source| DataError::Chunk { first, last, source: Box::new(source) }))
    }
}

impl Iterator for Chunks {
    type Item = Result<DataFrame, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_as(&|frame| Ok(frame.clone()))
    }
}

fn count(frame: &LazyFrame) -> Result<usize, DataError> {
    let count = frame.clone().select([len()]).collect()?;
    Ok(count.column("len")?.get(0)?.try_extract::<u64>().map(|count| usize::try_from(count).unwrap_or(usize::MAX))?)
}
