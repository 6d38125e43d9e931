//! The numbers of batches, before they get their shape: what can be made on another core.

use std::fmt;

use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ahead::Ahead;
use crate::data::examples::{Examples, Picked};
use crate::data::mixup::mix;
use crate::data::{Augment, DataError};
use crate::host;

type Source = Box<dyn Iterator<Item = Result<Picked, DataError>> + Send>;

/// What is drawn by one seed must not depend on each other: the order of the rows is drawn from stream 0 of the
/// generator.
#[derive(Clone, Copy)]
pub(in crate::data) enum Draw {
    Chunks = 1,
    Augment = 2,
    Mixup = 3,
}

/// A generator that draws the same as long as both are the same.
pub(in crate::data) fn random(seed: u64, what: Draw) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(what as u64);
    random
}

/// Batches one after the other, each changed by the steps that were added.
pub(super) struct Feed {
    source: Source,
    seed: u64,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Feed {
    /// Batches of this many rows from chunks of rows. A chunk's rows are shuffled; what does not fill a batch is
    /// taken together with rows of the next chunk, or left out at the end.
    pub(super) fn new<I>(chunks: I, batch: usize, seed: u64) -> Self
    where
        I: Iterator<Item = Result<Examples, DataError>> + Send + 'static,
    {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let rows = Rows { chunks: Box::new(chunks), batch, random, chunk: None, order: Vec::new(), next: 0 };
        Self { source: Box::new(rows), seed }
    }

    /// Changes the pictures of each batch, under a seed of the batch.
    pub(super) fn augment(self, augment: Augment, size: [usize; 3]) -> Self {
        let mut seeds = random(self.seed, Draw::Augment);
        self.map(move |batch| augment.change(&mut batch.x, size, seeds.next_u64()))
    }

    /// Mixes the rows of each batch, under a seed of the batch.
    pub(super) fn mixup(self, alpha: f32) -> Self {
        let mut seeds = random(self.seed, Draw::Mixup);
        self.map(move |batch| mix([&mut batch.x, &mut batch.y], batch.rows, alpha, seeds.next_u64()))
    }

    /// Makes this many batches ahead on another core; none for 0.
    pub(super) fn prefetch(self, count: usize) -> Self {
        if count == 0 {
            return self;
        }
        let source = Box::new(Ahead::new(self.source, count, host::interrupted));
        Self { source, seed: self.seed }
    }

    /// The next batch, until there are too few rows. An interrupt ends the cell here.
    pub(super) fn next(&mut self) -> Option<Result<Picked, DataError>> {
        host::check();
        let next = self.source.next();
        if next.is_none() {
            // What is made ahead ends early when the person asked to stop.
            host::check();
        }
        next
    }

    fn map(self, mut change: impl FnMut(&mut Picked) + Send + 'static) -> Self {
        let changed = self.source.map(move |batch| {
            batch.map(|mut batch| {
                change(&mut batch);
                batch
            })
        });
        Self { source: Box::new(changed), seed: self.seed }
    }
}

/// Picks the rows of batches from chunks.
struct Rows {
    chunks: Box<dyn Iterator<Item = Result<Examples, DataError>> + Send>,
    batch: usize,
    random: ChaCha8Rng,
    chunk: Option<Examples>,
    order: Vec<usize>,
    next: usize,
}

impl Iterator for Rows {
    type Item = Result<Picked, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Picked::default();
        loop {
            if let Some(chunk) = &self.chunk {
                let end = self.order.len().min(self.next + self.batch - batch.rows);
                chunk.pick(&self.order[self.next..end], &mut batch);
                self.next = end;
            }
            if batch.rows == self.batch {
                return Some(Ok(batch));
            }
            // Freed before the next one comes, so that fewer are in memory.
            self.chunk = None;
            match self.chunks.next()? {
                Ok(chunk) => self.begin(chunk),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Rows {
    fn begin(&mut self, chunk: Examples) {
        self.order = (0..chunk.len()).collect();
        self.order.shuffle(&mut self.random);
        self.next = 0;
        self.chunk = Some(chunk);
    }
}
