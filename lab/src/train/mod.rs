//! The pieces of a training loop that a person writes out: epochs with a progress bar, optimizers whose
//! inner loops are compiled once, what is done to gradients and weights between steps, learning rates that
//! change, a stop when nothing improves, a running mean.

mod adam;
mod bar;
mod ema;
mod epochs;
mod error;
mod gradients;
#[cfg(feature = "gpu")]
pub(crate) mod located;
mod mean;
mod optimizer;
mod parameters;
mod plateau;
mod rmsprop;
mod schedule;
mod sgd;
mod slot;
mod trainer;

pub use adam::{Adam, AdamW};
pub use ema::Ema;
pub use epochs::{Epoch, Epochs, epochs};
pub use error::TrainError;
pub use gradients::{clip_grad_norm, clip_grad_value, grad_norm, l1_penalty, l2_penalty, scale_gradients};
pub use mean::Mean;
pub use optimizer::{Memory, Optimizer, OptimizerHeader, OptimizerState};
pub use plateau::{Best, EarlyStopping, Mode, ReduceOnPlateau, Verdict};
pub use rmsprop::RMSprop;
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use trainer::{BoxError, EpochReport, Flow, History, Metrics, Trainer, TrainerEpoch, TrainerError};

#[cfg(all(test, not(feature = "gpu")))]
mod bits;
#[cfg(test)]
mod tests;
