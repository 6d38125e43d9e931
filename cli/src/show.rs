//! `assay show`: everything about one run.

use anyhow::{bail, ensure};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tracker::{Artifact, Cell, Replay, RunRecord, Series, Session, Store, format};

mod sessions;

use crate::table::{self, Database};

/// Show one run: its configuration, metrics, artifacts and where it comes from
#[derive(clap::Args)]
#[command(after_help = "\
Examples, a run by the beginning of its uid, and a plot of it written to a file:
  assay show 3f2a
  assay show 3f2a --artifact confusion --output confusion.svg")]
pub(crate) struct Args {
    /// The run: the beginning of its uid, its name or its number
    #[arg(value_name = "RUN")]
    run: String,

    /// Print the sources of its cells in full
    #[arg(long)]
    cells: bool,

    /// Print JSON: every field, all points of all metrics, the cells
    #[arg(long, conflicts_with_all = ["cells", "artifact"])]
    json: bool,

    /// Write the newest artifact of this name to --output, or to stdout
    #[arg(long, value_name = "NAME")]
    artifact: Option<String>,

    /// The file to write the artifact to; one that exists is not overwritten
    #[arg(long, value_name = "FILE", requires = "artifact")]
    output: Option<PathBuf>,

    /// Print what was found out about its surroundings: diff (of the working tree to the commit), lockfile, features
    /// (of each crate that its cells link), local (crates of one's own folders), program or machine
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["cells", "json", "artifact"])]
    print: Option<String>,

    #[command(flatten)]
    database: Database,
}

/// A run with everything that belongs to it, for `--json`.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    run: RunRecord,
    series: Vec<Series>,
    artifacts: Vec<Artifact>,
    cells: Vec<Cell>,
    sessions: Vec<Session>,
    /// As [`Store::environment`]; not `environment`, which is the field of the run with the hash of its crates.
    recorded_in: Value,
    /// The runs that repeat it, and the run that it repeats.
    replays: Vec<Replay>,
    replay_of: Option<String>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let run = store.run(&args.run)?;
    if let Some(name) = &args.artifact {
        return write_artifact(&store, &run, name, args.output.as_deref());
    }
    if let Some(kind) = &args.print {
        return print_snapshot(&store, &run, kind);
    }
    let (series, artifacts, cells) = (store.series(&run)?, store.artifacts(&run)?, store.cells(&run)?);
    let recorded_in = store.environment(&run)?;
    let sessions = store.sessions(&run)?;
    let (replays, replay_of) = (store.replays(&run)?, store.replay_of(&run)?);
    let whole = Whole { run, series, artifacts, cells, sessions, recorded_in, replays, replay_of };
    if args.json {
        return table::print_json(&whole);
    }
    table::print(&whole.page(args.cells))
}

/// "3 times: equal".
fn replayed(replays: &[Replay]) -> Option<String> {
    let times = match replays.len() {
        0 => return None,
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let equal = replays.iter().filter(|replay| replay.equal).count();
    Some(match equal {
        all if all == replays.len() => format!("{times}: equal"),
        0 => format!("{times}: values differ"),
        some => format!("{times}: {some} equal, values of {} differ", replays.len() - some),
    })
}

fn print_snapshot(store: &Store, run: &RunRecord, kind: &str) -> anyhow::Result<()> {
    let Some(bytes) = store.snapshot(run, kind)? else {
        let kinds = store.snapshots(run)?;
        let known = if kinds.is_empty() { "it has none".to_owned() } else { format!("it has {}", kinds.join(", ")) };
        bail!("run {} has no {kind:?}; {known}", run.uid);
    };
    table::print_bytes(&bytes)
}

fn write_artifact(store: &Store, run: &RunRecord, name: &str, output: Option<&Path>) -> anyhow::Result<()> {
    let (artifact, bytes) = store.bytes(run, name)?;
    let Some(path) = output else {
        return table::print_bytes(&bytes);
    };
    ensure!(!path.exists(), "{} exists already: name another --output", path.display());
    std::fs::write(path, &bytes).map_err(|error| table::unwritten(path, &error))?;
    let size = format::size(artifact.size);
    table::print(&format!("wrote {} ({}, {size}) to {}\n", format::plain(name), artifact.mime, path.display()))
}

impl Whole {
    fn page(&self, cells_in_full: bool) -> String {
        let mut page = self.head();
        section(&mut page, "configuration", &tree(&self.run.config));
        section(&mut page, "data", &self.data());
        section(&mut page, "metrics", &self.metrics());
        section(&mut page, "artifacts", &self.artifacts());
        section(&mut page, "environment", &tree(&said(&self.recorded_in)));
        section(&mut page, "used", &sessions::uses(&self.sessions));
        section(&mut page, "cells", &sessions::cells(&self.run, &self.sessions, &self.cells, cells_in_full));
        page
    }

    fn head(&self) -> String {
        let run = &self.run;
        let mut head = format!("{}  {}\n", run.uid, format::plain(&run.name));
        let mut line = |label: &str, text: Option<String>| {
            if let Some(text) = text {
                let _ = writeln!(head, "  {label:<12} {}", format::plain(&text));
            }
        };
        line("status", Some(run.status.to_string()));
        line("error", run.error.clone());
        line("started", Some(format::moment(run.started_ms)));
        line("duration", Some(format::duration(run.duration_ms)));
        line("replayed", replayed(&self.replays));
        line("replay of", self.replay_of.clone());
        line("note", run.note.clone());
        let tags: Vec<_> = run.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line("tags", (!tags.is_empty()).then(|| tags.join(", ")));
        line("group", run.group.clone());
        line("notebook", run.notebook.clone());
        let changed = |dirty| {
            if dirty { ", with uncommitted changes" } else { "" }
        };
        line("commit", run.git.as_ref().map(|git| format!("{}{}", git.commit, changed(git.dirty))));
        for (label, spot) in [
            ("began in", self.sessions.first().map(|session| (session.began, session))),
            ("ended in", self.sessions.last().map(|session| (session.ended, session))),
        ] {
            line(label, spot.and_then(|(spot, session)| sessions::place(spot, session, &self.cells)));
        }
        line("process", Some(format!("{} on {}", run.pid, run.host)));
        head
    }

    fn metrics(&self) -> String {
        if self.series.is_empty() {
            return String::new();
        }
        let mut table = table::new(["metric", "last", "min", "max", "points", "last step", ""]);
        for series in &self.series {
            let metric = &series.metric;
            let end = |at: Option<tracker::model::At>| {
                at.map(|at| format!("{} @ {}", format::number(at.value), at.step)).unwrap_or_default()
            };
            // By step: values may have been logged in any order.
            let mut points = series.values.clone();
            points.sort_by_key(|point| point.step);
            let values: Vec<f64> = points.iter().map(|point| point.value).collect();
            table.add_row([
                table::left(format!("{} {}", metric.key(), metric.direction().arrow())),
                table::right(format::number(metric.last)),
                table::right(end(metric.min)),
                table::right(end(metric.max)),
                table::right(metric.points.to_string()),
                table::right(metric.last_step.to_string()),
                table::left(format::sparkline(&values, 24)),
            ]);
        }
        table::lines(&table)
    }

    fn data(&self) -> String {
        if self.run.data.is_empty() {
            return String::new();
        }
        let mut table = table::new(["name", "rows", "columns", "hash"]);
        for (name, print) in &self.run.data {
            table.add_row([
                table::left(name),
                table::right(print.rows.to_string()),
                table::right(print.columns.len().to_string()),
                table::left(short(&print.hash)),
            ]);
        }
        table::lines(&table)
    }

    fn artifacts(&self) -> String {
        if self.artifacts.is_empty() {
            return String::new();
        }
        let mut table = table::new(["name", "kind", "type", "size", "step", "sha256"]);
        for artifact in &self.artifacts {
            table.add_row([
                table::left(&artifact.name),
                table::left(&artifact.kind),
                table::left(&artifact.mime),
                table::right(format::size(artifact.size)),
                table::right(artifact.step.map(|step| step.to_string()).unwrap_or_default()),
                table::left(short(&artifact.hash)),
            ]);
        }
        table::lines(&table)
    }
}

/// As much of a hash as tells it from others.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn section(page: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        let _ = write!(page, "\n{title}\n{body}");
    }
}

/// An environment with a word for what could not be found out; the commit stands at the head of the page.
fn said(environment: &Value) -> Value {
    let Value::Object(parts) = environment else { return Value::Null };
    let known = parts.iter().filter(|(name, _)| *name != "commit");
    let word = |value: &Value| if value.is_null() { Value::from("absent") } else { value.clone() };
    Value::Object(known.map(|(name, value)| (name.clone(), word(value))).collect())
}

/// A configuration with one line per leaf, indented by nesting.
fn tree(config: &Value) -> String {
    let mut text = String::new();
    match config {
        Value::Null => {}
        Value::Object(fields) => branch(&mut text, fields, 1),
        other => text.push_str(&format!("  {}\n", format::value(other))),
    }
    text
}

fn branch(text: &mut String, fields: &serde_json::Map<String, Value>, depth: usize) {
    let width = fields.keys().map(|key| key.chars().count()).max().unwrap_or(0);
    for (key, value) in fields {
        let (key, indent) = (format::plain(key), "  ".repeat(depth));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let _ = writeln!(text, "{indent}{key}");
                branch(text, inner, depth + 1);
            }
            leaf => drop(writeln!(text, "{indent}{key:<width$}  {}", format::value(leaf))),
        }
    }
}
