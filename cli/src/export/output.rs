//! Where rows go: lines of CSV, a JSON list of objects, or a Parquet file.

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use tracker::table::{Column, Values};
use tracker::{Table, model};

use super::Form;
use super::parquet::Parquet;
use crate::table;

/// What is written to, begun with the first rows: a mistake in a query leaves no file.
pub(super) struct Output {
    form: Form,
    path: Option<PathBuf>,
    sink: Option<Sink>,
    /// No row was written yet.
    first: bool,
}

enum Sink {
    Stdout,
    File(BufWriter<File>),
    Parquet(Parquet),
}

impl Output {
    pub(super) fn to(form: Form, path: Option<PathBuf>) -> anyhow::Result<Self> {
        match &path {
            Some(path) => ensure!(!path.exists(), "{} exists already: name another --output", path.display()),
            None if form == Form::Parquet => bail!("Parquet is not written to stdout: name a file with --output"),
            None => {}
        }
        Ok(Self { form, path, sink: None, first: true })
    }

    /// Appends rows; every table has the same columns.
    pub(super) fn table(&mut self, table: &Table) -> anyhow::Result<()> {
        let height = table.columns.first().map_or(0, |column| column.values.len());
        match self.form {
            Form::Csv => {
                let mut text = String::new();
                if std::mem::take(&mut self.first) {
                    text.push_str(&csv_line(table.columns.iter().map(|column| column.name.clone())));
                }
                for row in 0..height {
                    text.push_str(&csv_line(table.columns.iter().map(|column| plain(&cell(column, row)))));
                }
                self.text(&text)
            }
            Form::Json => {
                let mut text = String::new();
                for row in 0..height {
                    let before = if std::mem::take(&mut self.first) { "[\n" } else { ",\n" };
                    let cells = table.columns.iter().map(|column| (column.name.clone(), cell(column, row)));
                    text.push_str(&format!("{before}{}", Value::Object(cells.collect::<Map<_, _>>())));
                }
                self.text(&text)
            }
            Form::Parquet => self.group(table),
        }
    }

    /// Writes a whole list.
    pub(super) fn json(&mut self, rows: &[impl Serialize]) -> anyhow::Result<()> {
        for row in rows {
            let before = if std::mem::take(&mut self.first) { "[\n" } else { ",\n" };
            self.text(&format!("{before}{}", serde_json::to_string_pretty(row)?))?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> anyhow::Result<()> {
        if self.form == Form::Json {
            self.text(if self.first { "[]\n" } else { "\n]\n" })?;
        }
        let (sink, path) = (self.sink, self.path.unwrap_or_default());
        let unwritten = || format!("{} could not be written", path.display());
        match sink {
            None | Some(Sink::Stdout) => return Ok(()),
            Some(Sink::File(mut file)) => file.flush().with_context(unwritten)?,
            Some(Sink::Parquet(parquet)) => parquet.end().with_context(unwritten)?,
        }
        table::print(&format!("wrote {}\n", path.display()))
    }

    fn text(&mut self, text: &str) -> anyhow::Result<()> {
        if self.sink.is_none() {
            self.sink = Some(match &self.path {
                Some(_) => Sink::File(BufWriter::new(self.create()?)),
                None => Sink::Stdout,
            });
        }
        match &mut self.sink {
            Some(Sink::File(file)) => file.write_all(text.as_bytes()).with_context(|| self.unwritten()),
            _ => table::print(text),
        }
    }

    fn group(&mut self, table: &Table) -> anyhow::Result<()> {
        if self.sink.is_none() {
            self.sink = Some(Sink::Parquet(Parquet::new(self.create()?, table)?));
        }
        match &mut self.sink {
            Some(Sink::Parquet(parquet)) => parquet.group(table).with_context(|| self.unwritten()),
            _ => Ok(()),
        }
    }

    fn create(&self) -> anyhow::Result<File> {
        let path = self.path.clone().unwrap_or_default();
        File::create(&path).map_err(|error| crate::table::unwritten(&path, &error))
    }

    fn unwritten(&self) -> String {
        format!("{} could not be written", self.path.clone().unwrap_or_default().display())
    }
}

/// A value as JSON, which has no word for what is no number.
fn cell(column: &Column, row: usize) -> Value {
    match &column.values {
        Values::Bool(values) => json!(values[row]),
        Values::Text(values) => json!(values[row]),
        Values::Integer(values) | Values::Moment(values) | Values::Duration(values) => json!(values[row]),
        Values::Float(values) => match values[row].and_then(model::nonfinite) {
            Some(word) => json!(word),
            None => json!(values[row]),
        },
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A line of CSV as RFC 4180 has it.
pub(crate) fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
