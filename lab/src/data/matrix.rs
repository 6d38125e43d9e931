//! Columns of a frame as rows of `f32`.

use dfdx::shapes::Const;
use dfdx::tensor::{Tensor, TensorFromVec};
use polars::prelude::{Column, DataFrame, DataType};

use super::labels::present;
use super::{Array, DataError};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// Numbers in memory, row after row; each column keeps its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    columns: Vec<String>,
    rows: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Takes the named columns, in this order.
    ///
    /// # Errors
    /// Names the column that is not there, not a number, has missing values or is not finite.
    pub fn from_frame<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        let names: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        gather(frame, &names)
    }

    /// Takes an array whose first axis is that of the rows; all others together are the columns, named by their
    /// place: pictures of 28 × 28 pixels are rows of 784 numbers, `0` to `783`.
    ///
    /// # Errors
    /// When there are no rows, or a value is not finite.
    pub fn from_array(array: Array) -> Result<Self, DataError> {
        let (rows, width) = match array.shape.split_first() {
            Some((&rows, rest)) => (rows, rest.iter().product::<usize>()),
            None => (0, 0),
        };
        if rows == 0 || width == 0 || array.values.len() != rows * width {
            let what = format!("{} numbers of shape {:?} are no rows", array.values.len(), array.shape);
            return Err(DataError::Shape { what });
        }
        if let Some(at) = array.values.iter().position(|value| !value.is_finite()) {
            let (column, value) = ((at % width).to_string(), array.values[at]);
            return Err(DataError::NotFinite { column, row: at / width, value });
        }
        Ok(Self { columns: (0..width).map(|column| column.to_string()).collect(), rows, values: array.values })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width()..(row + 1) * self.width()]
    }

    /// Divides every value by the same number, as in `x.scaled(255.0)` for bytes of a picture.
    pub fn scaled(mut self, divisor: f32) -> Self {
        self.values.iter_mut().for_each(|value| *value /= divisor);
        self
    }

    /// The rows with these numbers, one after the other.
    pub(super) fn pick(&self, rows: &[usize]) -> Vec<f32> {
        let mut out = Vec::new();
        self.pick_into(rows, &mut out);
        out
    }

    /// The same, added to the end of `out`.
    pub(super) fn pick_into(&self, rows: &[usize], out: &mut Vec<f32>) {
        out.reserve(rows.len() * self.width());
        rows.iter().for_each(|&row| out.extend_from_slice(self.row(row)));
    }
}

impl Show for Matrix {
    fn show(&self) -> MimeBundle {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        MimeBundle::new().with_text(format!("a matrix of {} rows: {}", self.rows, listed(&names)))
    }
}

/// Turns columns into one tensor with a row for each row of the frame and a width of `W`.
///
/// # Errors
/// As [`Matrix::from_frame`], and when the number of columns is not `W`.
pub fn tensor_from<const W: usize>(
    frame: &DataFrame,
    columns: &[impl AsRef<str>],
    dev: &Dev,
) -> Result<Tensor<(usize, Const<W>), f32, Dev>, DataError> {
    let names: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
    let matrix = exactly(W, frame, &names)?;
    Ok(dev.tensor_from_vec(matrix.values, (matrix.rows, Const::<W>)))
}

/// The columns as a matrix, if there are as many as the code says.
pub(super) fn exactly(width: usize, frame: &DataFrame, columns: &[&str]) -> Result<Matrix, DataError> {
    if columns.len() != width {
        return Err(DataError::Width { expected: width, got: columns.len() });
    }
    gather(frame, columns)
}

/// A column by name; the error lists what there is.
pub(super) fn column<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Column, DataError> {
    frame.column(name).map_err(|_| {
        let known: Vec<_> = frame.get_column_names().iter().map(|name| name.as_str()).collect();
        DataError::NoColumn { column: name.to_owned(), known: listed(&known) }
    })
}

/// A few names of many.
pub(super) fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let more = if names.len() > MOST { format!(", … ({} in all)", names.len()) } else { String::new() };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}

fn gather(frame: &DataFrame, columns: &[&str]) -> Result<Matrix, DataError> {
    let (rows, width) = (frame.height(), columns.len());
    for name in columns {
        column(frame, name)?;
    }
    if rows == 0 {
        return Err(DataError::TooFewRows { what: "the frame has no rows".to_owned() });
    }
    let mut values = vec![0.0; rows * width];
    for (index, name) in columns.iter().enumerate() {
        fill(column(frame, name)?, &mut values[index..], width)?;
    }
    Ok(Matrix { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows, values })
}

/// An error for a column that is not numbers.
pub(super) fn numeric(column: &Column) -> Result<(), DataError> {
    if column.dtype().is_primitive_numeric() || column.dtype().is_bool() {
        return Ok(());
    }
    Err(DataError::NotNumeric { column: column.name().to_string(), dtype: column.dtype().to_string() })
}

/// Writes a column into every `width`-th place.
fn fill(column: &Column, places: &mut [f32], width: usize) -> Result<(), DataError> {
    numeric(column)?;
    present(column)?;
    let cast = column.cast(&DataType::Float32)?;
    for (row, (place, value)) in places.iter_mut().step_by(width).zip(cast.f32()?.iter()).enumerate() {
        *place = value.unwrap_or(f32::NAN);
        if !place.is_finite() {
            return Err(DataError::NotFinite { column: column.name().to_string(), row, value: *place });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn frame() -> DataFrame {
        df!("a" => [1, 2], "b" => [0.5, 1.5], "s" => ["x", "y"], "m" => [Some(1), None], "n" => [1.0, f64::NAN])
            .expect("a frame")
    }

    #[test]
    fn columns_become_rows() {
        let matrix = Matrix::from_frame(&frame(), &["b", "a"]).expect("a matrix");
        assert_eq!(matrix.values(), [0.5, 1.0, 1.5, 2.0]);
        assert_eq!(matrix.row(1), [1.5, 2.0]);
        assert_eq!(matrix.pick(&[1, 0, 1]), [1.5, 2.0, 0.5, 1.0, 1.5, 2.0]);
    }

    #[test]
    fn an_array_becomes_rows() {
        let array = |shape: &[usize], values: &[f32]| Array { shape: shape.to_vec(), values: values.to_vec() };
        let matrix = Matrix::from_array(array(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0])).expect("a matrix");
        assert_eq!((matrix.rows(), matrix.row(1), matrix.columns()[1].as_str()), (2, [3.0, 4.0].as_slice(), "1"));
        let error = |array| Matrix::from_array(array).expect_err("bad data").to_string();
        assert!(error(array(&[0, 4], &[])).contains("shape [0, 4] are no rows"));
        assert!(error(array(&[], &[1.0])).contains("are no rows"));
        assert!(error(array(&[2, 2], &[0.0, 0.0, 0.0, f32::NAN])).contains("column \"1\""));
    }

    #[test]
    fn errors_name_the_column() {
        let error = |columns: &[&str]| Matrix::from_frame(&frame(), columns).expect_err("bad data").to_string();
        assert_eq!(error(&["z"]), "there is no column \"z\"; the frame has a, b, s, m, n");
        assert!(error(&["a", "s"]).contains("column \"s\" is str"));
        assert!(error(&["m"]).contains("column \"m\" has 1 missing values, the first in row 1"));
        assert!(error(&["n"]).contains("column \"n\"") && error(&["n"]).contains("row 1"));
    }

    #[test]
    fn the_width_is_checked() {
        let error = tensor_from::<3>(&frame(), &["a", "b"], &crate::device::device()).expect_err("two columns");
        assert_eq!(error.to_string(), "2 columns were given, but the width in the code is 3");
        let tensor = tensor_from::<2>(&frame(), &["a", "b"], &crate::device::device()).expect("a tensor");
        assert_eq!(tensor.as_vec(), [1.0, 0.5, 2.0, 1.5]);
    }
}
