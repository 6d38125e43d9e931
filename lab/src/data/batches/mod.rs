//! Shuffled batches as tensors.

mod ahead;
mod feed;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use super::examples::{Examples, Picked};
use super::layout::{Indices, Layout, OneHot, TargetLayout};
use super::{Augment, DataError, Flat, Pictures};
use crate::device::Dev;

pub(super) use ahead::Ahead;
pub(super) use feed::{Draw, random};

use feed::Feed;

/// Batches of `B` rows: pairs of features and targets, in the shapes that the model and the loss take. An
/// interrupt ends the cell.
///
/// Batches of a [`Dataset`](super::Dataset) have features `B × W`, or `B × CH × H × W` for pictures, and classes
/// as one-hot rows `B × C`. What else is wanted is added in front of the loop, `prefetch` last:
///
/// ```ignore
/// for (x, y) in train.batches::<64>(&dev, seed)?.indexed().augment(&augment).prefetch(4) {
///     let loss = cross_entropy(model.forward(x.trace(gradients)), &y)?;
/// }
/// ```
///
/// Batches of a [`Stream`](super::Stream) are read from a file on the way, so each is a `Result`.
#[derive(Debug)]
pub struct Batches<const B: usize, X, Y, R = InMemory> {
    feed: Feed,
    dev: Dev,
    kind: PhantomData<(X, Y, R)>,
}

/// All rows are in memory: nothing can go wrong on the way.
#[derive(Debug, Clone, Copy)]
pub struct InMemory;

/// Rows are read from a file on the way.
#[derive(Debug, Clone, Copy)]
pub struct Streamed;

impl<const B: usize, X, Y> Batches<B, X, Y> {
    pub(super) fn new(examples: Examples, dev: &Dev, seed: u64) -> Result<Self, DataError> {
        enough(examples.len(), B)?;
        Ok(Self::of(Feed::new(std::iter::once(Ok(examples)), B, seed), dev.clone()))
    }
}

impl<const B: usize, X, Y> Batches<B, X, Y, Streamed> {
    /// Batches of the rows of chunks, of which there are `rows` in all.
    pub(super) fn streamed<I>(chunks: I, rows: usize, dev: &Dev, seed: u64) -> Result<Self, DataError>
    where
        I: Iterator<Item = Result<Examples, DataError>> + Send + 'static,
    {
        enough(rows, B)?;
        Ok(Self::of(Feed::new(chunks, B, seed), dev.clone()))
    }
}

impl<const B: usize, X, Y, R> Batches<B, X, Y, R> {
    fn of(feed: Feed, dev: Dev) -> Self {
        Self { feed, dev, kind: PhantomData }
    }

    /// Makes batches on another core, up to `count` ahead of the loop: picks the rows, changes the pictures.
    /// Order and numbers are the same as without. It pays where making a batch takes a good part of a step, as with
    /// pictures that are augmented.
    pub fn prefetch(self, count: usize) -> Self {
        Self::of(self.feed.prefetch(count), self.dev)
    }
}

impl<const B: usize, X, const C: usize, R> Batches<B, X, OneHot<C>, R> {
    /// Gives the class of each row as a number, as [`cross_entropy`](crate::loss::cross_entropy) takes it, in
    /// place of a one-hot row.
    pub fn indexed(self) -> Batches<B, X, Indices, R> {
        Batches::of(self.feed, self.dev)
    }

    /// Mixes each row with another of its batch, and their targets alike, by a share that is drawn for each batch
    /// from Beta(alpha, alpha); see [`mixup`](super::mixup). 0.2 is a usual alpha.
    pub fn mixup(self, alpha: f32) -> Batches<B, X, Flat<C>, R> {
        Batches::of(self.feed.mixup(alpha), self.dev)
    }
}

impl<const B: usize, const CH: usize, const H: usize, const W: usize, Y, R> Batches<B, Pictures<CH, H, W>, Y, R> {
    /// Changes each picture at random, under a seed that follows from that of the batches.
    pub fn augment(self, augment: &Augment) -> Self {
        Self::of(self.feed.augment(augment.clone(), [CH, H, W]), self.dev)
    }
}

impl<const B: usize, X: Layout<B>, Y: TargetLayout<B>, R> Batches<B, X, Y, R> {
    fn arrange(&self, batch: Picked) -> (X::Output, Y::Output) {
        (X::arrange(batch.x, &self.dev), Y::arrange(batch.y, batch.classes, &self.dev))
    }
}

impl<const B: usize, X: Layout<B>, Y: TargetLayout<B>> Iterator for Batches<B, X, Y> {
    type Item = (X::Output, Y::Output);

    /// # Panics
    /// When the thread of [`Batches::prefetch`] could not be started or panicked.
    fn next(&mut self) -> Option<Self::Item> {
        match self.feed.next()? {
            Ok(batch) => Some(self.arrange(batch)),
            // Nothing is read on the way, so this is a panic of the other thread, which goes on in this one.
            Err(error) => panic!("{error}"),
        }
    }
}

impl<const B: usize, X: Layout<B>, Y: TargetLayout<B>> Iterator for Batches<B, X, Y, Streamed> {
    type Item = Result<(X::Output, Y::Output), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.feed.next()?;
        Some(batch.map(|batch| self.arrange(batch)))
    }
}

fn enough(rows: usize, batch: usize) -> Result<(), DataError> {
    if batch == 0 || rows < batch {
        return Err(DataError::TooFewRows { what: format!("{rows} rows don't fill one batch of {batch}") });
    }
    Ok(())
}
