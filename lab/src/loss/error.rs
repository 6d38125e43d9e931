//! What can be wrong with what a loss is given.

/// A loss that can't be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// Prediction and target, or both embeddings, have different shapes.
    #[error("the prediction has shape {prediction:?}, but the target {target:?}: they must be the same")]
    Shape { prediction: Vec<usize>, target: Vec<usize> },

    /// Not one target for each row.
    #[error(
        "there are {got} targets for {expected} rows of scores; the last axis of the scores is that of the classes"
    )]
    Targets { expected: usize, got: usize },

    /// A target is not one of the classes.
    #[error("target {class} in row {row} is not one of the {classes} classes, which are counted from 0")]
    Class { row: usize, class: usize, classes: usize },

    /// A target that is no probability.
    #[error("the target at place {place} is {value}, and must be a probability, from 0 to 1")]
    Probability { place: usize, value: f32 },

    /// Not one weight for each class.
    #[error("there are {got} {what} for {expected} classes")]
    Weights { what: &'static str, expected: usize, got: usize },

    /// A setting with which there is no loss.
    #[error("{setting} is {value}, and must be {allowed}")]
    Setting { setting: &'static str, value: f64, allowed: &'static str },

    /// There is nothing to take the mean of.
    #[error("there is no mean loss of no rows: the batch is empty, or every target is to be ignored")]
    Empty,

    /// No room for the loss or its gradient.
    #[error("dfdx could not allocate the loss: {reason}")]
    Memory { reason: String },
}

/// Whether a setting is finite and above zero.
pub(super) fn positive(setting: &'static str, value: f64) -> Result<(), LossError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(LossError::Setting { setting, value, allowed: "a finite number above 0" })
    }
}

/// Whether a setting is finite and not below zero.
pub(super) fn nonnegative(setting: &'static str, value: f64) -> Result<(), LossError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(LossError::Setting { setting, value, allowed: "a finite number, 0 or more" })
    }
}
