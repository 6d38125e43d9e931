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
