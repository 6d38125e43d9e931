//! `assay export`: runs, parameters, metrics and points for other programs.

mod output;
mod parquet;

use anyhow::ensure;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tracker::table::{Column, Values};
use tracker::{Metric, Points, Query, RunRecord, Store, Table};

use crate::table::Database;
use output::Output;
pub(crate) use output::csv_line;

/// How many points are written at once, and how many rows a group of a Parquet file has: what readers take in one go.
const BATCH: usize = 1 << 17;

/// Write runs, parameters, metrics or points as CSV, JSON or Parquet
#[derive(clap::Args)]
#[command(after_help = "\
Examples, a line for each run, and every point of the runs of a group:
  assay export runs --output runs.csv
  assay export points --where 'group = \"seeds\"' --output points.parquet

As JSON, runs have every field with its nesting; what is no number is written \"NaN\", \"Infinity\" or \"-Infinity\".
In Parquet, columns have types; the value of a parameter is text, and again a number where it is one.")]
pub(crate) struct Args {
    #[arg(value_enum)]
    what: What,

    /// Only the runs that a query finds; see `assay runs --help`
    #[arg(long = "where", value_name = "QUERY")]
    filter: Option<String>,

    /// Only this metric, for metrics and points; may be given several times
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,

    /// [default: by the ending of --output, else csv]
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// The file to write; one that exists is not overwritten [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A row for each run: what it is, its parameters, metrics and tags
    Runs,
    /// A row for each parameter of each run
    Params,
    /// A row for each metric of each run
    Metrics,
    /// A row for each logged value
    Points,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Csv,
    Json,
    Parquet,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        Self::from_str(&ending, false).ok()
    }
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let form = args.format.or_else(|| Form::of(args.output.as_deref()?)).unwrap_or(Form::Csv);
    ensure!(
        args.metric.is_empty() || matches!(args.what, What::Metrics | What::Points),
        "--metric chooses among metrics or points: export one of these"
    );
    let store = args.database.open()?;
    let query = Query { filter: args.filter, ..Query::default() };
    let mut output = Output::to(form, args.output)?;
    match (args.what, form) {
        (What::Runs, Form::Json) => output.json(&store.runs(&query)?)?,
        (What::Runs, _) => output.table(&store.table(&query)?)?,
        (What::Params, Form::Json) => output.json(&params_as_json(&store.runs(&query)?))?,
        (What::Params, _) => output.table(&params(&store.runs(&query)?, form))?,
        (What::Metrics, _) => output.table(&metrics(&store.runs(&query)?, &args.metric))?,
        (What::Points, _) => points(&mut output, &store, &query, &args.metric)?,
    }
    output.end()
}

/// With their own types, nesting included.
fn params_as_json(runs: &[RunRecord]) -> Vec<Value> {
    let params = runs.iter().flat_map(|run| run.params.iter().map(move |param| (run, param)));
    params.map(|(run, param)| json!({"run": run.uid, "path": param.path, "value": param.value})).collect()
}

fn params(runs: &[RunRecord], form: Form) -> Table {
    let params = || runs.iter().flat_map(|run| run.params.iter().map(move |param| (run, param)));
    let value = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut columns = vec![
        column("run", Values::Text(params().map(|(run, _)| Some(run.uid.clone())).collect())),
        column("path", Values::Text(params().map(|(_, param)| Some(param.path.clone())).collect())),
        column("value", Values::Text(params().map(|(_, param)| value(&param.value)).collect())),
    ];
    if form == Form::Parquet {
        columns.push(column("number", Values::Float(params().map(|(_, param)| param.value.as_f64()).collect())));
    }
    Table { columns }
}

fn metrics(runs: &[RunRecord], wanted: &[String]) -> Table {
    let fits = |metric: &Metric| wanted.is_empty() || wanted.contains(&metric.name) || wanted.contains(&metric.key());
    let metrics = runs.iter().flat_map(|run| run.metrics.iter().map(move |metric| (run, metric)));
    let metrics: Vec<(&RunRecord, &Metric)> = metrics.filter(|(_, metric)| fits(metric)).collect();
    let text = |of: fn(&RunRecord, &Metric) -> String| {
        Values::Text(metrics.iter().map(|(run, metric)| Some(of(run, metric))).collect())
    };
    let integer = |of: fn(&Metric) -> Option<i64>| Values::Integer(metrics.iter().map(|(_, m)| of(m)).collect());
    let float = |of: fn(&Metric) -> Option<f64>| Values::Float(metrics.iter().map(|(_, m)| of(m)).collect());
    let columns = [
        ("run", text(|run, _| run.uid.clone())),
        ("metric", text(|_, metric| metric.key())),
        ("points", integer(|metric| Some(metric.points))),
        ("last_step", integer(|metric| Some(metric.last_step))),
        ("last", float(|metric| Some(metric.last))),
        ("min", float(|metric| metric.min.map(|at| at.value))),
        ("min_step", integer(|metric| metric.min.map(|at| at.step))),
        ("max", float(|metric| metric.max.map(|at| at.value))),
        ("max_step", integer(|metric| metric.max.map(|at| at.step))),
    ];
    Table { columns: columns.into_iter().map(|(name, values)| column(name, values)).collect() }
}

fn column(name: &str, values: Values) -> Column {
    Column { name: name.to_owned(), values }
}

/// Writes points as they are read, some at a time.
fn points(output: &mut Output, store: &Store, query: &Query, wanted: &[String]) -> anyhow::Result<()> {
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut batch = Batch::default();
    store.points(query, &wanted, |points| {
        let mut from = 0;
        while from < points.values.len() {
            let to = points.values.len().min(from + BATCH - batch.value.len());
            batch.add(&points, from..to);
            from = to;
            if batch.value.len() == BATCH {
                output.table(&std::mem::take(&mut batch).table())?;
            }
        }
        anyhow::Ok(())
    })?;
    output.table(&batch.table())
}

#[derive(Default)]
struct Batch {
    run: Vec<Option<String>>,
    metric: Vec<Option<String>>,
    step: Vec<Option<i64>>,
    time_ms: Vec<Option<i64>>,
    value: Vec<Option<f64>>,
}

impl Batch {
    fn add(&mut self, points: &Points<'_>, range: std::ops::Range<usize>) {
        let repeated = |text: String| std::iter::repeat_n(Some(text), range.len());
        self.run.extend(repeated(points.run.to_owned()));
        self.metric.extend(repeated(points.key()));
        self.step.extend(points.steps[range.clone()].iter().copied().map(Some));
        self.time_ms.extend(points.times_ms[range.clone()].iter().copied().map(Some));
        self.value.extend(points.values[range.clone()].iter().copied().map(Some));
    }

    fn table(self) -> Table {
        Table {
            columns: vec![
                column("run", Values::Text(self.run)),
                column("metric", Values::Text(self.metric)),
                column("step", Values::Integer(self.step)),
                column("time_ms", Values::Moment(self.time_ms)),
                column("value", Values::Float(self.value)),
            ],
        }
    }
}
