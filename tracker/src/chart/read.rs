//! Curves as they are read: over steps or time, and of a long series only its extremes.

use crate::model::Point;
use crate::{Result, RunRecord, Store};

/// How many pixels a curve is read for.
const PIXELS: usize = 600;

/// What curves are drawn over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// The steps they were logged at.
    #[default]
    Step,
    /// The time since their run was started.
    Time,
    /// The time of the day.
    Wall,
}

/// A series over steps or time. Times since the start are in seconds, others in milliseconds since 1970.
pub(super) struct Curve {
    /// In the order of x.
    pub(super) points: Vec<(f64, f64)>,
    /// Whether these are only the extremes of a longer series.
    pub(super) extremes: bool,
}

impl Curve {
    /// Reads the series that a run must have.
    pub(super) fn read(store: &Store, run: &RunRecord, metric: &str, by: By) -> Result<Self> {
        let logged = run.metric(metric).map_or(0, |metric| metric.points);
        let points = store.curve(run, metric, PIXELS)?;
        let extremes = i64::try_from(points.len()).is_ok_and(|read| read < logged);
        let x = |point: &Point| match by {
            By::Step => point.step as f64,
            By::Time => point.time_ms.saturating_sub(run.started_ms) as f64 / 1000.0,
            By::Wall => point.time_ms as f64,
        };
        let mut points: Vec<_> = points.iter().map(|point| (x(point), point.value)).collect();
        if !points.is_sorted_by(|a, b| a.0 <= b.0) {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Ok(Self { points, extremes })
    }

    /// What stands for the curve where an average is wanted: of extremes, which go up and down, the middle of each
    /// column of pixels.
    pub(super) fn level(&self) -> Vec<(f64, f64)> {
        match self.points.as_slice() {
            [first, .., last] if self.extremes => middles(&self.points, (first.0, last.0)),
            points => points.to_vec(),
        }
    }
}

/// Of each of some columns between two x that has a finite value, the place of its middle and the mean of its least
/// and greatest value.
pub(super) fn middles(points: &[(f64, f64)], (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let mut columns: Vec<Option<(f64, f64)>> = vec![None; PIXELS];
    let width = (high - low) / PIXELS as f64;
    for &(x, y) in points.iter().filter(|point| point.1.is_finite()) {
        let column = &mut columns[column(x, low, width)];
        let (least, most) = column.unwrap_or((y, y));
        *column = Some((least.min(y), most.max(y)));
    }
    let middle = |(index, column): (usize, Option<(f64, f64)>)| {
        let (least, most) = column?;
        Some((low + (index as f64 + 0.5) * width, least / 2.0 + most / 2.0))
    };
    columns.into_iter().enumerate().filter_map(middle).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a column, or cut to one
fn column(x: f64, low: f64, width: f64) -> usize {
    (((x - low) / width) as usize).min(PIXELS - 1)
}
