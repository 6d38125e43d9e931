//! From a loss to changed weights, and from step to step.

use std::time::Instant;

use dfdx::nn::{TensorCollection, ZeroGrads as _};
use dfdx::tensor::{AsArray, Gradients, OwnedTape};
use dfdx::tensor_ops::Backward;

use super::history::EpochReport;
use super::reporter::{Reporter, Step};
use super::{Flow, Loop, Trainer, TrainerEpoch, TrainerError, evidence};
use crate::device::Dev;
use crate::host;
use crate::loss::Loss;
use crate::nn::Weights;
use crate::train::{Optimizer, clip_grad_norm, clip_grad_value, l1_penalty, l2_penalty, scale_gradients};

/// How long the end of a step is waited for after a press, in milliseconds.
const LEAST_WAITED: u32 = 250;
const MOST_WAITED: u32 = 2000;

impl<M, O> Trainer<M, O>
where
    M: TensorCollection<f32, Dev>,
    O: Optimizer,
{
    /// Computes the gradients of a batch's loss, and makes a step when enough batches are added up. Gives the loss.
    ///
    /// # Errors
    /// When the loss or a gradient is not finite: names the step and a parameter; when a setting is out of range, or
    /// a checkpoint can't be written. Then no weight has been changed.
    pub fn step(&mut self, loss: Loss<OwnedTape<f32, Dev>>) -> Result<f64, TrainerError> {
        let (value, step) = (f64::from(loss.array()), self.inner.progress.step + 1);
        let backward = |error: crate::device::DevError| TrainerError::Backward { step, reason: error.to_string() };
        let mut gradients = loss.try_backward().map_err(backward)?;
        if !value.is_finite() {
            return Err(evidence::not_finite(&self.model, &mut gradients, step, value)?);
        }
        if self.inner.adds_up(value) {
            self.change(&mut gradients)?;
        }
        self.gradients = Some(gradients);
        self.inner.in_batch = false;
        if self.inner.wants_checkpoint() || host::interrupted() {
            self.save_last()?;
        }
        if host::interrupted() {
            self.inner.ends();
            host::at_boundary();
        }
        self.inner.expects_step();
        Ok(value)
    }

    /// The batch that was being worked on is given up: something was thrown in it. The weights are those of the last
    /// step.
    pub(super) fn leave(&mut self) {
        self.gradients = None;
        self.inner.forget_pending();
        if self.inner.open
            && host::interrupted()
            && let Err(error) = self.save_last()
        {
            eprintln!("the checkpoint could not be written: {error}");
        }
        self.inner.ends();
    }

    /// Makes a step with the gradients of the batches that are added up.
    fn change(&mut self, gradients: &mut Gradients<f32, Dev>) -> Result<(), TrainerError> {
        let (plan, batches) = (&self.inner.plan, self.inner.pending);
        if batches > 1 {
            scale_gradients(&self.model, gradients, 1.0 / f64::from(batches))?;
        }
        let mut penalty = 0.0;
        if let Some(strength) = plan.l1 {
            penalty += l1_penalty(&self.model, gradients, strength)?;
        }
        if let Some(strength) = plan.l2 {
            penalty += l2_penalty(&self.model, gradients, strength)?;
        }
        let grad_norm = plan.clip_norm.map(|most| clip_grad_norm(&self.model, gradients, most)).transpose()?;
        if let Some(most) = plan.clip_value {
            clip_grad_value(&self.model, gradients, most)?;
        }
        if let Some(rate) = self.inner.learning_rate() {
            self.optimizer.set_learning_rate(rate);
        }
        self.optimizer.update(&mut self.model, gradients)?;
        if let Some(frozen) = &self.frozen {
            frozen.restore(&mut self.model);
        }
        if let Some(ema) = &mut self.ema {
            ema.update(&self.model)?;
        }
        self.model.zero_grads(gradients);
        self.inner.stepped(penalty, self.optimizer.learning_rate(), grad_norm);
        Ok(())
    }

    /// Ends the epoch.
    pub(super) fn close(&mut self, metrics: Vec<(String, f64)>) -> Result<(), TrainerError> {
        // What does not fill a last step makes a smaller one.
        if self.inner.pending > 0
            && let Some(mut gradients) = self.gradients.take()
        {
            self.change(&mut gradients)?;
            self.gradients = Some(gradients);
        }
        let best = self.inner.closes(metrics, self.optimizer.learning_rate())?;
        if best {
            self.swap_averages()?;
            let weights = Weights::of(&self.model);
            self.swap_averages()?;
            self.save_best(&weights)?;
            self.best = Some(weights);
        }
        self.save_last()
    }
}

impl Loop {
    pub(super) fn begins(&mut self) -> Result<TrainerEpoch, TrainerError> {
        let (index, done, seed) = (self.progress.epoch, self.progress.batch, self.plan.seed);
        if self.reporter.is_none() {
            self.reporter = Some(self.report()?);
        }
        (self.open, self.in_batch) = (true, false);
        self.forget_pending();
        if let Some(reporter) = &mut self.reporter {
            reporter.epoch_begins(index);
        }
        self.seed_step();
        self.since = None;
        self.expects_step();
        Ok(TrainerEpoch { index, seed: seed.wrapping_add(index as u64), done })
    }

    fn report(&mut self) -> Result<Reporter, TrainerError> {
        if let (Some(run), Ok(json)) = (&self.run, serde_json::to_string_pretty(&self.plan)) {
            run.text("trainer", json)?;
        }
        let reporter = Reporter::new(&self.plan, self.run.take());
        reporter.resumed(&self.progress.history.epochs);
        if let Some(from) = self.resumed.take() {
            reporter.say(&from);
        }
        Ok(reporter)
    }

    /// A press from here on is for the end of the next step, if that comes as soon as the last ones did.
    fn expects_step(&mut self) {
        let took = self.since.replace(Instant::now()).map_or(0, |since| since.elapsed().as_millis());
        host::boundary_within(u32::try_from(took * 3).unwrap_or(MOST_WAITED).clamp(LEAST_WAITED, MOST_WAITED));
    }

    pub(super) fn ends(&mut self) {
        self.open = false;
        host::boundary_within(0);
        if let Some(reporter) = &mut self.reporter {
            reporter.ends(self.progress.epoch);
        }
    }

    /// Whether there are no more epochs to begin.
    pub(super) fn is_done(&self) -> bool {
        self.progress.stopped || self.progress.epoch >= self.plan.epochs
    }

    /// Whether the epoch should end here.
    pub(super) fn is_over(&self) -> bool {
        self.progress.stopped || host::interrupted()
    }

    /// Batches that were added up but not stepped with are done again.
    pub(super) fn forget_pending(&mut self) {
        (self.pending, self.pending_loss) = (0, 0.0);
    }

    /// Takes in a batch's loss; says whether a step is due.
    fn adds_up(&mut self, loss: f64) -> bool {
        self.pending += 1;
        self.pending_loss += loss;
        self.pending >= self.plan.accumulate
    }

    /// The rate of the next step, if it is not the optimizer's own.
    fn learning_rate(&self) -> Option<f64> {
        let scheduled = || self.plan.schedule.as_ref().map(|schedule| schedule.rate(self.progress.step));
        self.progress.plateau.as_ref().map(|plateau| plateau.rate).or_else(scheduled)
    }

    fn stepped(&mut self, penalty: f64, learning_rate: f64, grad_norm: Option<f64>) {
        let batches = self.pending;
        let loss = self.pending_loss / f64::from(batches.max(1)) + penalty;
        self.forget_pending();
        let progress = &mut self.progress;
        progress.step += 1;
        progress.batch += batches as usize;
        progress.loss.add(loss);
        let (step, batch, mean) = (progress.step, progress.batch, progress.loss.value());
        if let Some(reporter) = &mut self.reporter {
            reporter.step(step, batch, mean, Step { loss, learning_rate, grad_norm });
        }
        for callback in &mut self.on_step {
            self.progress.stopped |= callback(step, loss) == Flow::Stop;
        }
        self.seed_step();
    }

    /// What layers draw depends on the seed and the step alone, so that it can be drawn again.
    fn seed_step(&self) {
        crate::device::seed_random(self.plan.seed, self.progress.step);
    }

    /// Whether it is time for one within the epoch.
    fn wants_checkpoint(&self) -> bool {
        let due = |every: u64| self.pending == 0 && self.progress.step.is_multiple_of(every);
        self.plan.checkpoints.is_some() && self.plan.checkpoint_every.is_some_and(due)
    }

    /// Ends the epoch; says whether it is the best so far.
    fn closes(&mut self, metrics: Vec<(String, f64)>, learning_rate: f64) -> Result<bool, TrainerError> {
        let (watched, is_there) =
            (&self.plan.watch.metric, |name: &str| metrics.iter().any(|(known, _)| known == name));
        if watched != "loss" && !metrics.is_empty() && !is_there(watched) {
            let known: Vec<_> = metrics.iter().map(|(name, _)| format!("{name:?}")).collect();
            return Err(TrainerError::NotWatched { watched: watched.clone(), known: known.join(", ") });
        }
        let (batches, seconds) = (self.progress.batch, self.reporter.as_ref().map_or(0.0, Reporter::seconds));
        let report = EpochReport {
            epoch: self.progress.epoch + 1,
            step: self.progress.step,
            train_loss: self.progress.loss.value(),
            metrics,
            learning_rate,
            best: false,
            seconds,
        };
        let report = self.progress.close(&self.plan.watch, report);
        self.open = false;
        if let Some(reporter) = &mut self.reporter {
            reporter.epoch_ends(&report, batches);
        }
        for callback in &mut self.on_epoch {
            self.progress.stopped |= callback(&report) == Flow::Stop;
        }
        Ok(report.best)
    }

    pub(super) fn finish(&mut self) -> Result<Option<String>, ::tracker::Error> {
        let (run, chart) = match self.reporter.take() {
            Some(reporter) => reporter.into_run(),
            None => (self.run.take(), None),
        };
        let Some(run) = run else { return Ok(None) };
        if let Some(chart) = chart {
            run.plot("training", chart)?;
        }
        let uid = run.uid().to_owned();
        run.finish()?;
        Ok(Some(uid))
    }
}
