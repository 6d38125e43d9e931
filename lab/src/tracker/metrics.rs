//! Everything that runs logged, as one frame.

use polars::prelude::{
    Column, DataFrame, DataType, Float64Chunked, IdxCa, IdxSize, Int64Chunked, IntoSeries, NamedFrom, Series, TimeUnit,
};
use tracker::{Points, Query, Store};

use super::FrameError;

/// Every point of every run of the default database, as [`metrics_where`] has them.
///
/// # Errors
/// As [`super::runs`].
pub fn metrics() -> Result<DataFrame, FrameError> {
    metrics_where("", &[])
}

/// The points of the runs that fit a query (see [`tracker::query`]), of these metrics or of all when none is named: a
/// row for each point with `run`, `metric`, `context` (as in `subset=test`; null without one), `step`, `time` (UTC) and
/// `value`. Runs come in the order of the query, the points of a metric in the order of logging.
///
/// ```no_run
/// let losses = lab::tracker::metrics_where("status = finished", &["loss", "val_loss"])?;
/// # Ok::<(), lab::tracker::FrameError>(())
/// ```
///
/// # Errors
/// When there is no database yet, or it can't be read; when the query has a mistake, which is pointed at; when none of
/// the runs has a metric of that name.
pub fn metrics_where(query: impl Into<Query>, metrics: &[&str]) -> Result<DataFrame, FrameError> {
    framed(&Store::open_default()?, &query.into(), metrics)
}

pub(super) fn framed(store: &Store, query: &Query, metrics: &[&str]) -> Result<DataFrame, FrameError> {
    let mut rows = Rows::default();
    store.points(query, metrics, |points| rows.add(&points))?;
    rows.frame()
}

#[derive(Default)]
struct Rows {
    runs: Vec<String>,
    metrics: Vec<String>,
    contexts: Vec<Option<String>>,
    /// Which of those belong to a point.
    series: Vec<IdxSize>,
    steps: Vec<i64>,
    times_ms: Vec<i64>,
    values: Vec<f64>,
}

impl Rows {
    fn add(&mut self, points: &Points<'_>) -> Result<(), FrameError> {
        let series = IdxSize::try_from(self.runs.len()).unwrap_or(IdxSize::MAX);
        self.runs.push(points.run.to_owned());
        self.metrics.push(points.metric.to_owned());
        self.contexts.push((!points.context.is_empty()).then(|| points.context.to_owned()));
        self.series.extend(std::iter::repeat_n(series, points.values.len()));
        self.steps.extend_from_slice(points.steps);
        self.times_ms.extend_from_slice(points.times_ms);
        self.values.extend_from_slice(points.values);
        Ok(())
    }

    fn frame(self) -> Result<DataFrame, FrameError> {
        let height = self.values.len();
        let series = IdxCa::from_vec("".into(), self.series);
        let repeated = |texts: Series| texts.take(&series);
        let time = Int64Chunked::from_vec("time".into(), self.times_ms).into_series();
        let time = time.cast(&DataType::Datetime(TimeUnit::Milliseconds, None))?;
        let columns: Vec<Column> = vec![
            repeated(Series::new("run".into(), self.runs))?.into(),
            repeated(Series::new("metric".into(), self.metrics))?.into(),
            repeated(Series::new("context".into(), self.contexts))?.into(),
            Int64Chunked::from_vec("step".into(), self.steps).into_series().into(),
            time.into(),
            Float64Chunked::from_vec("value".into(), self.values).into_series().into(),
        ];
        Ok(DataFrame::new(height, columns)?)
    }
}
