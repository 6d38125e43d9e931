//! Features and classes together, with both widths known to the compiler.

use std::marker::PhantomData;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::examples::{Examples, Targets};
use super::labels::{from_values, named, numbered};
use super::layout::Fits;
use super::matrix::exactly;
use super::{Array, Batches, Classes, DataError, Flat, Matrix, OneHot, Pictures, Supervised};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// Rows to train or test a classifier on: `W` features each, and one of `C` classes. `X` is the shape in
/// which the features reach the model: rows of `W` numbers, or pictures ([`Dataset::pictures`]). A copy
/// shares the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<const W: usize, const C: usize, X = Flat<W>> {
    pub(super) x: Arc<Matrix>,
    pub(super) y: Arc<[usize]>,
    classes: Classes,
    layout: PhantomData<X>,
}

impl<const W: usize, const C: usize> Dataset<W, C> {
    /// Takes features and labels from a frame. Whole numbers are class numbers; text is numbered in
    /// sorted order, and must have exactly `C` different values.
    ///
    /// # Errors
    /// When the frame has no rows; names the column when its type, a value or the number of columns or
    /// classes is wrong.
    pub fn new<S: AsRef<str>>(frame: &DataFrame, columns: &[S], label: &str) -> Result<Self, DataError> {
        let columns: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        let x = exactly(W, frame, &columns)?;
        let (y, classes) = numbered(frame, label, C)?;
        Ok(Self::of(Arc::new(x), y.into(), classes))
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
        Ok(Self::of(Arc::new(x), y.into(), classes.clone()))
    }

    /// Takes features and class numbers from arrays with a row for each, as [`read_idx`](super::read_idx) and
    /// [`read_npz`](super::read_npz) give them.
    ///
    /// # Errors
    /// When a row is not `W` numbers, there is not one label for each row, or a label is not below `C`: says which.
    pub fn from_arrays(features: Array, labels: &Array) -> Result<Self, DataError> {
        let x = Matrix::from_array(features)?;
        if x.width() != W {
            return Err(DataError::Width { expected: W, got: x.width() });
        }
        if x.rows() != labels.values.len() {
            let what = format!("there are {} rows and {} labels", x.rows(), labels.values.len());
            return Err(DataError::Shape { what });
        }
        let (y, classes) = from_values(&labels.values, C)?;
        Ok(Self::of(Arc::new(x), y.into(), classes))
    }

    /// The same rows, whose features reach the model as pictures of `CH` channels of `H × PW` pixels, given in
    /// row-major order. The compiler checks that these are `W` numbers.
    pub fn pictures<const CH: usize, const H: usize, const PW: usize>(self) -> Dataset<W, C, Pictures<CH, H, PW>> {
        let () = Fits::<CH, H, PW, W>::CHECK;
        Dataset::of(self.x, self.y, self.classes)
    }
}

impl<const W: usize, const C: usize, X> Dataset<W, C, X> {
    fn of(x: Arc<Matrix>, y: Arc<[usize]>, classes: Classes) -> Self {
        Self { x, y, classes, layout: PhantomData }
    }

    /// Divides every feature by the same number, as in `.scaled(16.0)` for pixels from 0 to 16.
    pub fn scaled(self, divisor: f32) -> Self {
        Self { x: Arc::new(Arc::unwrap_or_clone(self.x).scaled(divisor)), ..self }
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
    pub fn batches<const B: usize>(&self, dev: &Dev, seed: u64) -> Result<Batches<B, X, OneHot<C>>, DataError> {
        Batches::new(self.examples(), dev, seed)
    }
}

impl<const W: usize, const C: usize, X> Supervised for Dataset<W, C, X> {
    type Features = X;
    type Targets = OneHot<C>;

    fn examples(&self) -> Examples {
        Examples { x: Arc::clone(&self.x), y: Targets::Classes { of: Arc::clone(&self.y), count: C } }
    }
}

impl<const W: usize, const C: usize, X> Show for Dataset<W, C, X> {
    fn show(&self) -> MimeBundle {
        let text = format!("a dataset of {} rows: {W} features, {C} classes", self.len());
        MimeBundle::new().with_text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_pictures_and_labels() {
        let array = |shape: &[usize], values: &[f32]| Array { shape: shape.to_vec(), values: values.to_vec() };
        let pictures = || array(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        let data = Dataset::<2, 3>::from_arrays(pictures(), &array(&[2], &[2.0, 0.0])).expect("a dataset");
        assert_eq!(
            (data.labels(), data.features().row(1), data.classes().len()),
            ([2, 0].as_slice(), [3.0, 4.0].as_slice(), 3)
        );
        let error = |labels: &[f32]| {
            Dataset::<2, 3>::from_arrays(pictures(), &array(&[labels.len()], labels))
                .expect_err("no labels")
                .to_string()
        };
        assert_eq!(error(&[0.0]), "there are 2 rows and 1 labels");
        for (labels, said) in
            [([0.0, 3.0], "label 3 in row 1"), ([0.5, 0.0], "label 0.5 in row 0"), ([0.0, -1.0], "label -1 in row 1")]
        {
            assert!(error(&labels).contains(said) && error(&labels).contains("3 classes"), "{}", error(&labels));
        }
        let error = Dataset::<3, 3>::from_arrays(pictures(), &array(&[2], &[0.0, 0.0])).expect_err("two numbers");
        assert!(error.to_string().contains("2 columns were given, but the width in the code is 3"));
    }
}
