//! Columns brought to one scale.

use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};

use super::{deviation, mean, numbers, present, quantile, sorted, with_numbers};
use crate::data::DataError;
use crate::display::{MimeBundle, Show, Table};

/// Shifts and stretches columns: `(x - center) / scale`, with what was learned from the training rows. A
/// column that is constant there is only shifted. Missing values stay missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    columns: Vec<Scaled>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scaled {
    name: String,
    center: f64,
    scale: f64,
}

impl Scaler {
    /// Fits to mean 0 and standard deviation 1 (scikit-learn's `StandardScaler`).
    ///
    /// # Errors
    /// Names the column that is not there, not numeric or empty; so for the others.
    pub fn standard<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        Self::fit(frame, &names(columns), &|values| (mean(&values), deviation(&values)))
    }

    /// Fits to the range from 0 to 1 (`MinMaxScaler`).
    ///
    /// # Errors
    /// As [`Scaler::standard`].
    pub fn min_max<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        Self::fit(frame, &names(columns), &|values| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, high - low)
        })
    }

    /// Fits to median 0 and distance between the quartiles 1, which outliers hardly move (`RobustScaler`).
    ///
    /// # Errors
    /// As [`Scaler::standard`].
    pub fn robust<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        Self::fit(frame, &names(columns), &|values| {
            let values = sorted(values);
            (quantile(&values, 0.5), quantile(&values, 0.75) - quantile(&values, 0.25))
        })
    }

    fn fit(frame: &DataFrame, columns: &[&str], learn: &dyn Fn(Vec<f64>) -> (f64, f64)) -> Result<Self, DataError> {
        let columns = columns.iter().map(|&name| {
            let (center, scale) = learn(present(frame, name)?);
            let scale = if scale > 0.0 { scale } else { 1.0 };
            Ok(Scaled { name: name.to_owned(), center, scale })
        });
        Ok(Self { columns: columns.collect::<Result<_, DataError>>()? })
    }

    /// The frame with its columns scaled.
    ///
    /// # Errors
    /// When a column that was fitted is not there or not numeric.
    pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        self.apply(frame, &|value, column| (value - column.center) / column.scale)
    }

    /// The frame with its columns as they were before [`Scaler::transform`].
    ///
    /// # Errors
    /// As [`Scaler::transform`].
    pub fn inverse(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        self.apply(frame, &|value, column| value * column.scale + column.center)
    }

    fn apply(&self, frame: &DataFrame, change: &dyn Fn(f64, &Scaled) -> f64) -> Result<DataFrame, DataError> {
        let mut out = frame.clone();
        for column in &self.columns {
            let values = numbers(frame, &column.name)?;
            let changed = values.into_iter().map(|value| value.map(|value| change(value, column)));
            with_numbers(&mut out, &column.name, changed.collect())?;
        }
        Ok(out)
    }

    /// What a column is divided by after its center was taken away: to bring a prediction of a scaled
    /// target, or an error of one, back to the column's unit.
    pub fn scale_of(&self, column: &str) -> Option<f64> {
        self.columns.iter().find(|scaled| scaled.name == column).map(|scaled| scaled.scale)
    }

    /// What is taken away from a column.
    pub fn center_of(&self, column: &str) -> Option<f64> {
        self.columns.iter().find(|scaled| scaled.name == column).map(|scaled| scaled.center)
    }
}

impl Show for Scaler {
    fn show(&self) -> MimeBundle {
        let mut table = Table::new(&["column", "center", "scale"]).left(0);
        for Scaled { name, center, scale } in &self.columns {
            table.row(&[name.clone(), format!("{center:.4}"), format!("{scale:.4}")]);
        }
        table.show()
    }
}

fn names<S: AsRef<str>>(columns: &[S]) -> Vec<&str> {
    columns.iter().map(AsRef::as_ref).collect()
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn frame() -> DataFrame {
        df!("x" => [1.0, 2.0, 4.0, 10.0], "k" => [3, 3, 3, 3], "s" => ["a", "b", "c", "d"]).expect("a frame")
    }

    fn values(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
        numbers(frame, name).expect("numbers")
    }

    fn close(got: &[Option<f64>], expected: &[f64]) {
        for (got, expected) in got.iter().zip(expected) {
            assert!((got.expect("a value") - expected).abs() < 1e-6, "{got:?} {expected}");
        }
    }

    // scikit-learn 1.9.1: StandardScaler, MinMaxScaler and RobustScaler of [[1], [2], [4], [10]].
    #[test]
    fn equal_to_scikit_learn() {
        let scaled = |scaler: Result<Scaler, DataError>| {
            values(&scaler.expect("a scaler").transform(&frame()).expect("a frame"), "x")
        };
        close(
            &scaled(Scaler::standard(&frame(), &["x"])),
            &[-0.930_949_34, -0.644_503_39, -0.071_611_49, 1.647_064_22],
        );
        close(&scaled(Scaler::min_max(&frame(), &["x"])), &[0.0, 0.111_111_11, 0.333_333_33, 1.0]);
        close(&scaled(Scaler::robust(&frame(), &["x"])), &[-0.533_333_33, -0.266_666_67, 0.266_666_67, 1.866_666_67]);
    }

    #[test]
    fn what_was_fitted_holds_for_other_rows_and_can_be_undone_and_saved() {
        let scaler = Scaler::standard(&frame(), &["x", "k"]).expect("a scaler");
        let saved: Scaler = serde_json::from_str(&serde_json::to_string(&scaler).expect("JSON")).expect("a scaler");
        assert_eq!(saved, scaler);
        let other = df!("x" => [Some(4.25), None], "k" => [3, 5]).expect("a frame");
        let scaled = saved.transform(&other).expect("a frame");
        assert_eq!(values(&scaled, "x"), [Some(0.0), None]);
        // A column that was constant is shifted only.
        assert_eq!(values(&scaled, "k"), [Some(0.0), Some(2.0)]);
        assert_eq!(values(&saved.inverse(&scaled).expect("a frame"), "x"), [Some(4.25), None]);
    }

    #[test]
    fn errors_name_the_column() {
        let error = |columns: &[&str]| Scaler::standard(&frame(), columns).expect_err("no numbers").to_string();
        assert!(error(&["s"]).contains("\"s\" is str"));
        assert!(error(&["z"]).contains("no column \"z\""));
        let empty = df!("x" => [None::<f64>, None]).expect("a frame");
        assert!(Scaler::standard(&empty, &["x"]).expect_err("no values").to_string().contains("\"x\" has no values"));
    }
}
