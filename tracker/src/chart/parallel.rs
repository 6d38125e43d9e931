//! Parallel coordinates: a line through all that each run has.

mod drawing;

use drawing::Drawing;

use super::dimension::{Dimension, Scale};
use super::repeats::tried;
use super::{Chart, Picture, some};
use crate::compare::Direction;
use crate::{Error, Result, RunRecord, Store};

/// No more axes than this, unless they are named.
const MOST: usize = 8;

/// Parameters and a final metric as axes; see [`parallel`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parallel {
    metric: String,
    axes: Vec<String>,
}

/// A line for each run through its parameters - those that differ, but for seeds - to a metric (`loss`, which is its last value, or
/// `loss.min`, `loss.max`, `loss.best`), which gives it its colour: the better, the darker. An axis of positive numbers
/// that are far apart is logarithmic, one of texts has a place for each of them, and what a run does not have is
/// below the axis.
pub fn parallel(metric: impl Into<String>) -> Parallel {
    Parallel { metric: metric.into(), axes: Vec::new() }
}

impl Parallel {
    /// Adds an axis: a parameter, or whatever else a [`scatter`](super::scatter) is drawn over. Without any, the first
    /// eight parameters that differ are the axes.
    pub fn axis(mut self, key: impl Into<String>) -> Self {
        self.axes.push(key.into());
        self
    }

    /// The names of the axes before the metric's, and how many there is no room for.
    fn keys(&self, runs: &[RunRecord]) -> (Vec<String>, usize) {
        if !self.axes.is_empty() {
            return (self.axes.clone(), 0);
        }
        let mut keys = tried(runs);
        let more = keys.len().saturating_sub(MOST);
        keys.truncate(MOST);
        (keys.into_iter().map(|key| format!("param.{key}")).collect(), more)
    }
}

impl Chart for Parallel {
    fn draw(&self, _: &Store, runs: &[RunRecord]) -> Result<Picture> {
        some(runs)?;
        let (keys, more) = self.keys(runs);
        if keys.is_empty() {
            let why = "the parameters of these runs are the same; name what to draw as axes".to_owned();
            return Err(Error::NothingToDraw { why });
        }
        let dimension = |key: &String| Dimension::new(key, runs, Scale::Fitting);
        let metric = dimension(&self.metric)?;
        if metric.is_empty() {
            return Err(Error::NothingToDraw { why: format!("no run has a number as its {}", metric.name) });
        }
        let axes = keys.iter().map(dimension).collect::<Result<Vec<_>>>()?;
        let direction = Direction::of(&metric.name);
        Ok(Drawing { runs, axes, metric, direction, more }.picture())
    }
}
