//! The training loop, written once: what a careful person does around each step, in the order in which it must
//! be done. [`Trainer::fit`] runs it; [`Trainer::next_epoch`], [`Trainer::gradients`], [`Trainer::step`] and
//! [`Trainer::validated`] are its parts, for loops that are written out.

mod checkpoint;
mod error;
mod evidence;
mod history;
mod metrics;
mod plan;
mod progress;
mod reporter;
mod settings;
mod steps;

use std::panic::resume_unwind;
use std::time::Instant;

use dfdx::nn::{TensorCollection, ZeroGrads as _};
use dfdx::tensor::{Gradients, OwnedTape};

use ::tracker::Run;

use crate::device::Dev;
use crate::host;
use crate::loss::Loss;
use crate::nn::{Frozen, Weights};
use crate::train::{Ema, Optimizer};

pub use error::{BoxError, TrainerError};
pub use history::{EpochReport, History};
pub use metrics::Metrics;
use plan::Plan;
use progress::Progress;
use reporter::Reporter;

/// Trains a model: epochs with progress and a live chart, learning rates by schedule, clipping, accumulation,
/// penalties, averages, validation, early stopping, checkpoints, a run that is logged. Nothing is on that was not
/// asked for, but for progress and chart.
///
/// ```no_run
/// # use lab::prelude::*;
/// # let frame = DataFrame::default();
/// # let (train, test) = (Dataset::<64, 10>::new(&frame, &["a"], "y")?, Dataset::<64, 10>::new(&frame, &["a"], "y")?);
/// let dev = device_seeded(1);
/// let model = dev.build_module::<(Linear<64, 128>, ReLU, Linear<128, 10>), f32>();
/// let mut trainer = Trainer::new(model, AdamW::new(3e-3))
///     .seed(1)
///     .epochs(30)
///     .clip_norm(1.0)
///     .watch("accuracy")
///     .early_stopping(EarlyStopping::new(5))
///     .checkpoints("checkpoints/mlp")
///     .record(Run::start("mlp", &("adamw", 3e-3))?);
/// let history = trainer.fit(
///     |epoch| Ok(train.batches::<64>(&dev, epoch.seed())?),
///     |model, gradients, (x, y)| Ok(cross_entropy_with_logits_loss(model.forward(x.trace(gradients)), y)),
///     |model| Ok(test.evaluate(model, &dev)?),
/// )?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The same, written out:
///
/// ```no_run
/// # use lab::prelude::*;
/// # let frame = DataFrame::default();
/// # let (train, test) = (Dataset::<64, 10>::new(&frame, &["a"], "y")?, Dataset::<64, 10>::new(&frame, &["a"], "y")?);
/// # let dev = device_seeded(1);
/// # let model = dev.build_module::<(Linear<64, 128>, ReLU, Linear<128, 10>), f32>();
/// # let mut trainer = Trainer::new(model, AdamW::new(3e-3));
/// while let Some(epoch) = trainer.next_epoch()? {
///     for (x, y) in epoch.rest(train.batches::<64>(&dev, epoch.seed())?) {
///         let gradients = trainer.gradients();
///         let loss = cross_entropy_with_logits_loss(trainer.model.forward(x.trace(gradients)), y);
///         trainer.step(loss)?;
///     }
///     let tested = test.evaluate(&trainer.model, &dev)?;
///     trainer.validated(&tested)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An interrupt stops it at the next step, with a checkpoint if there is a folder for them; to run the cell again
/// with [`Trainer::resume`] goes on from there, bit for bit. What a batch holds must be decided by the epoch's seed
/// alone, and what the model draws (dropout) by lab's own layers, whose numbers depend on the seed and the step.
pub struct Trainer<M, O> {
    /// The model.
    pub model: M,
    /// The optimizer.
    pub optimizer: O,
    gradients: Option<Gradients<f32, Dev>>,
    frozen: Option<Frozen>,
    ema: Option<Ema>,
    best: Option<Weights>,
    inner: Loop,
}

/// What is not about the model's type.
#[derive(Default)]
struct Loop {
    plan: Plan,
    progress: Progress,
    run: Option<Run>,
    reporter: Option<Reporter>,
    on_epoch: Vec<EpochCallback>,
    on_step: Vec<StepCallback>,
    /// Batches whose gradients are added up, and their losses, since the last step.
    pending: u32,
    pending_loss: f64,
    /// Where the trainer went on from a checkpoint, until this is said.
    resumed: Option<String>,
    /// Whether an epoch is running.
    open: bool,
    /// Whether gradients were given out for a batch that did not come back.
    in_batch: bool,
    /// When the last step ended, or the epoch began.
    since: Option<Instant>,
}

/// What is called after each epoch; it says whether to go on.
type EpochCallback = Box<dyn FnMut(&EpochReport) -> Flow + Send>;
/// What is called after each step, with its number and its loss.
type StepCallback = Box<dyn FnMut(u64, f64) -> Flow + Send>;

/// Whether to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// Stop after this epoch, or at this step.
    Stop,
}

/// An epoch that begins, or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainerEpoch {
    index: usize,
    seed: u64,
    done: usize,
}

impl TrainerEpoch {
    /// Counts from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Counts from 1.
    pub fn number(&self) -> usize {
        self.index + 1
    }

    /// The seed of this epoch: the trainer's plus the index. The order of its batches must depend on nothing else.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What of its batches is not done yet: all, unless the trainer goes on in the middle of it.
    pub fn rest<I: IntoIterator>(&self, batches: I) -> std::iter::Skip<I::IntoIter> {
        batches.into_iter().skip(self.done)
    }
}

impl<M, O> Trainer<M, O>
where
    M: TensorCollection<f32, Dev>,
    O: Optimizer,
{
    /// A trainer of this model: 10 epochs, the optimizer's own learning rate, seed 0.
    pub fn new(model: M, optimizer: O) -> Self {
        Self { model, optimizer, gradients: None, frozen: None, ema: None, best: None, inner: Loop::default() }
    }

    /// Trains until all epochs are done, or early stopping or a callback says so. An interrupt ends the cell after the
    /// step that is being made, with a checkpoint; called again, this goes on where it was.
    ///
    /// - `batches` gives an epoch's batches, decided by [`TrainerEpoch::seed`];
    /// - `loss` computes the loss of a batch, with the tape of `gradients`: `model.forward(x.trace(gradients))`;
    /// - `validate` is called after each epoch, with averaged weights if there are averages; it may return `()`, a
    ///   loss, named numbers or an [`Evaluation`](crate::data::Evaluation).
    ///
    /// # Errors
    /// What the three return, named with the epoch; a loss that is not finite; a step that can't be made; a
    /// checkpoint that can't be written. The model is as it was after the last step.
    pub fn fit<I: IntoIterator, V: Metrics>(
        &mut self,
        mut batches: impl FnMut(&TrainerEpoch) -> Result<I, BoxError>,
        mut loss: impl FnMut(&mut M, Gradients<f32, Dev>, I::Item) -> Result<Loss<OwnedTape<f32, Dev>>, BoxError>,
        mut validate: impl FnMut(&mut M) -> Result<V, BoxError>,
    ) -> Result<&History, TrainerError> {
        while let Some(epoch) = self.next_epoch()? {
            let mut done = Ok(());
            let whole = host::caught(&mut || {
                done = self.fit_epoch(&epoch, &mut batches, &mut loss, &mut validate);
            });
            if let Err(thrown) = whole {
                self.leave();
                resume_unwind(thrown);
            }
            if done.is_err() {
                // It is not complete: to call this again does the rest of it.
                self.inner.open = false;
            }
            done?;
        }
        Ok(self.history())
    }

    fn fit_epoch<I: IntoIterator, V: Metrics>(
        &mut self,
        epoch: &TrainerEpoch,
        batches: &mut impl FnMut(&TrainerEpoch) -> Result<I, BoxError>,
        loss: &mut impl FnMut(&mut M, Gradients<f32, Dev>, I::Item) -> Result<Loss<OwnedTape<f32, Dev>>, BoxError>,
        validate: &mut impl FnMut(&mut M) -> Result<V, BoxError>,
    ) -> Result<(), TrainerError> {
        let yours = |what| move |source| TrainerError::Yours { what, epoch: epoch.number(), source };
        for batch in epoch.rest(batches(epoch).map_err(yours("the batches"))?) {
            let gradients = self.gradients();
            let loss = loss(&mut self.model, gradients, batch).map_err(yours("the loss"))?;
            self.step(loss)?;
            if self.inner.is_over() {
                break;
            }
        }
        if host::interrupted() {
            return Ok(());
        }
        self.swap_averages()?;
        let mut validated = None;
        let whole = host::caught(&mut || validated = Some(validate(&mut self.model)));
        self.swap_averages()?;
        match (whole, validated) {
            (Ok(()), Some(validated)) => self.validated(&validated.map_err(yours("the validation"))?),
            (Ok(()), None) => Ok(()),
            (Err(thrown), _) => resume_unwind(thrown),
        }
    }

    /// Begins the next epoch, or goes on in the one that is not complete; `None` when there is nothing more to do.
    ///
    /// # Errors
    /// When a checkpoint can't be written.
    pub fn next_epoch(&mut self) -> Result<Option<TrainerEpoch>, TrainerError> {
        if self.inner.open && !self.inner.in_batch && !host::interrupted() {
            self.close(Vec::new())?;
        }
        if self.inner.is_done() || host::interrupted() {
            if self.inner.open {
                self.save_last()?;
            }
            self.inner.ends();
            host::at_boundary();
            return Ok(None);
        }
        if self.inner.pending > 0 || self.inner.in_batch {
            // They are those of batches that will be done again.
            self.gradients = None;
        }
        self.inner.begins().map(Some)
    }

    /// The gradients to trace the next batch with.
    pub fn gradients(&mut self) -> Gradients<f32, Dev> {
        self.inner.in_batch = true;
        match self.gradients.take() {
            Some(gradients) => gradients,
            None => {
                // What was added up is gone with the batch that failed.
                self.inner.forget_pending();
                self.model.alloc_grads()
            }
        }
    }

    /// Ends the epoch with what its validation gave: logs, draws, remembers the best, writes checkpoints. Does
    /// nothing when the notebook was interrupted, so that the epoch is completed when it goes on.
    ///
    /// # Errors
    /// When the watched metric is not among them, or a checkpoint can't be written.
    pub fn validated(&mut self, metrics: &impl Metrics) -> Result<(), TrainerError> {
        if host::interrupted() { Ok(()) } else { self.close(metrics.metrics()) }
    }

    /// Exchanges the model's weights and their averages, to validate or save these; a second call brings both back.
    /// Without averages, or before the first step, nothing happens.
    ///
    /// # Errors
    /// When the model was exchanged for another one.
    pub fn swap_averages(&mut self) -> Result<(), TrainerError> {
        if let Some(ema) = self.ema.as_mut().filter(|ema| ema.updates() > 0) {
            ema.swap(&mut self.model)?;
        }
        Ok(())
    }

    /// Gives the model the weights of the best epoch: averaged ones, if averages are kept. Says which epoch; none if
    /// there was none, and then nothing is changed.
    ///
    /// # Errors
    /// When they must be read from their file, and can't.
    pub fn restore_best(&mut self) -> Result<Option<usize>, TrainerError> {
        let Some(epoch) = self.history().best().map(|best| best.epoch) else { return Ok(None) };
        match self.best.take() {
            Some(best) => {
                best.load_into(&mut self.model);
                self.best = Some(best);
            }
            None => self.load_best()?,
        }
        self.gradients = None;
        Ok(Some(epoch))
    }

    /// All epochs so far.
    pub fn history(&self) -> &History {
        &self.inner.progress.history
    }

    /// The run that is recorded, to log more with.
    pub fn run(&self) -> Option<&Run> {
        self.inner.reporter.as_ref().map_or(self.inner.run.as_ref(), Reporter::run)
    }

    /// Ends the run that is recorded, with the chart of the training attached; gives its uid, if there was one.
    ///
    /// # Errors
    /// When the tracker could not store what was logged.
    pub fn finish(&mut self) -> Result<Option<String>, ::tracker::Error> {
        self.inner.finish()
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.inner.progress.step
    }
}

#[cfg(test)]
mod tests;
