//! What can go wrong in a step of training.

/// A step that could not be made, or a state that could not be restored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The optimizer was made for a model with other weights.
    #[error(
        "the optimizer holds {expected} numbers for parameter {parameter}, but the model has {got}: make an optimizer for each model"
    )]
    OtherModel { parameter: String, expected: usize, got: usize },

    /// A gradient is NaN or infinite; no weight of the model has been changed.
    #[error("step {step}: the gradient of parameter {parameter} is not finite; a lower learning rate may help")]
    NotFinite { step: u64, parameter: String },

    /// A gradient that is to be clipped is NaN or infinite; nothing has been changed.
    #[error(
        "the gradient of parameter {parameter} is not finite, so it can't be clipped; a lower learning rate may help"
    )]
    GradientNotFinite { parameter: String },

    /// A gradient could not be allocated.
    #[error("there is no room for the gradient of parameter {parameter}: {reason}")]
    Gradient { parameter: String, reason: String },

    /// The GPU failed.
    #[error("the step failed on the GPU: {reason}")]
    Device { reason: String },

    /// A setting with which no step can be made.
    #[error("{setting} is {value}, and must be {allowed}")]
    Setting { setting: &'static str, value: f64, allowed: &'static str },

    /// The state was saved from another kind of optimizer.
    #[error("the state is one of {got}, but this optimizer is {expected}: make the optimizer that was saved")]
    OtherOptimizer { expected: &'static str, got: String },

    /// The state is incomplete, or its parts don't fit each other.
    #[error("the saved state of {optimizer} can't be restored: {reason}")]
    State { optimizer: &'static str, reason: String },

    /// The averaged weights belong to another model.
    #[error("there are no averaged weights for parameter {parameter}: call update with this model first")]
    NotAveraged { parameter: String },
}
