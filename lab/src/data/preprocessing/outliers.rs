//! Values far from the others.

use polars::prelude::{BooleanChunked, DataFrame, NewChunkedArray};

use super::{deviation, mean, numbers, present, quantile, sorted, with_numbers};
use crate::data::DataError;

/// What counts as far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outliers {
    /// Further than this many times the distance between the quartiles from the nearer one; Tukey's fences
    /// are at 1.5.
    Quartiles(f64),
    /// Further than this many standard deviations from the mean; 3 is usual.
    Deviations(f64),
}

impl Outliers {
    /// The lowest and the highest value of a column that is not far.
    fn bounds(self, frame: &DataFrame, name: &str) -> Result<(f64, f64), DataError> {
        let values = present(frame, name)?;
        Ok(match self {
            Self::Quartiles(times) => {
                let values = sorted(values);
                let (low, high) = (quantile(&values, 0.25), quantile(&values, 0.75));
                (low - times * (high - low), high + times * (high - low))
            }
            Self::Deviations(times) => {
                let (mean, far) = (mean(&values), times * deviation(&values));
                (mean - far, mean + far)
            }
        })
    }
}

/// Leaves out the rows in which one of the columns is far from its other values. Missing values stay.
///
/// # Errors
/// Names the column that is not there, not numeric or empty.
pub fn drop_outliers<S: AsRef<str>>(frame: &DataFrame, columns: &[S], what: Outliers) -> Result<DataFrame, DataError> {
    let mut keep = vec![true; frame.height()];
    for name in columns.iter().map(AsRef::as_ref) {
        let (low, high) = what.bounds(frame, name)?;
        for (keep, value) in keep.iter_mut().zip(numbers(frame, name)?) {
            *keep &= value.is_none_or(|value| value >= low && value <= high);
        }
    }
    Ok(frame.filter(&BooleanChunked::from_slice("keep".into(), &keep))?)
}

/// Moves values that are far from the others of their column to the nearest that is not.
///
/// # Errors
/// As [`drop_outliers`].
pub fn clip_outliers<S: AsRef<str>>(frame: &DataFrame, columns: &[S], what: Outliers) -> Result<DataFrame, DataError> {
    let mut out = frame.clone();
    for name in columns.iter().map(AsRef::as_ref) {
        let (low, high) = what.bounds(frame, name)?;
        let values = numbers(frame, name)?.into_iter().map(|value| value.map(|value| value.clamp(low, high)));
        with_numbers(&mut out, name, values.collect())?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn frame() -> DataFrame {
        df!("x" => [Some(1.0), Some(2.0), Some(3.0), Some(4.0), None, Some(100.0)], "y" => [0, 1, 2, 3, 4, 5])
            .expect("a frame")
    }

    #[test]
    fn tukeys_fences() {
        // Quartiles of 1, 2, 3, 4, 100 are 2 and 4, the fences -1 and 7.
        let kept = drop_outliers(&frame(), &["x"], Outliers::Quartiles(1.5)).expect("a frame");
        assert_eq!(numbers(&kept, "y").expect("numbers"), [0.0, 1.0, 2.0, 3.0, 4.0].map(Some));
        let clipped = clip_outliers(&frame(), &["x"], Outliers::Quartiles(1.5)).expect("a frame");
        assert_eq!(numbers(&clipped, "x").expect("numbers")[4..], [None, Some(7.0)]);
    }

    #[test]
    fn deviations_from_the_mean() {
        let kept = |times| drop_outliers(&frame(), &["x"], Outliers::Deviations(times)).expect("a frame").height();
        // 100 is 2.0 deviations (39.0) from the mean (22).
        assert_eq!((kept(1.9), kept(2.1)), (5, 6));
        let error = drop_outliers(&frame(), &["z"], Outliers::Deviations(3.0)).expect_err("no column").to_string();
        assert!(error.contains("\"z\""), "{error}");
    }
}
