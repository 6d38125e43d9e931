//! What listens to a metric: a learning rate that falls when it no longer improves, and a stop.

use serde::{Deserialize, Serialize};

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Lower is better: a loss.
    #[default]
    Min,
    /// Higher is better: an accuracy.
    Max,
}

/// A learning rate that is multiplied by a factor when a metric has not improved for a while, as
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`. Its state is part of it: save it with the model.
///
/// ```ignore
/// let mut plateau = ReduceOnPlateau::new(1e-3).with_factor(0.5).with_patience(3);
/// optimizer.set_learning_rate(plateau.step(tested.loss));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReduceOnPlateau {
    /// The rate as it is now.
    pub rate: f64,
    /// What it is multiplied by: 0.1.
    pub factor: f64,
    /// How many calls without improvement are let pass: 10.
    pub patience: u64,
    /// Which way the metric improves: down.
    pub mode: Mode,
    /// The share of the best value by which a better one must differ: 1e-4.
    pub threshold: f64,
    /// How many calls after a reduction are not counted: 0.
    pub cooldown: u64,
    /// The rate does not fall below this: 0.
    pub lowest: f64,
    best: Option<f64>,
    bad: u64,
    cooling: u64,
}

impl ReduceOnPlateau {
    /// Starts with this rate: factor 0.1, patience 10, lower is better.
    pub fn new(rate: f64) -> Self {
        Self {
            rate,
            factor: 0.1,
            patience: 10,
            mode: Mode::Min,
            threshold: 1e-4,
            cooldown: 0,
            lowest: 0.0,
            best: None,
            bad: 0,
            cooling: 0,
        }
    }

    /// The same with another factor.
    pub fn with_factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// The same with another patience.
    pub fn with_patience(self, patience: u64) -> Self {
        Self { patience, ..self }
    }

    /// The same with a pause of `cooldown` calls after each reduction.
    pub fn with_cooldown(self, cooldown: u64) -> Self {
        Self { cooldown, ..self }
    }

    /// The same with a rate below which it does not fall.
    pub fn with_lowest(self, lowest: f64) -> Self {
        Self { lowest, ..self }
    }

    /// The same for a metric of which higher is better, such as accuracy.
    pub fn maximize(self) -> Self {
        Self { mode: Mode::Max, ..self }
    }

    /// Takes in the metric of an epoch and returns the rate for the next. NaN and infinities are no improvement.
    pub fn step(&mut self, metric: f64) -> f64 {
        if self.best.is_none_or(|best| self.improves(metric, best)) && metric.is_finite() {
            self.best = Some(metric);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            // As in PyTorch: a change too small to matter is not made.
            let rate = (self.rate * self.factor).max(self.lowest);
            if self.rate - rate > 1e-8 {
                self.rate = rate;
            }
            self.cooling = self.cooldown;
            self.bad = 0;
        }
        self.rate
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn improves(&self, metric: f64, best: f64) -> bool {
        match self.mode {
            Mode::Min => metric < best * (1.0 - self.threshold),
            Mode::Max => metric > best * (1.0 + self.threshold),
        }
    }
}

/// Says when to stop because a metric no longer improves. Prechelt, *Early Stopping - But When?*, 1998;
/// counts as Keras' `EarlyStopping`. Its state is part of it: save it with the model.
///
/// ```ignore
/// let mut stopping = EarlyStopping::new(5);
/// for epoch in epochs(100) {
///     // train, test
///     if stopping.step(epoch.number() as u64, tested.loss).stop {
///         break;
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// After how many values in a row that are no improvement to stop.
    pub patience: u64,
    /// By how much a value must be better than the best to count: 0.
    pub min_delta: f64,
    /// Which way the metric improves: down.
    pub mode: Mode,
    best: Option<Best>,
    waited: u64,
}

/// The best value so far, and when it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step (or epoch) that it was given with.
    pub step: u64,
    /// The metric.
    pub value: f64,
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "says whether to stop"]
pub struct Verdict {
    /// It is the best so far: the time to save the model.
    pub improved: bool,
    /// There were `patience` values in a row that are no improvement.
    pub stop: bool,
}

impl EarlyStopping {
    /// Stops after `patience` values in a row that are not lower than the lowest. With 0, stops at the first.
    pub fn new(patience: u64) -> Self {
        Self { patience, min_delta: 0.0, mode: Mode::Min, best: None, waited: 0 }
    }

    /// The same, with only what is better by more than `min_delta` counted as better.
    pub fn with_min_delta(self, min_delta: f64) -> Self {
        Self { min_delta: min_delta.abs(), ..self }
    }

    /// The same for a metric of which higher is better, such as accuracy.
    pub fn maximize(self) -> Self {
        Self { mode: Mode::Max, ..self }
    }

    /// Takes in the metric of a step. NaN and infinities are no improvement.
    pub fn step(&mut self, step: u64, metric: f64) -> Verdict {
        let improved = metric.is_finite() && self.best.is_none_or(|best| self.improves(metric, best.value));
        if improved {
            self.best = Some(Best { step, value: metric });
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        Verdict { improved, stop: !improved && self.waited >= self.patience }
    }

    /// What was chosen when it was made.
    pub(super) fn settings(&self) -> (u64, f64, Mode) {
        (self.patience, self.min_delta, self.mode)
    }

    /// The best value so far, and the step it was given with.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    fn improves(&self, metric: f64, best: f64) -> bool {
        match self.mode {
            Mode::Min => metric < best - self.min_delta,
            Mode::Max => metric > best + self.min_delta,
        }
    }
}
