//! Accuracy, precision, recall and F1, with scikit-learn's definitions and its answer to division by zero: 0.

use super::confusion::{ConfusionMatrix, confusion_matrix};
use super::{MetricError, check, ratio};

/// How the scores of the classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Count over all classes together. With one label for each row, this is accuracy.
    Micro,
    /// The mean over the classes, each counting the same.
    Macro,
    /// The mean over the classes, each counting as often as it is the truth.
    Weighted,
}

/// The scores of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// Of the rows predicted as this class, the share that are of it.
    pub precision: f64,
    /// Of the rows of this class, the share that are predicted as it.
    pub recall: f64,
    /// The harmonic mean of both: 2 TP / (2 TP + FP + FN).
    pub f1: f64,
    /// How many rows are of this class.
    pub support: usize,
}

/// The share of predictions that are right.
///
/// # Errors
/// When there are no labels, or not one prediction for each; so for all scores here.
pub fn accuracy(truth: &[usize], predicted: &[usize]) -> Result<f64, MetricError> {
    check(truth, predicted)?;
    let right = truth.iter().zip(predicted).filter(|(truth, predicted)| truth == predicted).count();
    Ok(ratio(right, truth.len()))
}

/// Of what was predicted as a class, the share that is of it.
///
/// # Errors
/// As [`accuracy`].
pub fn precision(truth: &[usize], predicted: &[usize], average: Average) -> Result<f64, MetricError> {
    scored(truth, predicted, average, |score| score.precision)
}

/// Of what is of a class, the share that was predicted as it.
///
/// # Errors
/// As [`accuracy`].
pub fn recall(truth: &[usize], predicted: &[usize], average: Average) -> Result<f64, MetricError> {
    scored(truth, predicted, average, |score| score.recall)
}

/// The harmonic mean of precision and recall, for each class before it is averaged.
///
/// # Errors
/// As [`accuracy`].
pub fn f1(truth: &[usize], predicted: &[usize], average: Average) -> Result<f64, MetricError> {
    scored(truth, predicted, average, |score| score.f1)
}

fn scored(
    truth: &[usize],
    predicted: &[usize],
    average: Average,
    part: fn(&ClassScore) -> f64,
) -> Result<f64, MetricError> {
    if average == Average::Micro {
        // Each wrong row is one false positive and one false negative, so all three are accuracy.
        return accuracy(truth, predicted);
    }
    Ok(averaged(&scores(&confusion_matrix(truth, predicted)?), average, part))
}

/// The scores of each class of a confusion matrix.
pub(super) fn scores(matrix: &ConfusionMatrix) -> Vec<ClassScore> {
    let scores = (0..matrix.classes().len()).map(|class| {
        let (right, predicted, support) = matrix.tally(class);
        ClassScore {
            precision: ratio(right, predicted),
            recall: ratio(right, support),
            f1: ratio(2 * right, predicted + support),
            support,
        }
    });
    scores.collect()
}

/// One number for all classes: their mean, plain or by support.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
pub(super) fn averaged(scores: &[ClassScore], average: Average, part: fn(&ClassScore) -> f64) -> f64 {
    let weight = |score: &ClassScore| {
        if average == Average::Weighted { score.support as f64 } else { 1.0 }
    };
    let sum: f64 = scores.iter().map(|score| weight(score) * part(score)).sum();
    sum / scores.iter().map(weight).sum::<f64>()
}
