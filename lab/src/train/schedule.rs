//! The learning rate as a function of the step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::math::double::{cos, powf};

/// How the learning rate changes over the steps (or epochs: what is counted is up to the loop). A plain
/// value: it has no state, so it can be recorded with a run and needs no checkpoint.
///
/// ```ignore
/// let schedule = Schedule::cosine(3e-4, 1e-5, 10_000).with_warmup(500);
/// optimizer.set_learning_rate(schedule.rate(step));
/// ```
///
/// Rates equal those of `torch.optim.lr_scheduler` with the same settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// Always the same rate.
    Constant { rate: f64 },
    /// See [`Schedule::step`].
    Step { rate: f64, every: u64, factor: f64 },
    /// See [`Schedule::exponential`].
    Exponential { rate: f64, factor: f64 },
    /// See [`Schedule::cosine`].
    Cosine { rate: f64, lowest: f64, steps: u64 },
    /// See [`Schedule::cosine_restarts`].
    CosineRestarts { rate: f64, lowest: f64, period: u64, growth: u64 },
    /// See [`Schedule::one_cycle`].
    OneCycle { highest: f64, steps: u64, rising: f64, initial_divisor: f64, final_divisor: f64 },
    /// See [`Schedule::with_warmup_from`].
    Warmup { steps: u64, start: f64, then: Box<Schedule> },
}

impl Schedule {
    /// Always the same rate.
    pub fn constant(rate: f64) -> Self {
        Self::Constant { rate }
    }

    /// Multiplied by `factor` after every `every` steps (`StepLR`). An `every` of 0 is taken for 1.
    pub fn step(rate: f64, every: u64, factor: f64) -> Self {
        Self::Step { rate, every, factor }
    }

    /// Multiplied by `factor` after each step (`ExponentialLR`).
    pub fn exponential(rate: f64, factor: f64) -> Self {
        Self::Exponential { rate, factor }
    }

    /// Half a cosine from `rate` down to `lowest` in `steps` steps (`CosineAnnealingLR`), and `lowest` from
    /// then on, where PyTorch's would rise again. Loshchilov and Hutter, *SGDR*, 2017, equation 5.
    pub fn cosine(rate: f64, lowest: f64, steps: u64) -> Self {
        Self::Cosine { rate, lowest, steps }
    }

    /// [`Schedule::cosine`] again and again: the first time in `period` steps, then in `growth` times as many
    /// each time (`CosineAnnealingWarmRestarts`). A `period` or `growth` of 0 is taken for 1.
    pub fn cosine_restarts(rate: f64, lowest: f64, period: u64, growth: u64) -> Self {
        Self::CosineRestarts { rate, lowest, period, growth }
    }

    /// Up from `highest` / 25 to `highest` in the first 30 % of `steps`, then down to a ten-thousandth of
    /// where it began, both along a cosine (`OneCycleLR`). It stays there after the last step. Smith and
    /// Topin, *Super-Convergence*, 2018. Other shares can be set in [`Schedule::OneCycle`].
    pub fn one_cycle(highest: f64, steps: u64) -> Self {
        Self::OneCycle { highest, steps, rising: 0.3, initial_divisor: 25.0, final_divisor: 1e4 }
    }

    /// The same with `steps` steps in front, in which the rate rises along a line: at step 0 it is 1/`steps`
    /// of the rate that follows, so that no step is wasted on a rate of 0.
    #[allow(clippy::cast_precision_loss)] // step counts are far below 2^52
    pub fn with_warmup(self, steps: u64) -> Self {
        self.with_warmup_from(1.0 / steps.max(1) as f64, steps)
    }

    /// The same with `steps` steps in front, in which the rate rises along a line from `start` times its
    /// first value. As `LinearLR(start_factor=start, total_iters=steps)` in front of it in a `SequentialLR`.
    pub fn with_warmup_from(self, start: f64, steps: u64) -> Self {
        Self::Warmup { steps, start, then: Box::new(self) }
    }

    /// The rate for a step, counted from 0.
    #[allow(clippy::cast_precision_loss)] // step counts are far below 2^52
    pub fn rate(&self, step: u64) -> f64 {
        let now = step as f64;
        match self {
            Self::Constant { rate } => *rate,
            Self::Step { rate, every, factor } => rate * powf(*factor, (step / (*every).max(1)) as f64),
            Self::Exponential { rate, factor } => rate * powf(*factor, now),
            Self::Cosine { rate, lowest, steps } => along_cosine(*rate, *lowest, part(now, *steps as f64)),
            Self::CosineRestarts { rate, lowest, period, growth } => {
                let (done, period) = within_period(step, (*period).max(1), (*growth).max(1));
                along_cosine(*rate, *lowest, part(done as f64, period as f64))
            }
            &Self::OneCycle { highest, steps, rising, initial_divisor, final_divisor } => {
                let (peak, last) = (rising * steps as f64 - 1.0, steps as f64 - 1.0);
                let initial = highest / initial_divisor;
                if now <= peak {
                    along_cosine(initial, highest, part(now, peak))
                } else {
                    along_cosine(highest, initial / final_divisor, part(now - peak, last - peak))
                }
            }
            Self::Warmup { steps, start, then } if step < *steps => {
                then.rate(0) * (start + (1.0 - start) * now / *steps as f64)
            }
            Self::Warmup { steps, then, .. } => then.rate(step - steps),
        }
    }
}

/// The value between `from` and `to` after this part of half a cosine.
fn along_cosine(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * (1.0 + cos(PI * part)) / 2.0
}

/// Which part of the whole has passed; all of it when there is no whole.
fn part(done: f64, whole: f64) -> f64 {
    if whole > 0.0 { (done / whole).clamp(0.0, 1.0) } else { 1.0 }
}

/// How far a step is into its period, and how long this period is. Periods grow by a factor.
fn within_period(mut step: u64, mut period: u64, growth: u64) -> (u64, u64) {
    if growth == 1 {
        return (step % period, period);
    }
    while step >= period {
        step -= period;
        period = period.saturating_mul(growth);
    }
    (step, period)
}
