//! Losses of class scores, with the class of each row as a number: no one-hot rows are made.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};
use serde::{Deserialize, Serialize};

use super::error::nonnegative;
use super::shape::{Loss, rows, width};
use super::{LossError, Reduction, place};
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
        let classes = classes.as_ref();
        self.check(classes, rows(&scores)?, width(&scores))?;
        place::cross_entropy(scores, classes, self)
    }

    /// Whether all fits together.
    fn check(&self, classes: &[usize], rows: usize, width: usize) -> Result<(), LossError> {
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            let value = self.label_smoothing;
            return Err(LossError::Setting { setting: "label smoothing", value, allowed: "from 0 to 1" });
        }
        check_weights("class weights", &self.class_weights, width)?;
        check_classes(classes, rows, width, self.ignore_index)?;
        if self.counted(classes) == 0.0 { Err(LossError::Empty) } else { Ok(()) }
    }

    /// The weights of all rows that count.
    pub(super) fn counted(&self, classes: &[usize]) -> f64 {
        let counted = classes.iter().filter(|&&class| Some(class) != self.ignore_index);
        counted.map(|&class| self.weight(class)).sum()
    }

    pub(super) fn weight(&self, class: usize) -> f64 {
        f64::from(self.class_weights.get(class).copied().unwrap_or(1.0))
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
    let classes = classes.as_ref();
    nonnegative("gamma", gamma)?;
    check_classes(classes, rows(&scores)?, width(&scores), None)?;
    place::focal(scores, classes, gamma)
}

fn check_weights(what: &'static str, weights: &[f32], width: usize) -> Result<(), LossError> {
    if !weights.is_empty() && weights.len() != width {
        return Err(LossError::Weights { what, expected: width, got: weights.len() });
    }
    weights.iter().try_for_each(|&weight| nonnegative("a class weight", f64::from(weight)))
}

/// Whether there is one class for each row of scores, and each is in range or is to be ignored.
fn check_classes(classes: &[usize], rows: usize, width: usize, ignored: Option<usize>) -> Result<(), LossError> {
    if classes.len() != rows {
        return Err(LossError::Targets { expected: rows, got: classes.len() });
    }
    match classes.iter().position(|&class| class >= width && Some(class) != ignored) {
        None => Ok(()),
        Some(row) => Err(LossError::Class { row, class: classes[row], classes: width }),
    }
}
