//! Runs as typed columns, for whoever makes a data frame of them.

use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::RunRecord;
use crate::model::{self, Metric};

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

impl Table {
    /// The columns of some runs.
    pub fn of(runs: &[RunRecord]) -> Self {
        let mut table = Self { columns: Vec::new() };
        table.text(runs, "uid", |run| Some(run.uid.clone()));
        table.text(runs, "name", |run| Some(run.name.clone()));
        table.text(runs, "status", |run| Some(run.status.to_string()));
        table.add("started", Values::Moment(runs.iter().map(|run| Some(run.started_ms)).collect()));
        table.add("duration", Values::Duration(runs.iter().map(|run| Some(run.duration_ms)).collect()));
        table.text(runs, "notebook", |run| run.notebook.clone());
        table.text(runs, "commit", |run| run.git.as_ref().map(|git| git.commit.clone()));
        let params = runs.iter().map(|run| run.params.iter().map(|param| (param.path.as_str(), &param.value)));
        for (path, column) in columns(params) {
            table.add(&format!("param.{path}"), values(&column));
        }
        let metrics = runs.iter().map(|run| run.metrics.iter().map(|metric| (Series::of(metric), metric)));
        for (series, column) in columns(metrics) {
            let key = series.key();
            let mut add = |end: &str, of: fn(&Metric) -> Option<f64>| {
                let values = column.iter().map(|metric| metric.and_then(of)).collect();
                table.add(&format!("metric.{key}.{end}"), Values::Float(values));
            };
            add("last", |metric| Some(metric.last));
            add("min", |metric| metric.min.map(|at| at.value));
            add("max", |metric| metric.max.map(|at| at.value));
        }
        let tags: std::collections::BTreeSet<&String> = runs.iter().flat_map(|run| run.tags.keys()).collect();
        for tag in tags {
            table.text(runs, &format!("tag.{tag}"), |run| run.tags.get(tag).cloned());
        }
        table
    }

    fn add(&mut self, name: &str, values: Values) {
        self.columns.push(Column { name: name.to_owned(), values });
    }

    fn text(&mut self, runs: &[RunRecord], name: &str, of: impl Fn(&RunRecord) -> Option<String>) {
        self.add(name, Values::Text(runs.iter().map(of).collect()));
    }
}

/// What a metric is called, without putting a text together for each run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Series<'a> {
    name: &'a str,
    context: &'a BTreeMap<String, String>,
}

impl<'a> Series<'a> {
    fn of(metric: &'a Metric) -> Self {
        Self { name: &metric.name, context: &metric.context }
    }

    fn key(self) -> String {
        model::key(self.name, self.context)
    }
}

/// Rows of named values as columns, in the order in which their names are met.
fn columns<N: Copy + Eq + Hash, V: Copy>(
    rows: impl ExactSizeIterator<Item = impl Iterator<Item = (N, V)>>,
) -> Vec<(N, Vec<Option<V>>)> {
    let height = rows.len();
    let mut places: HashMap<N, usize> = HashMap::new();
    let mut columns: Vec<(N, Vec<Option<V>>)> = Vec::new();
    for (row, values) in rows.enumerate() {
        for (place, (name, value)) in values.enumerate() {
            // Most runs have the same names in the same order.
            let place = match columns.get(place) {
                Some((there, _)) if *there == name => place,
                _ => *places.entry(name).or_insert(columns.len()),
            };
            if place == columns.len() {
                columns.push((name, vec![None; height]));
            }
            columns[place].1[row] = Some(value);
        }
    }
    columns
}

/// The narrowest type that holds every value: booleans, integers, floats, else text (JSON where it is no string).
fn values(values: &[Option<&Value>]) -> Values {
    let known = || values.iter().copied().flatten().filter(|value| !value.is_null());
    let each = || values.iter().copied();
    if known().all(Value::is_boolean) && known().next().is_some() {
        Values::Bool(each().map(|value| value?.as_bool()).collect())
    } else if known().all(Value::is_i64) && known().next().is_some() {
        Values::Integer(each().map(|value| value?.as_i64()).collect())
    } else if known().all(Value::is_number) && known().next().is_some() {
        Values::Float(each().map(|value| value?.as_f64()).collect())
    } else {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        Values::Text(each().map(|value| text(value?)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(given: &[Value]) -> Values {
        values(&given.iter().map(Some).collect::<Vec<_>>())
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_holds_all() {
        assert_eq!(column(&[json!(1), json!(2)]), Values::Integer(vec![Some(1), Some(2)]));
        assert_eq!(column(&[json!(1), json!(0.5)]), Values::Float(vec![Some(1.0), Some(0.5)]));
        assert_eq!(column(&[json!(true), json!(null)]), Values::Bool(vec![Some(true), None]));
        assert_eq!(column(&[json!("a"), json!([1])]), Values::Text(vec![Some("a".into()), Some("[1]".into())]));
        assert_eq!(column(&[json!(null)]), Values::Text(vec![None]));
    }
}
