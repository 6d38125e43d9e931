//! How good predictions are. Arguments come in scikit-learn's order: the truth first, then what was predicted.

mod confusion;
mod report;
mod score;

pub use confusion::{ConfusionMatrix, confusion_matrix};
pub use report::{ClassificationReport, classification_report};
pub use score::{Average, ClassScore, accuracy, f1, precision, recall};

/// Predictions that can't be compared with the truth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Not one prediction for each label.
    #[error("there are {truth} labels, but {predicted} predictions")]
    Length { truth: usize, predicted: usize },

    /// Nothing to compare.
    #[error("there are no labels")]
    Empty,

    /// Names for other classes than there are.
    #[error("{names} class names were given, but there is a class {class}")]
    Names { names: usize, class: usize },
}

/// Whether there is one prediction for each label, and at least one.
fn check(truth: &[usize], predicted: &[usize]) -> Result<(), MetricError> {
    match (truth.len(), predicted.len()) {
        (0, 0) => Err(MetricError::Empty),
        (truth, predicted) if truth != predicted => Err(MetricError::Length { truth, predicted }),
        _ => Ok(()),
    }
}

/// One count divided by another; 0 when there is nothing to divide by, as in scikit-learn.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;
