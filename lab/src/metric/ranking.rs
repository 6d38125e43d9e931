//! Scores of a ranking: how well a number separates what is true from what is not, at every threshold.

use super::{Average, MetricError, finite, ratio, rows_of};

/// The share of rows whose class is among the `k` with the highest scores, as
/// `sklearn.metrics.top_k_accuracy_score`. `scores` has a row of scores for each label, one for each class.
/// Of equal scores, that of the later class counts as higher.
///
/// # Errors
/// When there are no labels, the scores are not rows of the same length, a class has no score, or a score
/// is not finite.
pub fn top_k_accuracy(truth: &[usize], scores: &[f32], k: usize) -> Result<f64, MetricError> {
    let width = rows_of(truth, scores)?;
    finite("score", scores)?;
    let right = truth.iter().zip(scores.chunks_exact(width)).filter(|&(&class, row)| {
        let ahead = |&(other, &score): &(usize, &f32)| score > row[class] || (score == row[class] && other > class);
        row.iter().enumerate().filter(ahead).count() < k
    });
    Ok(ratio(right.count(), truth.len()))
}

/// A curve over all thresholds, from the highest down.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    /// Of what is not true, the share that scores at least the threshold: the x axis.
    pub false_positive_rate: Vec<f64>,
    /// Of what is true, the share that scores at least the threshold: the y axis.
    pub true_positive_rate: Vec<f64>,
    /// The thresholds. The first is infinite: nothing scores as high.
    pub thresholds: Vec<f64>,
}

impl RocCurve {
    /// The area under the curve: the probability that what is true scores higher than what is not.
    pub fn auc(&self) -> f64 {
        let (x, y) = (&self.false_positive_rate, &self.true_positive_rate);
        x.windows(2).zip(y.windows(2)).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
    }
}

/// The receiver operating characteristic, as `sklearn.metrics.roc_curve`: labels are 0 or 1, and a score is
/// higher the more it speaks for 1. Points on a straight line between others are left out.
///
/// # Errors
/// When there is not one score for each label, a label is not 0 or 1, there is only one of both, or a score
/// is not finite.
pub fn roc_curve(truth: &[usize], scores: &[f32]) -> Result<RocCurve, MetricError> {
    let steps = Steps::new(&binary(truth)?, scores)?;
    let (positive, negative) = (steps.positive, steps.rows - steps.positive);
    for (count, class) in [(negative, 0), (positive, 1)] {
        if count == 0 {
            return Err(MetricError::NoneOfClass { class });
        }
    }
    let mut curve =
        RocCurve { false_positive_rate: vec![0.0], true_positive_rate: vec![0.0], thresholds: vec![f64::INFINITY] };
    for step in steps.corners() {
        curve.false_positive_rate.push(ratio(step.seen - step.right, negative));
        curve.true_positive_rate.push(ratio(step.right, positive));
        curve.thresholds.push(f64::from(step.threshold));
    }
    Ok(curve)
}

/// The area under the ROC curve, as `sklearn.metrics.roc_auc_score` for two classes: 0.5 is chance, 1 is a
/// perfect ranking.
///
/// # Errors
/// As [`roc_curve`].
pub fn roc_auc(truth: &[usize], scores: &[f32]) -> Result<f64, MetricError> {
    Ok(roc_curve(truth, scores)?.auc())
}

/// The area under the ROC curve of each class against the rest, averaged; as
/// `roc_auc_score(multi_class="ovr")`. `scores` has a row of scores for each label, one for each class.
///
/// # Errors
/// As [`roc_curve`], or when a class never is the truth.
pub fn roc_auc_one_vs_rest(truth: &[usize], scores: &[f32], average: Average) -> Result<f64, MetricError> {
    one_vs_rest(truth, scores, average, roc_auc)
}

/// Precision and recall over all thresholds, from the lowest up.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecallCurve {
    /// Of what scores at least the threshold, the share that is true; then a last 1.
    pub precision: Vec<f64>,
    /// Of what is true, the share that scores at least the threshold; then a last 0.
    pub recall: Vec<f64>,
    /// The thresholds: one fewer than points.
    pub thresholds: Vec<f64>,
}

impl PrecisionRecallCurve {
    /// The mean of the precisions, each weighted by how much its threshold adds to recall: the area under
    /// the curve as steps, without the optimism of straight lines.
    pub fn average_precision(&self) -> f64 {
        let steps = self.recall.windows(2).zip(&self.precision);
        steps.map(|(recall, precision)| (recall[0] - recall[1]) * precision).sum()
    }
}

/// Precision against recall, as `sklearn.metrics.precision_recall_curve`: labels are 0 or 1, and a score is
/// higher the more it speaks for 1.
///
/// # Errors
/// When there is not one score for each label, a label is not 0 or 1, none is 1, or a score is not finite.
pub fn precision_recall_curve(truth: &[usize], scores: &[f32]) -> Result<PrecisionRecallCurve, MetricError> {
    let steps = Steps::new(&binary(truth)?, scores)?;
    if steps.positive == 0 {
        return Err(MetricError::NoneOfClass { class: 1 });
    }
    let backwards = || steps.points.iter().rev();
    Ok(PrecisionRecallCurve {
        precision: backwards().map(|step| ratio(step.right, step.seen)).chain([1.0]).collect(),
        recall: backwards().map(|step| ratio(step.right, steps.positive)).chain([0.0]).collect(),
        thresholds: backwards().map(|step| f64::from(step.threshold)).collect(),
    })
}

/// The average precision (PR-AUC), as `sklearn.metrics.average_precision_score` for two classes. Chance is
/// the share of 1 among the labels.
///
/// # Errors
/// As [`precision_recall_curve`].
pub fn average_precision(truth: &[usize], scores: &[f32]) -> Result<f64, MetricError> {
    Ok(precision_recall_curve(truth, scores)?.average_precision())
}

/// The average precision of each class against the rest, averaged. `scores` has a row of scores for each
/// label, one for each class.
///
/// # Errors
/// As [`precision_recall_curve`], or when a class never is the truth.
pub fn average_precision_one_vs_rest(truth: &[usize], scores: &[f32], average: Average) -> Result<f64, MetricError> {
    one_vs_rest(truth, scores, average, average_precision)
}

/// A score of two classes for each class against the rest, averaged.
fn one_vs_rest(
    truth: &[usize],
    scores: &[f32],
    average: Average,
    score: fn(&[usize], &[f32]) -> Result<f64, MetricError>,
) -> Result<f64, MetricError> {
    let width = rows_of(truth, scores)?;
    let is = |class: usize| truth.iter().map(move |&label| usize::from(label == class));
    if average == Average::Micro {
        // All classes in one ranking: a row of answers for each label.
        let answers: Vec<usize> =
            truth.iter().flat_map(|&label| (0..width).map(move |class| usize::from(label == class))).collect();
        return score(&answers, scores);
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for class in 0..width {
        let answers: Vec<usize> = is(class).collect();
        let count: usize = answers.iter().sum();
        if count == 0 {
            return Err(MetricError::NoneOfClass { class });
        }
        let column: Vec<f32> = scores.iter().skip(class).step_by(width).copied().collect();
        let weight = if average == Average::Weighted { ratio(count, truth.len()) } else { 1.0 };
        sum += weight * score(&answers, &column)?;
        weights += weight;
    }
    Ok(sum / weights)
}

/// How many rows score at least a threshold, and how many of them are true.
#[derive(Debug, Clone, Copy)]
struct Point {
    threshold: f32,
    seen: usize,
    right: usize,
}

/// The counts at each score that occurs, from the highest down.
struct Steps {
    points: Vec<Point>,
    rows: usize,
    positive: usize,
}

impl Steps {
    fn new(truth: &[bool], scores: &[f32]) -> Result<Self, MetricError> {
        if truth.len() != scores.len() {
            return Err(MetricError::Length { truth: truth.len(), predicted: scores.len() });
        }
        finite("score", scores)?;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut points: Vec<Point> = Vec::new();
        let (mut seen, mut right) = (0, 0);
        for row in order {
            seen += 1;
            right += usize::from(truth[row]);
            let point = Point { threshold: scores[row], seen, right };
            match points.last_mut() {
                // Equal scores pass the threshold together.
                Some(last) if last.threshold == point.threshold => *last = point,
                _ => points.push(point),
            }
        }
        Ok(Self { points, rows: seen, positive: right })
    }

    /// The points without those between two that lie on one line with them, at equal steps.
    fn corners(&self) -> Vec<Point> {
        let straight = |around: &[Point]| {
            let wrong = |point: &Point| point.seen - point.right;
            2 * wrong(&around[1]) == wrong(&around[0]) + wrong(&around[2])
                && 2 * around[1].right == around[0].right + around[2].right
        };
        let mut corners: Vec<Point> = self.points.first().copied().into_iter().collect();
        corners.extend(self.points.windows(3).filter(|around| !straight(around)).map(|around| around[1]));
        if self.points.len() > 1 {
            corners.extend(self.points.last());
        }
        corners
    }
}

/// Labels that answer a yes-or-no question.
fn binary(truth: &[usize]) -> Result<Vec<bool>, MetricError> {
    if truth.is_empty() {
        return Err(MetricError::Empty);
    }
    match truth.iter().position(|&label| label > 1) {
        None => Ok(truth.iter().map(|&label| label == 1).collect()),
        Some(row) => Err(MetricError::NotBinary { row, label: truth[row] }),
    }
}
