//! Smoothing.

use crate::{Error, Result};

/// The exponential moving average of the values of points (x, y): s = w s' + (1 - w) y, divided by 1 - w^n so that it
/// does not start at zero (Kingma and Ba, 2015, section 3). `weight`, from 0 to below 1, is that of what came
/// before: 0.9 looks back about ten points. A value that is not finite stays as it is and is passed over.
pub fn smoothed(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut share) = (0.0, 0.0);
    let average = |&(x, y): &(f64, f64)| {
        if !y.is_finite() {
            return (x, y);
        }
        sum = weight * sum + (1.0 - weight) * y;
        share = weight * share + (1.0 - weight);
        (x, sum / share)
    };
    points.iter().map(average).collect()
}

/// A weight that smoothing can have.
///
/// # Errors
/// [`Error::Smoothing`] when it is not from 0 to below 1.
pub fn checked_weight(weight: f64) -> Result<f64> {
    if (0.0..1.0).contains(&weight) { Ok(weight) } else { Err(Error::Smoothing { weight }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_that_of_pandas() {
        // pandas 3.1.1: Series(values).ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean(), but for the NaN, which
        // stays where it is.
        let nan = f64::NAN;
        let long = [2.0, 1.4736842105263157, 1.4833948339483394, 1.197441116603664, 1.0881785548582452];
        let cases: [(f64, &[f64], &[f64]); 4] = [
            (0.5, &[4.0, 2.0, nan, 1.0], &[4.0, 2.6666666666666665, nan, 1.7142857142857142]),
            (0.9, &[2.0, 1.0, 1.5, 0.5, 0.75], &long),
            (0.0, &[3.0, 1.0], &[3.0, 1.0]),
            (0.5, &[], &[]),
        ];
        for (weight, values, expected) in cases {
            let points: Vec<_> = values.iter().map(|value| (7.0, *value)).collect();
            let found = smoothed(&points, weight);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().map(|point| point.1).zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-14 || (found.is_nan() && expected.is_nan()),
                    "{found} {expected}"
                );
            }
        }
        for weight in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            let error = checked_weight(weight).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("the weight of smoothing is from 0 to below 1"), "{weight} {error}");
        }
    }
}
