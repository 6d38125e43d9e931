//! What a trainer can be told before it trains.

use std::path::PathBuf;

use dfdx::nn::TensorCollection;

use ::tracker::Run;
use ::tracker::compare::Direction;

use super::plan::Watch;
use super::{EpochReport, Flow, Trainer, TrainerError};
use crate::device::Dev;
use crate::nn::Frozen;
use crate::train::{EarlyStopping, Ema, Mode, Optimizer, ReduceOnPlateau, Schedule};

impl<M, O> Trainer<M, O>
where
    M: TensorCollection<f32, Dev>,
    O: Optimizer,
{
    /// Trains this many epochs: 10. What an epoch is, its batches decide; it ends with a validation.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.inner.plan.epochs = epochs;
        self
    }

    /// Decides, with the index of the epoch, the order of batches, and with that of the step, what dropout draws: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.inner.plan.seed = seed;
        self
    }

    /// Sets the learning rate before each step, by its index.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.inner.plan.schedule = Some(schedule);
        self
    }

    /// Lowers the learning rate when the watched metric no longer improves. It goes before a schedule.
    pub fn reduce_on_plateau(mut self, plateau: ReduceOnPlateau) -> Self {
        self.inner.progress.plateau = Some(plateau);
        self.follow_watch();
        self
    }

    /// Makes a step of this many batches, whose gradients are averaged: 1.
    pub fn accumulate(mut self, batches: u32) -> Self {
        self.inner.plan.accumulate = batches.max(1);
        self
    }

    /// Limits the norm of all gradients together.
    pub fn clip_norm(mut self, most: f64) -> Self {
        self.inner.plan.clip_norm = Some(most);
        self
    }

    /// Limits each number of the gradients.
    pub fn clip_value(mut self, most: f64) -> Self {
        self.inner.plan.clip_value = Some(most);
        self
    }

    /// Adds the L1 penalty to the loss: see [`l1_penalty`](crate::train::l1_penalty).
    pub fn l1(mut self, strength: f64) -> Self {
        self.inner.plan.l1 = Some(strength);
        self
    }

    /// Adds the L2 penalty to the loss: see [`l2_penalty`](crate::train::l2_penalty).
    pub fn l2(mut self, strength: f64) -> Self {
        self.inner.plan.l2 = Some(strength);
        self
    }

    /// Keeps these weights as they are.
    pub fn freeze(mut self, frozen: Frozen) -> Self {
        self.frozen = Some(frozen);
        self
    }

    /// Keeps a moving average of the weights, which is what is validated and what the best epoch keeps.
    ///
    /// # Errors
    /// When the decay is not from 0 to below 1.
    pub fn ema(mut self, decay: f64) -> Result<Self, TrainerError> {
        self.ema = Some(Ema::new(decay)?);
        Ok(self)
    }

    /// Names the metric of the validation that decides which epoch is best: `loss`. By its name, less is better of a
    /// loss or an error, and more of anything else.
    pub fn watch(self, metric: &str) -> Self {
        let mode = match Direction::of(metric) {
            Direction::Lower => Mode::Min,
            Direction::Higher | Direction::Neither => Mode::Max,
        };
        self.watch_with(metric, mode)
    }

    /// The same, with which way it improves.
    pub fn watch_with(mut self, metric: &str, mode: Mode) -> Self {
        self.inner.plan.watch = Watch { metric: metric.to_owned(), mode };
        self.follow_watch();
        self
    }

    /// Stops when the watched metric has not improved for a while.
    pub fn early_stopping(mut self, stopping: EarlyStopping) -> Self {
        self.inner.progress.stopping = Some(stopping);
        self.follow_watch();
        self
    }

    /// What listens to the watched metric must know which way it improves.
    fn follow_watch(&mut self) {
        let mode = self.inner.plan.watch.mode;
        if let Some(stopping) = &mut self.inner.progress.stopping {
            stopping.mode = mode;
        }
        if let Some(plateau) = &mut self.inner.progress.plateau {
            plateau.mode = mode;
        }
    }

    /// Writes checkpoints into this folder, which is made if it is not there: `last.safetensors` after each epoch and
    /// at an interrupt, with everything to go on from, and `best.safetensors` with the weights of the best epoch.
    pub fn checkpoints(mut self, folder: impl Into<PathBuf>) -> Self {
        self.inner.plan.checkpoints = Some(folder.into());
        self
    }

    /// Writes the last checkpoint after every `steps` steps too, for long epochs.
    pub fn checkpoint_every(mut self, steps: u64) -> Self {
        self.inner.plan.checkpoint_every = Some(steps.max(1));
        self
    }

    /// Logs to this run: the loss, learning rate and, when clipping, the norm of the gradients of each step, what each
    /// epoch gave, and how the trainer was set. [`Trainer::finish`] ends it.
    pub fn record(mut self, run: Run) -> Self {
        self.inner.run = Some(run);
        self
    }

    /// Logs only every `steps`th step: 1.
    pub fn log_every(mut self, steps: u64) -> Self {
        self.inner.plan.log_every = steps.max(1);
        self
    }

    /// Shows neither progress nor a chart.
    pub fn quiet(mut self) -> Self {
        self.inner.plan.quiet = true;
        self
    }

    /// Calls this after each epoch.
    pub fn on_epoch(mut self, callback: impl FnMut(&EpochReport) -> Flow + Send + 'static) -> Self {
        self.inner.on_epoch.push(Box::new(callback));
        self
    }

    /// Calls this after each step, with how many steps were made, and its loss.
    pub fn on_step(mut self, callback: impl FnMut(u64, f64) -> Flow + Send + 'static) -> Self {
        self.inner.on_step.push(Box::new(callback));
        self
    }
}
