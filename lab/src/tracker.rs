//! The experiment tracker as cells see it: everything that records and reads runs, the runs as a Polars
//! frame, and comparisons that show themselves.

mod fingerprint;
mod metrics;
mod plot;

use ::tracker::table::Values;
pub use ::tracker::*;
pub use plot::{RunChart, Runs, plot};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, PolarsError, Series as PolarsSeries, TimeUnit};

use crate::display::{MimeBundle, Show, Table as Text};
pub use fingerprint::fingerprint;
pub use metrics::{metrics, metrics_where};

/// Runs that could not be read or put into a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The database could not be read.
    #[error(transparent)]
    Tracker {
        #[from]
        source: Error,
    },
    /// Polars refused.
    #[error(transparent)]
    Polars {
        #[from]
        source: PolarsError,
    },
    /// A column has no form that could be hashed.
    #[error("column {column:?} is {dtype}, which has no fingerprint: turn it into texts or numbers, or leave it out")]
    NotHashed { column: String, dtype: String },
}

/// All runs of the default database as a frame, the newest first: what a run is, then its parameters as
/// `param.NAME`, its metrics as `metric.NAME.last`, `.min` and `.max`, and its tags.
///
/// # Errors
/// When there is no database yet, or it can't be read.
pub fn runs() -> Result<DataFrame, FrameError> {
    framed(&Query::default())
}

/// The runs that fit a query as a frame, in its order: a [`Query`], or a text such as
/// `"status = finished and metric.accuracy.max > 0.9 order by metric.loss limit 20"` (see [`query`]).
///
/// # Errors
/// As [`runs`], and when the query has a mistake, which is pointed at.
pub fn runs_where(query: impl Into<Query>) -> Result<DataFrame, FrameError> {
    framed(&query.into())
}

fn framed(query: &Query) -> Result<DataFrame, FrameError> {
    let table = Store::open_default()?.table(query)?;
    let columns: Result<Vec<Column>, PolarsError> = table.columns.iter().map(column).collect();
    let columns = columns?;
    let height = columns.first().map_or(0, Column::len);
    Ok(DataFrame::new(height, columns)?)
}

/// Compares runs of the default database: what differs in their configuration, and their metrics side by
/// side. A run is named by its uid, the beginning of it, or its name.
///
/// # Errors
/// When there is no such run, or the database can't be read.
pub fn compare(runs: &[impl AsRef<str>]) -> Result<Comparison, Error> {
    let runs: Vec<&str> = runs.iter().map(AsRef::as_ref).collect();
    compared(&runs)
}

fn compared(runs: &[&str]) -> Result<Comparison, Error> {
    Store::open_default()?.compare(runs)
}

/// What [`Run`] can do with frames.
pub trait LogData {
    /// Records what data the run used: the [`fingerprint`] of a frame, under a name such as `train`. `assay show` and
    /// `assay compare` tell it; the data itself is not stored.
    ///
    /// # Errors
    /// As [`fingerprint`].
    fn log_data(&self, name: &str, frame: &DataFrame) -> Result<Fingerprint, FrameError>;
}

impl LogData for Run {
    fn log_data(&self, name: &str, frame: &DataFrame) -> Result<Fingerprint, FrameError> {
        let print = fingerprint(frame)?;
        self.log_fingerprint(name, print.clone());
        Ok(print)
    }
}

fn column(column: &table::Column) -> Result<Column, PolarsError> {
    let name = column.name.as_str().into();
    let values = match &column.values {
        Values::Bool(values) => PolarsSeries::new(name, values),
        Values::Integer(values) => PolarsSeries::new(name, values),
        Values::Float(values) => PolarsSeries::new(name, values),
        Values::Text(values) => PolarsSeries::new(name, values),
        Values::Moment(values) => {
            PolarsSeries::new(name, values).cast(&DataType::Datetime(TimeUnit::Milliseconds, None))?
        }
        Values::Duration(values) => {
            PolarsSeries::new(name, values).cast(&DataType::Duration(TimeUnit::Milliseconds))?
        }
    };
    Ok(values.into())
}

impl Show for Comparison {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(text(self)).with_html(html::comparison(self))
    }
}

impl Show for RunRecord {
    fn show(&self) -> MimeBundle {
        let runs = std::slice::from_ref(self);
        MimeBundle::new()
            .with_text(format!("run {} {} ({})", self.uid, self.name, self.status))
            .with_html(html::runs(runs))
    }
}

impl Show for Run {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(format!("run {} {}", self.uid(), self.name()))
    }
}

/// A column for each run; of each metric the last value, the best one with a star.
fn text(comparison: &Comparison) -> String {
    let mut header = vec![String::new()];
    header.extend(comparison.runs.iter().map(|run| format!("{} {}", run.name, run.uid)));
    let mut table = Text::new(&header).left(0);
    for row in comparison.differing() {
        let value = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(String::new, format::value);
        let mut cells = vec![row.path.clone()];
        cells.extend(row.values.iter().map(value));
        table.row(&cells);
    }
    table.rule();
    for row in &comparison.metrics {
        let mut cells = vec![format!("{} {}", row.metric, row.direction.arrow())];
        for (index, value) in row.last.iter().enumerate() {
            let star = if row.best_last.contains(&index) { "*" } else { "" };
            cells.push(value.map_or_else(String::new, |value| format!("{star}{}", format::number(value))));
        }
        table.row(&cells);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_types() {
        let moment = table::Column { name: "started".to_owned(), values: Values::Moment(vec![Some(0), None]) };
        let made = column(&moment).expect("a column");
        assert_eq!(made.dtype(), &DataType::Datetime(TimeUnit::Milliseconds, None));
        assert_eq!(made.null_count(), 1);
        let text = table::Column { name: "name".to_owned(), values: Values::Text(vec![Some("a".to_owned()), None]) };
        assert_eq!(column(&text).expect("a column").dtype(), &DataType::String);
    }
}
