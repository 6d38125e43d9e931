//! What can end a training.

use std::path::PathBuf;

use crate::nn::WeightsError;
use crate::train::TrainError;

/// An error from code that a trainer calls: a batch, a loss, a validation.
pub type BoxError = Box<dyn std::error::Error>;

/// Why a training could not go on, or not be resumed. The model is as it was after the last step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// A step could not be made.
    #[error(transparent)]
    Step {
        #[from]
        source: TrainError,
    },

    /// The loss is NaN or infinite.
    #[error(
        "step {step}: the loss is {loss}, so the step was not made; {evidence}. A lower learning rate, clip_norm, or a look at this batch may help"
    )]
    NotFinite { step: u64, loss: f64, evidence: String },

    /// Code that was given to the trainer failed.
    #[error("{what} of epoch {epoch}: {source}")]
    Yours { what: &'static str, epoch: usize, source: BoxError },

    /// The loss could not be walked backwards.
    #[error("step {step}: no gradient can be computed: {reason}")]
    Backward { step: u64, reason: String },

    /// The metric that decides which epoch is best was not among those of the validation.
    #[error("the trainer watches {watched:?}, but the validation gave {known}: name one of them in watch()")]
    NotWatched { watched: String, known: String },

    /// The tracker refused.
    #[error(transparent)]
    Tracker {
        #[from]
        source: ::tracker::Error,
    },

    /// There is no folder for checkpoints.
    #[error("the trainer has no folder for checkpoints: give it one with checkpoints(folder)")]
    NoFolder,

    /// A file could not be written, read, or is of another model.
    #[error("checkpoint {path}: {source}", path = .path.display())]
    Weights { path: PathBuf, source: WeightsError },

    /// The folder can't be made.
    #[error("can't make the folder {path} for checkpoints: {source}", path = .path.display())]
    Folder { path: PathBuf, source: std::io::Error },

    /// The file has weights, but not what training needs besides.
    #[error("{path} is not a checkpoint: {reason}; its weights can be loaded with load_weights", path = .path.display())]
    NotACheckpoint { path: PathBuf, reason: String },

    /// The checkpoint was made with another seed, so it can't go on as it began.
    #[error("{path} was trained with seed {saved}, and this trainer has seed {seed}: use that seed, or another folder", path = .path.display())]
    OtherSeed { path: PathBuf, saved: u64, seed: u64 },
}
