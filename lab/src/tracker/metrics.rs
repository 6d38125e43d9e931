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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use polars::prelude::*;
    use tracker::{Run, Store};

    use super::super::LogData;
    use super::framed;

    /// A database in a folder that goes with it.
    struct Place(std::path::PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("lab-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn db(&self) -> std::path::PathBuf {
            self.0.join("assay.db")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn every_point_is_a_row_of_the_frame() {
        let place = Place::new("metrics");
        for (name, factor) in [("first", 1.0), ("second", 0.5)] {
            let run = Run::start_in(place.db(), name, &()).unwrap();
            (0_u32..3000).for_each(|step| run.log("loss", 2 * step, f64::from(step) * factor));
            run.log_with("loss", 7, f64::NAN, &[("subset", "test")]);
            run.log("accuracy", -1, factor);
            run.finish().unwrap();
        }
        let store = Store::open(place.db()).unwrap();
        let frame = framed(&store, &"order by started".into(), &[]).unwrap();
        // Where another test has used a GPU, the runs have its memory too.
        let logged = col("metric").eq(lit("loss")).or(col("metric").eq(lit("accuracy")));
        assert_eq!(frame.clone().lazy().filter(logged).collect().unwrap().shape(), (2 * 3002, 6));
        assert_eq!(frame.get_column_names(), ["run", "metric", "context", "step", "time", "value"]);
        assert_eq!(frame.column("time").unwrap().dtype(), &DataType::Datetime(TimeUnit::Milliseconds, None));
        let sums = frame.clone().lazy().filter(col("metric").eq(lit("loss")).and(col("context").is_null()));
        let sums = sums.group_by_stable([col("run")]).agg([col("value").sum(), col("step").max()]).collect().unwrap();
        let value: Vec<f64> = sums.column("value").unwrap().f64().unwrap().into_no_null_iter().collect();
        assert_eq!(value, [2999.0 * 1500.0, 2999.0 * 750.0]);
        assert_eq!(sums.column("step").unwrap().i64().unwrap().get(1), Some(5998));
        let uid = store.run("second").unwrap().uid;
        assert_eq!(sums.column("run").unwrap().str().unwrap().get(1), Some(uid.as_str()));
        let test = framed(&store, &"name = first".into(), &["loss{subset=test}"]).unwrap();
        assert_eq!((test.height(), test.column("context").unwrap().str().unwrap().get(0)), (1, Some("subset=test")));
        assert!(test.column("value").unwrap().f64().unwrap().get(0).unwrap().is_nan());
        let error = framed(&store, &"".into(), &["los"]).unwrap_err().to_string();
        assert!(error.starts_with("none of the runs has a metric \"los\"; they have accuracy, loss"), "{error}");
        assert_eq!(framed(&store, &"name = none".into(), &[]).unwrap().shape(), (0, 6));
    }

    #[test]
    fn a_run_tells_what_data_it_used() {
        let place = Place::new("data");
        let frame = df!("id" => [1_i64, 2, 3], "price" => [1.5, 2.5, 3.5]).unwrap();
        let mut dearer = frame.clone();
        dearer.apply("price", |price| price.f64().unwrap().apply_values(|price| price * 2.0).into_series()).unwrap();
        for (name, train) in [("one", &frame), ("two", &dearer), ("three", &frame)] {
            let run = Run::start_in(place.db(), name, &()).unwrap();
            run.log_data("train", &frame.tail(Some(1))).unwrap();
            // The last one of a name counts.
            let print = run.log_data("train", train).unwrap();
            assert_eq!(print.rows, 3);
            run.finish().unwrap();
        }
        let store = Store::open(place.db()).unwrap();
        let differs = |runs: &[&str]| {
            let runs = store.compare(runs).unwrap().runs;
            tracker::data::data_rows(&runs).remove(0).differs
        };
        assert_eq!(differs(&["one", "two"]), ["column price"]);
        assert!(differs(&["one", "three"]).is_empty());
        assert_eq!(store.run("one").unwrap().data["train"], super::super::fingerprint(&frame).unwrap());
        let rows = store.sql("SELECT count(*) FROM inputs WHERE name = 'train' AND rows = 3").unwrap();
        assert_eq!(rows.rows, [[tracker::SqlCell::Integer(3)]]);
    }

    /// `cargo test --release -p lab --lib metrics::tests::speed -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    #[allow(clippy::print_stdout, reason = "it is what the measurement says")]
    fn speed() {
        let place = Place::new("speed");
        let run = Run::start_in(place.db(), "many", &()).unwrap();
        for step in 0..1_000_000_u32 {
            for metric in ["loss", "accuracy", "rate", "norm", "time"] {
                run.log(metric, step, f64::from(step).sqrt());
            }
        }
        run.finish().unwrap();
        let store = Store::open(place.db()).unwrap();
        let times = (0..5).map(|_| {
            let began = std::time::Instant::now();
            assert_eq!(framed(&store, &"name = many".into(), &[]).unwrap().height(), 5_000_000);
            began.elapsed().as_secs_f64()
        });
        let seconds = times.fold(f64::INFINITY, f64::min);
        println!("METRICS {{\"points\": 5000000, \"seconds\": {seconds:.3}, \"points_per_s\": {:.0}}}", 5e6 / seconds);
    }
}
