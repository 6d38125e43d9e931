//! Runs as typed columns, for whoever makes a data frame of them.

mod params;

pub(crate) use params::Params;

/// Columns of equal length, one row per run. Names: the fields of a run, then `param.PATH`,
/// `metric.KEY.last`, `.min`, `.max`, and `tag.KEY`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub values: Values,
}

/// The values of a column; `None` where a run has none.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Bool(Vec<Option<bool>>),
    Integer(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    /// Milliseconds since 1970 UTC.
    Moment(Vec<Option<i64>>),
    /// Milliseconds.
    Duration(Vec<Option<i64>>),
}

impl Values {
    /// How many runs.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Integer(values) | Self::Moment(values) | Self::Duration(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are no runs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The points of one series as columns of equal length, in the order of logging.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points<'a> {
    /// The uid of the run.
    pub run: &'a str,
    pub metric: &'a str,
    /// What sets it apart from others of its name, as in `subset=test,fold=2`; empty when there is nothing.
    pub context: &'a str,
    pub steps: &'a [i64],
    /// Milliseconds since 1970 UTC.
    pub times_ms: &'a [i64],
    pub values: &'a [f64],
}

impl Points<'_> {
    /// As [`crate::Metric::key`].
    pub fn key(&self) -> String {
        crate::model::key_of(self.metric, self.context)
    }
}
