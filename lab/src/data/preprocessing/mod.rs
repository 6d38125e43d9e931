//! What a frame goes through before it becomes numbers: missing values, outliers, categories, scales. Each
//! step is fitted on the training rows and applied to any others, and can be saved with the model
//! (`serde_json::to_string(&scaler)`).

mod encoder;
mod imputer;
mod label;
mod outliers;
mod scaler;

use polars::prelude::{Column, DataFrame, DataType};

use super::DataError;
use super::matrix::{column, numeric};

pub use encoder::{OneHotEncoder, OrdinalEncoder, Unknown};
pub use imputer::{Fill, Imputer};
pub use label::LabelEncoder;
pub use outliers::{Outliers, clip_outliers, drop_outliers};
pub use scaler::Scaler;

/// A numeric column as it is, `None` where a value is missing or NaN.
fn numbers(frame: &DataFrame, name: &str) -> Result<Vec<Option<f64>>, DataError> {
    let column = column(frame, name)?;
    numeric(column)?;
    let cast = column.cast(&DataType::Float64)?;
    Ok(cast.f64()?.iter().map(|value| value.filter(|value| !value.is_nan())).collect())
}

/// The values that there are; an error when there are none to learn from.
fn present(frame: &DataFrame, name: &str) -> Result<Vec<f64>, DataError> {
    let values: Vec<f64> = numbers(frame, name)?.into_iter().flatten().collect();
    if values.is_empty() { Err(nothing(name)) } else { Ok(values) }
}

fn nothing(name: &str) -> DataError {
    DataError::TooFewRows { what: format!("column {name:?} has no values to fit on") }
}

/// The frame with a column of numbers in place of the one of this name.
fn with_numbers(frame: &mut DataFrame, name: &str, values: Vec<Option<f64>>) -> Result<(), DataError> {
    frame.with_column(Column::new(name.into(), values))?;
    Ok(())
}

/// Mean of the values; not of none.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

/// Standard deviation around the mean, over all values (divided by `n`, as scikit-learn's scaler does).
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count(values)).sqrt()
}

/// The value below which this share of the sorted values lies, interpolated linearly as NumPy does.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a position between 0 and the last index
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (count(sorted) - 1.0);
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (at - at.floor()) * (sorted[high] - sorted[low])
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}
