//! How far predicted numbers are from the true ones.

use super::{MetricError, finite};

/// The mean of the absolute differences (MAE), in the unit of the numbers.
///
/// # Errors
/// When there are no numbers, not one prediction for each, or one is not finite; so for all scores here.
pub fn mean_absolute_error(truth: &[f32], predicted: &[f32]) -> Result<f64, MetricError> {
    mean(truth, predicted, f64::abs)
}

/// The mean of the squared differences (MSE).
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn mean_squared_error(truth: &[f32], predicted: &[f32]) -> Result<f64, MetricError> {
    mean(truth, predicted, |difference| difference * difference)
}

/// The root of the mean of the squared differences (RMSE), in the unit of the numbers.
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn root_mean_squared_error(truth: &[f32], predicted: &[f32]) -> Result<f64, MetricError> {
    Ok(mean_squared_error(truth, predicted)?.sqrt())
}

/// The coefficient of determination R²: 1 is perfect, 0 is no better than always the mean, below is worse.
/// As `sklearn.metrics.r2_score`: when all true numbers are the same, 1 if all are predicted exactly, else 0.
///
/// # Errors
/// As [`mean_absolute_error`], or when there is only one number.
pub fn r2_score(truth: &[f32], predicted: &[f32]) -> Result<f64, MetricError> {
    let left = mean_squared_error(truth, predicted)?;
    if truth.len() == 1 {
        return Err(MetricError::One);
    }
    #[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
    let middle = truth.iter().copied().map(f64::from).sum::<f64>() / truth.len() as f64;
    let spread = average(truth.iter().map(|&value| (f64::from(value) - middle).powi(2)));
    Ok(match (left == 0.0, spread == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => 1.0 - left / spread,
    })
}

fn mean(truth: &[f32], predicted: &[f32], of: fn(f64) -> f64) -> Result<f64, MetricError> {
    match (truth.len(), predicted.len()) {
        (0, 0) => return Err(MetricError::Empty),
        (truth, predicted) if truth != predicted => return Err(MetricError::Length { truth, predicted }),
        _ => {}
    }
    finite("true number", truth)?;
    finite("prediction", predicted)?;
    Ok(average(truth.iter().zip(predicted).map(|(&truth, &predicted)| of(f64::from(predicted) - f64::from(truth)))))
}

#[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
fn average(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
