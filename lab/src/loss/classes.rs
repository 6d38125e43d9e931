//! Losses of class scores, with the class of each row as a number: no one-hot rows are made.

#[cfg(feature = "gpu")]
use dfdx::shapes::HasShape;
use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};
use serde::{Deserialize, Serialize};

use super::error::nonnegative;
use super::fused::{Loss, fused, rounded, width};
#[cfg(feature = "gpu")]
use super::gpu;
use super::softmax::softmax;
use super::{LossError, Reduction};
use crate::device::Dev;

/// Cross-entropy between the softmax of the scores and the classes: the mean of -log p(class), in nats. As
/// `torch.nn.functional.cross_entropy`.
///
/// The last axis of the scores is that of the classes; all others are rows, so `B × T × C` scores take
/// `B · T` classes. An array, a `Vec` or a slice of class numbers will do.
///
/// ```ignore
/// let loss = cross_entropy(model.forward(x.trace(gradients)), &labels)?;
/// ```
///
/// # Errors
/// When there is not one class for each row, or one is out of range: says which.
pub fn cross_entropy<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: impl AsRef<[usize]>,
) -> Result<Loss<T>, LossError> {
    CrossEntropy::new().loss(scores, classes)
}

/// Cross-entropy with options. `torch.nn.CrossEntropyLoss`.
///
/// ```ignore
/// let loss = CrossEntropy::new().with_label_smoothing(0.1).loss(scores, &labels)?;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CrossEntropy {
    /// The share of the target that is spread evenly over all classes: 0. Szegedy et al., *Rethinking the
    /// Inception Architecture*, 2016, section 7.
    pub label_smoothing: f64,
    /// How much each class counts; all the same when empty.
    pub class_weights: Vec<f32>,
    /// Rows with this target don't count: padding. It need not be one of the classes.
    pub ignore_index: Option<usize>,
    /// Mean or sum. The mean is weighted, as in PyTorch, when classes are.
    pub reduction: Reduction,
}

impl CrossEntropy {
    /// Without options: the mean over all rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this share of the target spread evenly over all classes.
    pub fn with_label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }

    /// The same with a weight for each class.
    pub fn with_class_weights(self, class_weights: &[f32]) -> Self {
        Self { class_weights: class_weights.to_vec(), ..self }
    }

    /// The same without the rows whose target is `class`.
    pub fn with_ignore_index(self, class: usize) -> Self {
        Self { ignore_index: Some(class), ..self }
    }

    /// The same with another reduction.
    pub fn with_reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss.
    ///
    /// # Errors
    /// As [`cross_entropy`], or when an option is out of range, there is not one weight for each class, or
    /// every row is to be ignored.
    pub fn loss<S: Shape, T: Tape<f32, Dev>>(
        &self,
        scores: Tensor<S, f32, Dev, T>,
        classes: impl AsRef<[usize]>,
    ) -> Result<Loss<T>, LossError> {
        let (width, classes) = (width(&scores), classes.as_ref());
        #[cfg(feature = "gpu")]
        {
            self.check(scores.shape().num_elements(), classes, width)?;
            gpu::fused(scores, &mut |scores| self.on_gpu(scores, classes))
        }
        #[cfg(not(feature = "gpu"))]
        fused(scores, &mut |scores| self.compute(scores, classes, width))
    }

    /// Whether all fits together; the weights of all rows that count.
    fn check(&self, numbers: usize, classes: &[usize], width: usize) -> Result<f64, LossError> {
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            let value = self.label_smoothing;
            return Err(LossError::Setting { setting: "label smoothing", value, allowed: "from 0 to 1" });
        }
        check_weights("class weights", &self.class_weights, width)?;
        check_classes(numbers, classes, width, self.ignore_index)?;
        let counted = classes.iter().filter(|&&class| Some(class) != self.ignore_index);
        let count: f64 = counted.map(|&class| self.weight(class)).sum();
        if count == 0.0 { Err(LossError::Empty) } else { Ok(count) }
    }

    fn weight(&self, class: usize) -> f64 {
        f64::from(self.class_weights.get(class).copied().unwrap_or(1.0))
    }

    #[cfg_attr(feature = "gpu", allow(dead_code))] // there it is the kernel that computes
    fn compute(&self, scores: &mut [f32], classes: &[usize], width: usize) -> Result<f64, LossError> {
        let count = self.check(scores.len(), classes, width)?;
        let scale = if self.reduction == Reduction::Mean { 1.0 / count } else { 1.0 };
        let all_weights: f64 = (0..width).map(|class| self.weight(class)).sum();
        let mut sum = 0.0;
        for (row, &class) in scores.chunks_exact_mut(width).zip(classes) {
            if Some(class) == self.ignore_index {
                row.fill(0.0);
            } else {
                sum += self.row(row, class, self.weight(class), all_weights, scale);
            }
        }
        Ok(sum * scale)
    }

    /// The loss of one row. The target is q = (1 - ε) w(class) at the class, and ε w / C everywhere; the
    /// loss is Σ q (log Σ exp z - z), and its derivative (Σ q) softmax(z) - q.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn row(&self, row: &mut [f32], class: usize, weight: f64, all_weights: f64, scale: f64) -> f64 {
        let (sharp, even) = ((1.0 - self.label_smoothing) * weight, self.label_smoothing / row.len() as f64);
        let score = row[class];
        let spread = if even > 0.0 { Some(row.to_vec()) } else { None };
        let log = softmax(row);
        let mut loss = sharp * log.surprise(score);
        let total = rounded((sharp + even * all_weights) * scale);
        row.iter_mut().for_each(|share| *share *= total);
        row[class] -= rounded(sharp * scale);
        for (class, score) in spread.into_iter().flatten().enumerate() {
            let weight = self.weight(class);
            loss += even * weight * log.surprise(score);
            row[class] -= rounded(even * weight * scale);
        }
        loss
    }
}

/// Focal loss: the mean of -(1 - p)^`gamma` · log p, with p the probability of the row's class, so that
/// rows that are right already count little. Lin et al., *Focal Loss for Dense Object Detection*, 2017,
/// equation 4. With `gamma` 0 it is cross-entropy; the paper takes 2.
///
/// # Errors
/// As [`cross_entropy`], or when `gamma` is below 0.
pub fn focal_loss<S: Shape, T: Tape<f32, Dev>>(
    scores: Tensor<S, f32, Dev, T>,
    classes: impl AsRef<[usize]>,
    gamma: f64,
) -> Result<Loss<T>, LossError> {
    let (width, classes) = (width(&scores), classes.as_ref());
    fused(scores, &mut |scores| focal(scores, classes, width, gamma))
}

/// With p the probability of the class, FL' = (γ p (1 - p)^(γ-1) log p - (1 - p)^γ) (δ - softmax).
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn focal(scores: &mut [f32], classes: &[usize], width: usize, gamma: f64) -> Result<f64, LossError> {
    nonnegative("gamma", gamma)?;
    check_classes(scores.len(), classes, width, None)?;
    let count = classes.len() as f64;
    let mut sum = 0.0;
    for (row, &class) in scores.chunks_exact_mut(width).zip(classes) {
        let score = row[class];
        let surprise = softmax(row).surprise(score).max(0.0);
        let p = (-surprise).exp();
        let wrong = -(-surprise).exp_m1();
        // At p = 1 the loss and its derivative are 0, whatever 0 to a power below 0 would be.
        let damped = if wrong > 0.0 { gamma * p * wrong.powf(gamma - 1.0) * surprise } else { 0.0 };
        let factor = rounded((damped + wrong.powf(gamma)) / count);
        sum += wrong.powf(gamma) * surprise;
        row.iter_mut().for_each(|share| *share *= factor);
        row[class] -= factor;
    }
    Ok(sum / count)
}

fn check_weights(what: &'static str, weights: &[f32], width: usize) -> Result<(), LossError> {
    if !weights.is_empty() && weights.len() != width {
        return Err(LossError::Weights { what, expected: width, got: weights.len() });
    }
    weights.iter().try_for_each(|&weight| nonnegative("a class weight", f64::from(weight)))
}

/// Whether there is one class for each row of scores, and each is in range or is to be ignored.
fn check_classes(numbers: usize, classes: &[usize], width: usize, ignored: Option<usize>) -> Result<(), LossError> {
    let rows = numbers.checked_div(width).unwrap_or(0);
    if rows == 0 {
        return Err(LossError::Empty);
    }
    if classes.len() != rows {
        return Err(LossError::Targets { expected: rows, got: classes.len() });
    }
    match classes.iter().position(|&class| class >= width && Some(class) != ignored) {
        None => Ok(()),
        Some(row) => Err(LossError::Class { row, class: classes[row], classes: width }),
    }
}
