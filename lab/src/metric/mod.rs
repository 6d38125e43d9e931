//! How good predictions are. Arguments come in scikit-learn's order: the truth first, then what was predicted.

mod bleu;
mod confusion;
mod probability;
mod ranking;
mod regression;
mod report;
mod score;

pub use bleu::{Bleu, bleu};
pub use confusion::{ConfusionMatrix, confusion_matrix};
pub use probability::{log_loss, perplexity};
pub use ranking::{
    PrecisionRecallCurve, RocCurve, average_precision, average_precision_one_vs_rest, precision_recall_curve, roc_auc,
    roc_auc_one_vs_rest, roc_curve, top_k_accuracy,
};
pub use regression::{mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error};
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

    /// The scores are not one row for each label.
    #[error("{scores} scores can't be one row for each of {rows} labels")]
    Rows { rows: usize, scores: usize },

    /// A label has no score.
    #[error("label {label} in row {row} has no score: each row has scores for {classes} classes, counted from 0")]
    Class { row: usize, label: usize, classes: usize },

    /// Two classes are needed, and there are more.
    #[error("label {label} in row {row} is not 0 or 1; for more than two classes there is one against the rest")]
    NotBinary { row: usize, label: usize },

    /// What is counted does not occur, so there is no share of it.
    #[error("no label is {class}, so this score is not defined: it needs rows of every class")]
    NoneOfClass { class: usize },

    /// A number is NaN or infinite.
    #[error("the {what} at place {place} is not finite")]
    NotFinite { what: &'static str, place: usize },

    /// A number that is no probability.
    #[error("the number at place {place} is {value}, and no probability: take the softmax or sigmoid of scores first")]
    Probability { place: usize, value: String },

    /// The probabilities of a row are not those of all classes.
    #[error("the probabilities in row {row} sum up to {sum}, not to 1: take the softmax of scores first")]
    NotNormalised { row: usize, sum: String },

    /// A loss from which there is no perplexity.
    #[error("a mean cross-entropy can't be {value}: perplexity takes the loss, in nats")]
    NotACrossEntropy { value: String },

    /// A spread needs more than one number.
    #[error("there is only one number, so there is no spread to compare with")]
    One,

    /// A candidate without anything to compare it with.
    #[error("candidate {row} has no reference")]
    NoReference { row: usize },
}

/// Whether there is one prediction for each label, and at least one.
fn check(truth: &[usize], predicted: &[usize]) -> Result<(), MetricError> {
    match (truth.len(), predicted.len()) {
        (0, 0) => Err(MetricError::Empty),
        (truth, predicted) if truth != predicted => Err(MetricError::Length { truth, predicted }),
        _ => Ok(()),
    }
}

/// How many scores there are for each label; each label must have one of its own.
fn rows_of(truth: &[usize], scores: &[f32]) -> Result<usize, MetricError> {
    if truth.is_empty() {
        return Err(MetricError::Empty);
    }
    let classes = scores.len() / truth.len();
    if classes == 0 || scores.len() != classes * truth.len() {
        return Err(MetricError::Rows { rows: truth.len(), scores: scores.len() });
    }
    match truth.iter().position(|&label| label >= classes) {
        None => Ok(classes),
        Some(row) => Err(MetricError::Class { row, label: truth[row], classes }),
    }
}

/// Whether all numbers are finite.
fn finite(what: &'static str, numbers: &[f32]) -> Result<(), MetricError> {
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(place) => Err(MetricError::NotFinite { what, place }),
    }
}

/// One count divided by another; 0 when there is nothing to divide by, as in scikit-learn.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod score_tests;
