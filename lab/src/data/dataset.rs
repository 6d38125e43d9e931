//! Features and classes together, with both widths known to the compiler.

use polars::prelude::DataFrame;

use super::labels::{named, numbered};
use super::matrix::exactly;
use super::{Batches, Classes, DataError, Matrix};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// Rows to train or test a classifier on: `W` features each, and one of `C` classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<const W: usize, const C: usize> {
    pub(super) x: Matrix,
    pub(super) y: Vec<usize>,
    classes: Classes,
}

impl<const W: usize, const C: usize> Dataset<W, C> {
    /// Takes features and labels from a frame. Whole numbers are class numbers; text is numbered in
    /// sorted order, and must have exactly `C` different values.
    ///
    /// # Errors
    /// Names the column when its type, a value or the number of columns or classes is wrong.
    pub fn new<S: AsRef<str>>(frame: &DataFrame, columns: &[S], label: &str) -> Result<Self, DataError> {
        let columns: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        let x = exactly(W, frame, &columns)?;
        let (y, classes) = numbered(frame, label, C)?;
        Ok(Self { x, y, classes })
    }

    /// Takes features and labels from a frame, the classes numbered as in `classes`: so that two parts
    /// of a frame agree, also when a class is missing from one.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn with_classes<S: AsRef<str>>(
        frame: &DataFrame,
        columns: &[S],
        label: &str,
        classes: &Classes,
    ) -> Result<Self, DataError> {
        let columns: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        let x = exactly(W, frame, &columns)?;
        let y = named(frame, label, classes, C)?;
        Ok(Self { x, y, classes: classes.clone() })
    }

    /// Divides every feature by the same number, as in `.scaled(16.0)` for pixels from 0 to 16.
    pub fn scaled(mut self, divisor: f32) -> Self {
        self.x = self.x.scaled(divisor);
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// The features.
    pub fn features(&self) -> &Matrix {
        &self.x
    }

    /// The class of each row, from 0 to `C - 1`.
    pub fn labels(&self) -> &[usize] {
        &self.y
    }

    /// The names of the classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Goes once through the rows in an order drawn by `seed`, `B` at a time; what does not fill a last
    /// batch is left out this time. Give another seed for each epoch, such as `seed + epoch`.
    ///
    /// # Errors
    /// When there are fewer than `B` rows.
    pub fn batches<const B: usize>(&self, dev: &Dev, seed: u64) -> Result<Batches<'_, B, W, C>, DataError> {
        Batches::new(self, dev, seed)
    }
}

impl<const W: usize, const C: usize> Show for Dataset<W, C> {
    fn show(&self) -> MimeBundle {
        let text = format!("a dataset of {} rows: {W} features, {C} classes", self.len());
        MimeBundle::new().with_text(text)
    }
}
