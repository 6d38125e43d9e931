//! `assay export`: runs, parameters, metrics and points for other programs.

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::PathBuf;
use tracker::table::{Column, Values};
use tracker::{Query, RunRecord, Store, Table, model};

use crate::table::{self, Database};

/// Write runs, parameters, metrics or points as CSV or JSON
#[derive(clap::Args)]
#[command(after_help = "\
Examples, a line for each run, and every point of the runs of a group:
  assay export runs --output runs.csv
  assay export points --where 'group = \"seeds\"' --format json --output points.json

As JSON, runs have every field with its nesting; what is no number is written \"NaN\", \"Infinity\" or \"-Infinity\".
As Parquet: in a notebook, `tracker::runs()` is a Polars frame.")]
pub(crate) struct Args {
    #[arg(value_enum)]
    what: What,

    /// Only the runs that a query finds; see `assay runs --help`
    #[arg(long = "where", value_name = "QUERY")]
    filter: Option<String>,

    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,

    /// The file to write; one that exists is not overwritten [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, ValueEnum)]
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
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let query = Query { filter: args.filter, ..Query::default() };
    if let (What::Runs, Form::Csv) = (args.what, args.format) {
        let text = csv(&store.table(&query)?);
        let mut sink = Sink::open(args.output)?;
        sink.write(&text)?;
        return sink.end();
    }
    let runs = store.runs(&query)?;
    let mut sink = Sink::open(args.output)?;
    match (args.what, args.format) {
        (What::Runs, Form::Json) => sink.write(&format!("{}\n", serde_json::to_string_pretty(&runs)?))?,
        (What::Runs, Form::Csv) => {}
        (What::Params, form) => params(&mut sink, form, &runs)?,
        (What::Metrics, form) => metrics(&mut sink, form, &runs)?,
        (What::Points, form) => points(&mut sink, form, &store, &runs)?,
    }
    sink.end()
}

fn params(sink: &mut Sink, form: Form, runs: &[RunRecord]) -> anyhow::Result<()> {
    let mut rows = Lines::new(sink, form, &["run", "path", "value"])?;
    for run in runs {
        for param in &run.params {
            rows.row(vec![json!(run.uid), json!(param.path), param.value.clone()])?;
        }
    }
    rows.end()
}

fn metrics(sink: &mut Sink, form: Form, runs: &[RunRecord]) -> anyhow::Result<()> {
    let names = ["run", "metric", "points", "last_step", "last", "min", "min_step", "max", "max_step"];
    let mut rows = Lines::new(sink, form, &names)?;
    for run in runs {
        for metric in &run.metrics {
            let value = |at: Option<model::At>| at.map_or(Value::Null, |at| number(at.value));
            let step = |at: Option<model::At>| at.map_or(Value::Null, |at| json!(at.step));
            rows.row(vec![
                json!(run.uid),
                json!(metric.key()),
                json!(metric.points),
                json!(metric.last_step),
                number(metric.last),
                value(metric.min),
                step(metric.min),
                value(metric.max),
                step(metric.max),
            ])?;
        }
    }
    rows.end()
}

fn points(sink: &mut Sink, form: Form, store: &Store, runs: &[RunRecord]) -> anyhow::Result<()> {
    let mut rows = Lines::new(sink, form, &["run", "metric", "step", "time_ms", "value"])?;
    for run in runs {
        for series in store.series(run)? {
            let key = series.metric.key();
            for point in &series.values {
                rows.row(vec![
                    json!(run.uid),
                    json!(key),
                    json!(point.step),
                    json!(point.time_ms),
                    number(point.value),
                ])?;
            }
        }
    }
    rows.end()
}

/// JSON has no word for what is no number.
fn number(value: f64) -> Value {
    match model::nonfinite(value) {
        Some(word) => json!(word),
        None => json!(value),
    }
}

/// Rows as they come: lines of CSV, or a JSON list of objects.
struct Lines<'a> {
    sink: &'a mut Sink,
    form: Form,
    names: &'a [&'static str],
    first: bool,
}

impl<'a> Lines<'a> {
    fn new(sink: &'a mut Sink, form: Form, names: &'a [&'static str]) -> anyhow::Result<Self> {
        if form == Form::Csv {
            sink.write(&csv_line(names.iter().map(|name| (*name).to_owned())))?;
        }
        Ok(Self { sink, form, names, first: true })
    }

    fn row(&mut self, values: Vec<Value>) -> anyhow::Result<()> {
        if self.form == Form::Csv {
            return self.sink.write(&csv_line(values.iter().map(plain)));
        }
        let before = if std::mem::replace(&mut self.first, false) { "[\n" } else { ",\n" };
        let pairs = self.names.iter().map(|name| (*name).to_owned()).zip(values);
        self.sink.write(&format!("{before}{}", Value::Object(pairs.collect::<Map<_, _>>())))
    }

    fn end(self) -> anyhow::Result<()> {
        match (self.form, self.first) {
            (Form::Csv, _) => Ok(()),
            (Form::Json, true) => self.sink.write("[]\n"),
            (Form::Json, false) => self.sink.write("\n]\n"),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv(table: &Table) -> String {
    let height = table.columns.first().map_or(0, |column| column.values.len());
    let mut text = csv_line(table.columns.iter().map(|column| column.name.clone()));
    for row in 0..height {
        text.push_str(&csv_line(table.columns.iter().map(|column| cell(column, row))));
    }
    text
}

fn cell(column: &Column, row: usize) -> String {
    let text = match &column.values {
        Values::Bool(values) => values[row].map(|value| value.to_string()),
        Values::Float(values) => values[row].map(|value| plain(&number(value))),
        Values::Text(values) => values[row].clone(),
        Values::Integer(values) | Values::Moment(values) | Values::Duration(values) => {
            values[row].map(|value| value.to_string())
        }
    };
    text.unwrap_or_default()
}

/// A line of CSV as RFC 4180 has it.
pub(crate) fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

/// Where the rows go.
enum Sink {
    Stdout,
    File(PathBuf, std::io::BufWriter<std::fs::File>),
}

impl Sink {
    fn open(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        ensure!(!path.exists(), "{} exists already: name another --output", path.display());
        let file = std::fs::File::create(&path);
        let file = file.with_context(|| format!("{} could not be written", path.display()))?;
        Ok(Self::File(path, std::io::BufWriter::new(file)))
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            Self::Stdout => table::print(text),
            Self::File(path, file) => {
                file.write_all(text.as_bytes()).with_context(|| format!("{} could not be written", path.display()))
            }
        }
    }

    fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(path, mut file) => {
                file.flush().with_context(|| format!("{} could not be written", path.display()))?;
                table::print(&format!("wrote {}\n", path.display()))
            }
        }
    }
}
