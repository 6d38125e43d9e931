//! How surprised a model is by the truth.

use super::{MetricError, finite, rows_of};
use crate::math::double::{exp, ln};

/// The mean of -log p(class), in nats, as `sklearn.metrics.log_loss`. `probabilities` has a row for each
/// label with the probability of each class; or, for two classes, just the probability of class 1.
///
/// Probabilities are kept away from 0 and 1 by the precision of f32 (1.2e-7), so the loss is finite.
///
/// # Errors
/// When there are no labels, the probabilities are not rows of the same length, a class has none, or they
/// are no probabilities.
pub fn log_loss(truth: &[usize], probabilities: &[f32]) -> Result<f64, MetricError> {
    let of_one = truth.len() == probabilities.len() && !truth.is_empty();
    if of_one {
        if let Some(row) = truth.iter().position(|&label| label > 1) {
            return Err(MetricError::NotBinary { row, label: truth[row] });
        }
    } else {
        rows_of(truth, probabilities)?;
    }
    check(probabilities)?;
    let width = probabilities.len() / truth.len();
    let rows = truth.iter().zip(probabilities.chunks_exact(width)).enumerate();
    let mut sum = 0.0;
    for (row, (&class, shares)) in rows {
        let total: f32 = shares.iter().sum();
        if !of_one && (total - 1.0).abs() > 1e-3 {
            return Err(MetricError::NotNormalised { row, sum: format!("{total}") });
        }
        let share = match (of_one, class) {
            (true, 0) => 1.0 - shares[0],
            (true, _) => shares[0],
            (false, class) => shares[class],
        };
        sum -= ln(f64::from(share.clamp(f32::EPSILON, 1.0 - f32::EPSILON)));
    }
    #[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
    Ok(sum / truth.len() as f64)
}

/// Perplexity: e to the mean cross-entropy in nats. Between how many words, all as likely, the model
/// wavers on average.
///
/// # Errors
/// When the loss is NaN or below 0.
pub fn perplexity(mean_cross_entropy: f64) -> Result<f64, MetricError> {
    if mean_cross_entropy >= 0.0 {
        Ok(exp(mean_cross_entropy))
    } else {
        Err(MetricError::NotACrossEntropy { value: format!("{mean_cross_entropy}") })
    }
}

fn check(probabilities: &[f32]) -> Result<(), MetricError> {
    finite("probability", probabilities)?;
    match probabilities.iter().position(|share| !(0.0..=1.0).contains(share)) {
        None => Ok(()),
        Some(place) => Err(MetricError::Probability { place, value: format!("{}", probabilities[place]) }),
    }
}
