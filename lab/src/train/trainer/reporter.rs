//! What a training shows and logs: a progress bar, a live chart, a run of the tracker.

use std::time::Instant;

use ::tracker::Run;

use super::history::EpochReport;
use super::plan::Plan;
use crate::display;
use crate::plot::LiveChart;
use crate::train::bar::Bar;

/// Charts beside that of the loss; more would be too small to read.
const CHARTS: usize = 2;

/// Shows and logs, as far as it was asked to.
pub(super) struct Reporter {
    bar: Option<Bar>,
    chart: Option<LiveChart>,
    run: Option<Run>,
    log_every: u64,
    /// When the epoch began, or went on.
    since: Instant,
    /// How many batches an epoch has: known once one is complete.
    batches: Option<usize>,
}

impl Reporter {
    pub(super) fn new(plan: &Plan, run: Option<Run>) -> Self {
        let shown = !plan.quiet;
        Self {
            bar: shown.then(|| Bar::new(plan.epochs)),
            chart: shown.then(|| LiveChart::new(&["loss"])),
            run,
            log_every: plan.log_every.max(1),
            since: Instant::now(),
            batches: None,
        }
    }

    /// Draws what epochs before this session gave.
    pub(super) fn resumed(&self, epochs: &[EpochReport]) {
        epochs.iter().for_each(|epoch| self.draw(epoch));
    }

    pub(super) fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    pub(super) fn into_run(self) -> (Option<Run>, Option<String>) {
        (self.run, self.chart.map(|chart| chart.svg()))
    }

    pub(super) fn epoch_begins(&mut self, done: usize) {
        self.since = Instant::now();
        if let Some(bar) = &mut self.bar {
            bar.done = done;
            bar.part = 0.0;
            bar.draw();
        }
    }

    /// A step was made, the `batch`th of its epoch.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    pub(super) fn step(&mut self, step: u64, batch: usize, mean: f64, now: Step) {
        if let Some(run) = self.run.as_ref().filter(|_| step.is_multiple_of(self.log_every)) {
            run.log("loss", step, now.loss);
            run.log("learning_rate", step, now.learning_rate);
            if let Some(norm) = now.grad_norm {
                run.log("grad_norm", step, norm);
            }
        }
        let batches = self.batches;
        if let Some(bar) = self.bar.as_mut().filter(|bar| bar.is_due()) {
            bar.part = batches.map_or(0.0, |batches| (batch as f64 / batches.max(1) as f64).min(1.0));
            bar.metrics = vec![("loss".to_owned(), mean)];
            bar.draw();
        }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.since.elapsed().as_secs_f64()
    }

    /// An epoch of this many batches was validated.
    pub(super) fn epoch_ends(&mut self, report: &EpochReport, batches: usize) {
        self.batches = Some(batches);
        if let Some(bar) = &mut self.bar {
            bar.metrics = vec![("loss".to_owned(), report.train_loss)];
            bar.metrics.extend(report.metrics.iter().map(|(name, value)| (format!("val {name}"), *value)));
        }
        self.draw(report);
        if let Some(run) = &self.run {
            run.log("train_loss", report.epoch, report.train_loss);
            for (name, value) in &report.metrics {
                run.log(&format!("val_{name}"), report.epoch, *value);
            }
        }
    }

    fn draw(&self, report: &EpochReport) {
        let Some(chart) = &self.chart else { return };
        chart.point("loss", "train", report.epoch, report.train_loss);
        let loss = report.metric("loss").map(|loss| ("loss", loss));
        let others = report.metrics.iter().filter(|(name, _)| name != "loss").take(CHARTS);
        for (name, value) in loss.into_iter().chain(others.map(|(name, value)| (name.as_str(), *value))) {
            chart.point(name, "val", report.epoch, value);
        }
    }

    /// Draws the last state; `done` epochs are complete.
    pub(super) fn ends(&mut self, done: usize) {
        if let Some(bar) = &mut self.bar {
            bar.done = done;
            bar.part = 0.0;
            bar.end();
        }
        display::flush();
    }

    /// Says something below the bar.
    pub(super) fn say(&self, text: &str) {
        if self.bar.is_some() {
            println!("{text}");
        }
    }
}

/// What a step gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) loss: f64,
    pub(super) learning_rate: f64,
    pub(super) grad_norm: Option<f64>,
}
