//! Where a training is: all that must be saved to go on from a step as if nothing had happened, but for weights
//! and what optimizer and averages remember.

use serde::{Deserialize, Serialize};

use super::history::{EpochReport, History};
use super::plan::Watch;
use crate::train::{EarlyStopping, Mean, Mode, ReduceOnPlateau};

/// The state of the loop, at the boundary of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Epochs that are complete.
    pub(super) epoch: usize,
    /// Batches of the next epoch that are done.
    pub(super) batch: usize,
    /// Steps that were made.
    pub(super) step: u64,
    /// The mean loss of the next epoch's batches so far.
    pub(super) loss: Mean,
    pub(super) best: Option<f64>,
    pub(super) stopping: Option<EarlyStopping>,
    pub(super) plateau: Option<ReduceOnPlateau>,
    /// Early stopping, or a callback, said that it is enough.
    pub(super) stopped: bool,
    pub(super) history: History,
}

impl Progress {
    /// Takes in the validation of the epoch that is running, which ends it. Says whether it is the best so far.
    pub(super) fn close(&mut self, watch: &Watch, mut report: EpochReport) -> EpochReport {
        let watched = report.metric(&watch.metric).or((watch.metric == "loss").then_some(report.train_loss));
        if let Some(value) = watched {
            report.best = self.improves(watch.mode, value);
            if report.best {
                self.best = Some(value);
            }
            if let Some(stopping) = &mut self.stopping {
                self.stopped |= stopping.step(report.step, value).stop;
            }
            if let Some(plateau) = &mut self.plateau {
                plateau.step(value);
            }
        }
        self.epoch += 1;
        self.batch = 0;
        self.loss = Mean::new();
        self.history.epochs.push(report.clone());
        report
    }

    fn improves(&self, mode: Mode, value: f64) -> bool {
        value.is_finite()
            && self.best.is_none_or(|best| match mode {
                Mode::Min => value < best,
                Mode::Max => value > best,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(progress: &mut Progress, watch: &Watch, loss: f64, accuracy: f64) -> bool {
        let report = EpochReport {
            epoch: progress.epoch + 1,
            step: progress.step,
            train_loss: loss,
            metrics: vec![("accuracy".to_owned(), accuracy)],
            learning_rate: 0.1,
            best: false,
            seconds: 0.0,
        };
        progress.close(watch, report).best
    }

    #[test]
    fn the_watched_metric_decides_which_epoch_is_best_and_when_to_stop() {
        let mut progress = Progress { stopping: Some(EarlyStopping::new(2).maximize()), ..Progress::default() };
        let watch = Watch { metric: "accuracy".to_owned(), mode: Mode::Max };
        let best = [(0.9, 0.5), (0.8, 0.7), (0.7, f64::NAN), (0.6, 0.7)]
            .map(|(loss, accuracy)| closed(&mut progress, &watch, loss, accuracy));
        assert_eq!(best, [true, true, false, false]);
        assert_eq!((progress.epoch, progress.stopped), (4, true));
        assert_eq!(progress.history.best().map(|epoch| epoch.epoch), Some(2));
    }

    #[test]
    fn without_a_validation_the_training_loss_is_watched() {
        let (mut progress, watch) = (Progress::default(), Watch { metric: "loss".to_owned(), mode: Mode::Min });
        assert!(closed(&mut progress, &watch, 0.5, 0.0));
        assert!(!closed(&mut progress, &watch, 0.6, 1.0));
    }
}
