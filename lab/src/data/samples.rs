//! Features and real-valued targets together, with both widths known to the compiler.

use std::marker::PhantomData;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::examples::{Examples, Targets};
use super::layout::Fits;
use super::matrix::exactly;
use super::{Batches, DataError, Flat, Matrix, Pictures, Supervised};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// Rows to train or test a regression on: `W` features each, and `T` numbers to predict. `X` is the shape in
/// which the features reach the model: rows of `W` numbers, or pictures ([`Samples::pictures`]). A copy
/// shares the numbers.
///
/// ```ignore
/// let test = Samples::<8>::new(&test, &columns, "median_house_value")?;
/// let predicted = test.predict(&model, &dev)?;
/// let rmse = root_mean_squared_error(test.targets().values(), &predicted)?;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples<const W: usize, const T: usize = 1, X = Flat<W>> {
    pub(super) x: Arc<Matrix>,
    y: Arc<Matrix>,
    layout: PhantomData<X>,
}

impl<const W: usize> Samples<W> {
    /// Takes features and one target from a frame.
    ///
    /// # Errors
    /// When the frame has no rows; names the column that is not there, not a number, has missing values or
    /// is not finite; when the number of columns is not `W`.
    pub fn new<S: AsRef<str>>(frame: &DataFrame, columns: &[S], target: &str) -> Result<Self, DataError> {
        Self::with_targets(frame, columns, &[target])
    }
}

impl<const W: usize, const T: usize> Samples<W, T> {
    /// Takes features and `T` targets from a frame.
    ///
    /// # Errors
    /// As [`Samples::new`], and when the number of targets is not `T`.
    pub fn with_targets<S: AsRef<str>>(
        frame: &DataFrame,
        columns: &[S],
        targets: &[impl AsRef<str>],
    ) -> Result<Self, DataError> {
        let columns: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        let targets: Vec<&str> = targets.iter().map(AsRef::as_ref).collect();
        if targets.len() != T {
            return Err(DataError::TargetWidth { expected: T, got: targets.len() });
        }
        let x = exactly(W, frame, &columns)?;
        let y = exactly(T, frame, &targets)?;
        Ok(Self::of(Arc::new(x), Arc::new(y)))
    }

    /// The same rows, whose features reach the model as pictures of `CH` channels of `H × PW` pixels, given in
    /// row-major order. The compiler checks that these are `W` numbers.
    pub fn pictures<const CH: usize, const H: usize, const PW: usize>(self) -> Samples<W, T, Pictures<CH, H, PW>> {
        let () = Fits::<CH, H, PW, W>::CHECK;
        Samples::of(self.x, self.y)
    }
}

impl<const W: usize, const T: usize, X> Samples<W, T, X> {
    fn of(x: Arc<Matrix>, y: Arc<Matrix>) -> Self {
        Self { x, y, layout: PhantomData }
    }

    /// Divides every feature by the same number, as in `.scaled(255.0)` for pixels from 0 to 255.
    pub fn scaled(self, divisor: f32) -> Self {
        Self { x: Arc::new(Arc::unwrap_or_clone(self.x).scaled(divisor)), ..self }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.x.rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The features.
    pub fn features(&self) -> &Matrix {
        &self.x
    }

    /// The targets; their `values()` are what a metric compares with [`Samples::predict`].
    pub fn targets(&self) -> &Matrix {
        &self.y
    }

    /// Goes once through the rows in an order drawn by `seed`, `B` at a time; what does not fill a last
    /// batch is left out this time. Give another seed for each epoch, such as `seed + epoch`.
    ///
    /// # Errors
    /// When there are fewer than `B` rows.
    pub fn batches<const B: usize>(&self, dev: &Dev, seed: u64) -> Result<Batches<B, X, Flat<T>>, DataError> {
        Batches::new(self.examples(), dev, seed)
    }
}

impl<const W: usize, const T: usize, X> Supervised for Samples<W, T, X> {
    type Features = X;
    type Targets = Flat<T>;

    fn examples(&self) -> Examples {
        Examples { x: Arc::clone(&self.x), y: Targets::Numbers(Arc::clone(&self.y)) }
    }
}

impl<const W: usize, const T: usize, X> Show for Samples<W, T, X> {
    fn show(&self) -> MimeBundle {
        let text = format!("samples of {} rows: {W} features, {T} targets", self.len());
        MimeBundle::new().with_text(text)
    }
}
